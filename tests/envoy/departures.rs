//! Clients that go away: in the middle of their request, while facts are asked for, while the
//! application works, in the middle of the answer. What they asked for is then either not done or on
//! record, and nobody else waits for them.

use std::time::Duration;

use anyhow::ensure;
use scimguard_tests::fixtures::HARNESS_BASE;
use scimguard_tests::okta::user;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::two_ways::{TwoWays, Wish};

#[tokio::test]
async fn who_goes_away_leaves_nothing_open() -> anyhow::Result<()> {
    let mut bed = TwoWays::new(Wish {
        hold_facts: true,
        ..Wish::impatient()
    })
    .await?;
    bed.guard.start().await?;
    let okta = bed.okta(&bed.envoy_url);
    let ann = okta.create_user("ann", "Ann", "Lee").await?;
    in_the_middle_of_a_body(&bed, &ann).await?;
    while_facts_are_asked_for(&bed, &ann).await?;
    while_the_application_works(&bed).await?;
    in_the_middle_of_an_answer(&bed).await?;
    okta.replace_profile(&ann, "Ann Fox").await
}

async fn in_the_middle_of_a_body(bed: &TwoWays, ann: &str) -> anyhow::Result<()> {
    let body = user("gone", "Gone", "Soon").to_string();
    let mut stream = head(bed, "POST", "/Users", body.len()).await?;
    let (first, _) = body.as_bytes().split_at(body.len() / 2);
    stream.write_all(first).await?;
    stream.flush().await?;
    tokio::time::sleep(Duration::from_millis(300)).await;
    drop(stream);
    // A request that comes later has its answer, and the first has not come through before it.
    bed.okta(&bed.envoy_url)
        .patch_profile(ann, "Ann Ray")
        .await?;
    let found = bed.okta(&bed.envoy_url).find_user("gone").await?;
    ensure!(found.is_none(), "half a request was forwarded: {found:?}");
    Ok(())
}

async fn while_facts_are_asked_for(bed: &TwoWays, ann: &str) -> anyhow::Result<()> {
    let Some(facts) = &bed.held_facts else {
        anyhow::bail!("the facts service's answers cannot be held");
    };
    facts.hold();
    let stream = head(bed, "DELETE", &format!("/Users/{ann}"), 0).await?;
    facts.until_held().await?;
    drop(stream);
    tokio::time::sleep(Duration::from_millis(300)).await;
    facts.release();
    let okta = bed.okta(&bed.envoy_url);
    bed.until("her leases end", async || {
        let none = serde_json::json!([{"op": "replace", "value": {"displayName": "Ann Lee"}}]);
        let answer = okta.patch(&format!("/Users/{ann}"), none).await?;
        ensure!(
            answer.status < 300 || answer.rule.as_deref() == Some("facts.unavailable"),
            "{answer:?}"
        );
        Ok(answer.status < 300)
    })
    .await?;
    okta.stored(&format!("/Users/{ann}")).await?;
    Ok(())
}

async fn while_the_application_works(bed: &TwoWays) -> anyhow::Result<()> {
    let body = user("bob", "Bob", "Ray").to_string();
    bed.held.hold();
    let mut stream = head(bed, "POST", "/Users", body.len()).await?;
    stream.write_all(body.as_bytes()).await?;
    bed.held.until_held().await?;
    drop(stream);
    tokio::time::sleep(Duration::from_millis(300)).await;
    bed.held.release();
    let okta = bed.okta(&bed.guard.url);
    let mut bob = String::new();
    let backend = &bed.backend;
    bed.until("the application has him", async || {
        let listed = backend.get("/Users").await?.status(200)?.body;
        let users = listed["Resources"].as_array().cloned().unwrap_or_default();
        let found = users
            .iter()
            .find(|user| user["userName"] == "bob@example.com");
        bob = found
            .and_then(|user| user["id"].as_str())
            .unwrap_or_default()
            .to_owned();
        Ok(found.is_some())
    })
    .await?;
    // Whose he is was not confirmed, so nobody but Okta may touch him, either way.
    bed.until_settled(&bob).await?;
    okta.patch_profile(&bob, "Bob Fox").await
}

async fn in_the_middle_of_an_answer(bed: &TwoWays) -> anyhow::Result<()> {
    for path in ["/Users", "/Groups"] {
        let mut stream = head(bed, "GET", path, 0).await?;
        let mut byte = [0];
        stream.read_exact(&mut byte).await?;
        drop(stream);
    }
    Ok(())
}

/// The head of a request of Okta's, on a connection of its own.
async fn head(bed: &TwoWays, method: &str, path: &str, length: usize) -> anyhow::Result<TcpStream> {
    let mut stream = TcpStream::connect(bed.envoy.listeners[0]).await?;
    let head = format!(
        "{method} {HARNESS_BASE}{path} HTTP/1.1\r\nhost: guard.example.com\r\nauthorization: Bearer {}\r\n\
         content-type: application/scim+json\r\ncontent-length: {length}\r\n\r\n",
        bed.token
    );
    stream.write_all(head.as_bytes()).await?;
    Ok(stream)
}
