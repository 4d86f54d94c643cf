//! A facts service that gives no answer in time, or cannot record: nothing is forwarded that is not
//! decided, and what was done without being recorded is the provider's until it is settled.

use anyhow::{Context as _, ensure};
use scimguard_tests::okta::user;

use crate::two_ways::{TwoWays, Wish, administrator, user_path};

#[tokio::test]
async fn a_silent_facts_service_is_no_answer() -> anyhow::Result<()> {
    let mut scene = TwoWays::new(Wish {
        hold_facts: true,
        ..Wish::impatient()
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
    scene
        .until("the lease has ended", async || {
            let answer = administrator
                .send("DELETE", &user_path(native), None)
                .await?;
            if answer.status < 300 {
                return Ok(true);
            }
            answer.refused("facts.unavailable")?;
            Ok(false)
        })
        .await
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
    scene.until_settled(eve).await
}
