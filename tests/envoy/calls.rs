//! How many calls to the facts service a request costs at a gateway.

use anyhow::{Context as _, ensure};
use scimguard_tests::guard::Guard;
use scimguard_tests::okta::user;
use serde_json::json;

use crate::two_ways::{TwoWays, Wish};

#[tokio::test]
async fn a_read_costs_one_call_and_a_write_of_a_known_token_three() -> anyhow::Result<()> {
    let mut bed = TwoWays::new(Wish {
        one_worker: true,
        ..Wish::default()
    })
    .await?;
    bed.guard.start().await?;
    let okta = bed.okta(&bed.envoy_url);
    let ann = okta.create_user("ann", "Ann", "Lee").await?;
    let team = okta.push_group("team", &[]).await?;
    let (ann_path, team_path) = (format!("/Users/{ann}"), format!("/Groups/{team}"));
    let patch = |operation| json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [operation]});
    let rename = patch(json!({"op": "replace", "path": "displayName", "value": "Ann Fox"}));
    let join = patch(json!({"op": "add", "path": "members", "value": [{"value": ann}]}));
    let bob = user("bob", "Bob", "Ray");
    let scim = &okta.scim;
    for (what, calls) in [
        ("a read", 1),
        ("a change of a user", 3),
        ("a change of a group", 3),
        ("a deletion", 3),
        // Whose the id is that the application gave is a question of its own.
        ("a create", 4),
    ] {
        let before = calls_of(&bed.guard)?;
        let answer = match what {
            "a read" => scim.get(&ann_path).await?,
            "a change of a user" => scim.patch(&ann_path, &rename).await?,
            "a change of a group" => scim.patch(&team_path, &join).await?,
            "a deletion" => scim.delete(&team_path).await?,
            _ => scim.post("/Users", &bob).await?,
        };
        ensure!(answer.status < 300, "{what}: {answer:?}");
        let made = calls_of(&bed.guard)? - before;
        ensure!(made == calls, "{what} costs {made} calls, not {calls}");
    }
    Ok(())
}

/// The questions and reports that each had a call of its own; the ends of reads are reported together.
fn calls_of(guard: &Guard) -> anyhow::Result<u64> {
    let metrics = guard.metrics()?;
    let own = metrics.lines().filter(|line| {
        line.starts_with("scimguard_facts_requests_total{") && !line.contains("verb=\"report\"")
    });
    let counts = own.map(|line| {
        let (_, count) = line.rsplit_once(' ').context("a metric has a value")?;
        Ok(count.parse::<u64>()?)
    });
    let counts: anyhow::Result<Vec<u64>> = counts.collect();
    Ok(counts?.iter().sum())
}
