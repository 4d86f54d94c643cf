//! A filter that breaks off: a body cannot be replaced, since Envoy does not let the filter do it.
//! Nothing comes through, who was under way has an answer, and the worker goes on with a new filter.

use anyhow::ensure;
use scimguard_tests::client::Client;
use scimguard_tests::deployment::administrator;
use scimguard_tests::fixtures::{HARNESS_BASE, user_path};
use scimguard_tests::okta::user;

use crate::two_ways::{TwoWays, Wish};

#[tokio::test]
async fn a_filter_that_breaks_off_lets_nothing_through_and_is_replaced() -> anyhow::Result<()> {
    let mut bed = TwoWays::new(Wish {
        forbidden: Some("proxy_set_buffer_bytes"),
        ..Wish::impatient()
    })
    .await?;
    bed.guard.start().await?;
    // By the other way, which works.
    let ann = bed
        .okta(&bed.guard.url)
        .create_user("ann", "Ann", "Lee")
        .await?;
    let okta = bed.okta(&bed.envoy_url);

    bed.held.hold();
    let (scim, path) = (okta.scim.clone(), format!("/Users/{ann}"));
    let under_way = tokio::spawn(async move { scim.delete(&path).await });
    bed.held.until_held().await?;
    // Of one of the workers or both.
    let create = user("bob", "Bob", "Ray");
    let creations = (0..8).map(|_| {
        let (scim, create) = (okta.scim.clone(), create.clone());
        tokio::spawn(async move { scim.post("/Users", &create).await })
    });
    for answer in creations.collect::<Vec<_>>() {
        let answer = answer.await??;
        ensure!(answer.status >= 500, "{answer:?}");
    }
    bed.held.release();
    let answer = under_way.await??;
    ensure!(answer.status >= 500, "{answer:?}");

    // She is gone, which nobody has told the record.
    let by_the_guard = administrator(&bed.guard.url);
    bed.until("she is settled", async || {
        let answer = by_the_guard.delete(&user_path(&ann)).await?;
        ensure!(answer.status >= 400, "{answer:?}");
        Ok(answer.rule.is_none() && answer.status == 404)
    })
    .await?;
    // Whatever has no body is judged again, by both workers.
    let nobody = Client::new(format!("{}{HARNESS_BASE}", bed.envoy_url));
    let mut in_a_row = 0;
    bed.until("both workers judge again", async || {
        let answer = nobody.get("/Users").await?;
        ensure!(answer.status >= 400, "{answer:?}");
        in_a_row = match answer.rule.as_deref() {
            Some("token.missing") => in_a_row + 1,
            _ => 0,
        };
        Ok(in_a_row == 16)
    })
    .await?;
    let listed = bed.backend.get("/Users").await?.status(200)?.body;
    ensure!(listed["totalResults"] == 0, "{listed}");
    Ok(())
}
