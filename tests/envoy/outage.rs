//! Envoy under load while the facts service is killed and started again: no request is forwarded that
//! nobody has decided, and none hangs (each client has its time limit).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use scimguard_tests::client::Answer;
use scimguard_tests::deployment::administrator;
use scimguard_tests::fixtures::user_path;
use serde_json::json;

use crate::two_ways::{TwoWays, Wish};

#[tokio::test]
async fn nothing_passes_undecided_while_the_facts_service_is_away() -> anyhow::Result<()> {
    let mut bed = TwoWays::new(Wish {
        keys: "lease_timeout = \"1s\"\nsettle_every = \"500ms\"\nsettle_after = \"1s\"\n",
        ..Wish::default()
    })
    .await?;
    // The service alone: there is no other way to the application.
    bed.guard.start_as("facts").await?;
    let okta = bed.okta(&bed.envoy_url);
    let mut users = Vec::new();
    for position in 0..4 {
        let login = format!("user{position}");
        users.push(okta.create_user(&login, "Ann", "Lee").await?);
    }
    let over = Arc::new(AtomicBool::new(false));
    let mut administrators = Vec::new();
    let mut profiles = Vec::new();
    for id in &users {
        let (client, path) = (administrator(&bed.envoy_url), user_path(id));
        administrators.push(tokio::spawn(until(Arc::clone(&over), async move || {
            client.delete(&path).await
        })));
        let (okta, path) = (bed.okta(&bed.envoy_url), format!("/Users/{id}"));
        profiles.push(tokio::spawn(until(Arc::clone(&over), async move || {
            let operations = json!([{"op": "replace", "value": {"displayName": "Ann Ray"}}]);
            okta.patch(&path, operations).await
        })));
    }
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_millis(1500)).await;
        bed.guard.kill().await?;
        tokio::time::sleep(Duration::from_millis(700)).await;
        bed.guard.start_as("facts").await?;
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    over.store(true, Ordering::Relaxed);
    for requests in administrators {
        let answers = requests.await??;
        let count = |rule| refusals(&answers, rule);
        let (decided, undecided) = (count("okta-only.user-delete"), count("facts.unavailable"));
        ensure!(
            decided > 0 && undecided > 0 && decided + undecided == answers.len(),
            "{answers:?}"
        );
    }
    for requests in profiles {
        let answers = requests.await??;
        let done = answers.iter().filter(|answer| answer.status < 300).count();
        let undecided = refusals(&answers, "facts.unavailable");
        ensure!(
            done > 0 && undecided > 0 && done + undecided == answers.len(),
            "{answers:?}"
        );
    }
    for id in &users {
        let stored = okta.stored(&format!("/Users/{id}")).await?;
        ensure!(stored["displayName"] == "Ann Ray", "{stored}");
    }
    okta.create_user("after", "Ann", "Lee")
        .await
        .context("it goes on")?;
    Ok(())
}

/// Sends one request after another.
async fn until(
    over: Arc<AtomicBool>,
    request: impl AsyncFn() -> anyhow::Result<Answer>,
) -> anyhow::Result<Vec<Answer>> {
    let mut answers = Vec::new();
    while !over.load(Ordering::Relaxed) {
        answers.push(request().await?);
    }
    Ok(answers)
}

fn refusals(answers: &[Answer], rule: &str) -> usize {
    let refused = |answer: &&Answer| answer.rule.as_deref() == Some(rule) && answer.status >= 400;
    answers.iter().filter(refused).count()
}
