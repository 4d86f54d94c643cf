//! A facts service that gives no answer in time, or cannot record: nothing is forwarded that is not
//! decided, and what was done without being recorded is the provider's until it is settled.

use anyhow::{Context as _, ensure};
use scimguard_tests::deployment::administrator;
use scimguard_tests::fixtures::user_path;
use scimguard_tests::okta::user;

use crate::two_ways::{TwoWays, Wish};

#[tokio::test]
async fn a_silent_facts_service_is_no_answer() -> anyhow::Result<()> {
    let mut bed = TwoWays::new(Wish {
        hold_facts: true,
        ..Wish::impatient()
    })
    .await?;
    bed.guard.start().await?;
    let okta = bed.okta(&bed.envoy_url);
    let native = bed.application_user("nick").await?;
    no_answer_in_time(&bed, &native).await?;
    okta.test_connection().await?;
    no_record_of_an_answer(&bed).await
}

async fn no_answer_in_time(bed: &TwoWays, native: &str) -> anyhow::Result<()> {
    let facts = bed.held_facts.as_ref().context("facts can be held")?;
    facts.hold();
    let administrator = administrator(&bed.envoy_url);
    let answer = administrator.delete(&user_path(native)).await?;
    ensure!(answer.status == 503, "{answer:?}");
    answer.refused("facts.unavailable")?;
    facts.release();
    bed.backend
        .get(&format!("/Users/{native}"))
        .await?
        .status(200)?;
    bed.until("the lease has ended", async || {
        let answer = administrator.delete(&user_path(native)).await?;
        if answer.status < 300 {
            return Ok(true);
        }
        answer.refused("facts.unavailable")?;
        Ok(false)
    })
    .await
}

async fn no_record_of_an_answer(bed: &TwoWays) -> anyhow::Result<()> {
    let facts = bed.held_facts.as_ref().context("facts can be held")?;
    let (scim, create) = (
        bed.okta(&bed.envoy_url).scim.clone(),
        user("eve", "Eve", "Fox"),
    );
    bed.held.hold();
    let created = tokio::spawn(async move { scim.post("/Users", &create).await });
    bed.held.until_held().await?;
    facts.fail(500);
    bed.held.release();
    let answer = created.await??;
    ensure!(answer.status == 503, "{answer:?}");
    answer.refused("facts.unavailable")?;
    facts.mend();

    let listed = bed.backend.get("/Users").await?.status(200)?.body;
    let eve = listed["Resources"][0]["id"]
        .as_str()
        .context("she is there")?;
    bed.until_settled(eve).await
}
