//! A facts service that gives no answer in time, or cannot record: nothing is forwarded that is not
//! decided, and what was done without being recorded is the provider's until it is settled.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use scimguard_tests::okta::user;

use crate::two_ways::{TwoWays, Wish, administrator, user_path};

/// Longer than it takes, shorter than a test.
const LIMIT: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_silent_facts_service_is_no_answer() -> anyhow::Result<()> {
    let mut scene = TwoWays::new(Wish {
        keys: "lease_timeout = \"500ms\"\nsettle_every = \"500ms\"\nsettle_after = \"1s\"\n",
        facts: "pass_timeout = \"2s\"\n",
        hold_facts: true,
        ..Wish::default()
    })
    .await?;
    scene.guard.start().await?;
    let okta = scene.okta(&scene.envoy_url);
    let native = scene.application_user("nick").await?;
    no_answer_in_time(&scene, &native).await?;
    okta.test_connection().await?;
    no_record_of_an_answer(&scene).await
}

async fn no_answer_in_time(scene: &TwoWays, native: &str) -> anyhow::Result<()> {
    let facts = scene.held_facts.as_ref().context("facts can be held")?;
    facts.hold();
    let administrator = administrator(&scene.envoy_url);
    let answer = administrator
        .send("DELETE", &user_path(native), None)
        .await?;
    ensure!(answer.status == 503, "{answer:?}");
    answer.refused("facts.unavailable")?;
    facts.release();
    scene
        .backend
        .get(&format!("/Users/{native}"))
        .await?
        .status(200)?;
    let begun = Instant::now();
    loop {
        let answer = administrator
            .send("DELETE", &user_path(native), None)
            .await?;
        if answer.status < 300 {
            return Ok(());
        }
        ensure!(begun.elapsed() < LIMIT, "{answer:?}");
        answer.refused("facts.unavailable")?;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

async fn no_record_of_an_answer(scene: &TwoWays) -> anyhow::Result<()> {
    let facts = scene.held_facts.as_ref().context("facts can be held")?;
    let (scim, create) = (
        scene.okta(&scene.envoy_url).scim.clone(),
        user("eve", "Eve", "Fox"),
    );
    scene.held.hold();
    let created = tokio::spawn(async move { scim.send("POST", "/Users", Some(&create)).await });
    scene.held.until_held().await?;
    facts.fail(500);
    scene.held.release();
    let answer = created.await??;
    ensure!(answer.status == 503, "{answer:?}");
    answer.refused("facts.unavailable")?;
    facts.mend();

    let listed = scene.backend.get("/Users").await?.status(200)?.body;
    let eve = listed["Resources"][0]["id"]
        .as_str()
        .context("she is there")?;
    let begun = Instant::now();
    loop {
        let mut rules = Vec::new();
        for (url, _) in scene.ways() {
            let answer = administrator(&url)
                .send("DELETE", &user_path(eve), None)
                .await?;
            ensure!(answer.status >= 400, "{answer:?}");
            rules.extend(answer.rule);
        }
        if rules == ["okta-only.user-delete", "okta-only.user-delete"] {
            return Ok(());
        }
        ensure!(begun.elapsed() < LIMIT, "{rules:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
