//! Other plugin configurations while Envoy works: a good one holds for the requests that come then,
//! and those under way end by the one that they began with; a wrong one is refused with the reason.

use anyhow::ensure;
use scimguard_tests::deployment::administrator;
use scimguard_tests::envoy::Taken;
use scimguard_tests::fixtures::{group_path, harness, in_account};
use serde_json::{Value, json};

use crate::two_ways::{TwoWays, Wish, filter};

/// `body_bytes` of the preset.
const LARGEST: u64 = 1 << 20;

#[tokio::test]
async fn a_policy_is_replaced_under_way() -> anyhow::Result<()> {
    let mut bed = TwoWays::new(Wish::default()).await?;
    bed.guard.start().await?;
    let okta = bed.okta(&bed.envoy_url);
    let team = okta.push_group("team", &[]).await?;
    until_renaming_is_open(&bed, &team, false).await?;

    bed.held.hold();
    let (scim, push) = (
        okta.scim.clone(),
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
            "displayName": "under-way",
            "members": [],
        }),
    );
    let under_way = tokio::spawn(async move { scim.post("/Groups", &push).await });
    bed.held.until_held().await?;
    let watching = filter(&json!({"version": 1, "preset": "harness", "mode": "monitor"}));
    ensure!(bed.envoy.reconfigure(&[watching]).await? == Taken::Yes);
    bed.held.release();
    let group = under_way.await??.status(201)?.id()?;
    until_renaming_is_open(&bed, &team, true).await?;

    for (wrong, message) in wrong_configurations() {
        let taken = bed.envoy.reconfigure(&[wrong]).await?;
        let log = bed.envoy.logged();
        ensure!(
            taken == Taken::Refused && log.contains(message),
            "{message}: {taken:?}: {log}"
        );
    }
    until_renaming_is_open(&bed, &team, true).await?;

    // A buffer that just holds what the policy allows.
    let mut enforced = filter(&harness());
    enforced["buffer_bytes"] = json!(LARGEST);
    ensure!(bed.envoy.reconfigure(&[enforced]).await? == Taken::Yes);
    until_renaming_is_open(&bed, &team, false).await?;
    // What ended under another configuration is on record as by its own.
    administrator(&bed.envoy_url)
        .delete(&group_path(&group))
        .await?
        .refused("okta-only.group-delete")
}

/// What is wrong with each, as Envoy's log says it.
fn wrong_configurations() -> [(Value, &'static str); 7] {
    let unknown = json!({"version": 1, "scim": {"basee": "/scim"}});
    let (mut nowhere, mut surplus) = (filter(&harness()), filter(&harness()));
    nowhere["facts"] = json!({});
    surplus["fact"] = json!({"cluster": "facts"});
    let (mut small, mut of_account, mut forgetful) =
        (filter(&harness()), filter(&harness()), filter(&harness()));
    small["buffer_bytes"] = json!(LARGEST - 1);
    // One account may send more than all others.
    of_account["policy"]["accounts"] =
        json!({"ACC2": {"scim": {"limits": {"body_bytes": LARGEST + 1}}}});
    of_account["buffer_bytes"] = json!(LARGEST);
    forgetful["memory_bytes"] = json!(2 * LARGEST - 1);
    [
        (filter(&unknown), "refused: /policy/scim/basee: "),
        (
            filter(&json!({"version": 1, "preset": "okta"})),
            "refused: /policy/preset: ",
        ),
        (nowhere, "refused: missing field `cluster`"),
        (surplus, "refused: unknown field `fact`"),
        (small, "refused: /buffer_bytes: "),
        (of_account, "refused: /buffer_bytes: "),
        (forgetful, "refused: /memory_bytes: "),
    ]
}

/// Envoy takes a configuration before all its workers work by it.
async fn until_renaming_is_open(bed: &TwoWays, group: &str, expected: bool) -> anyhow::Result<()> {
    let path = in_account("/gateway/ng/api/user-groups");
    let mut number = 0;
    let what = format!("renaming is open: {expected}");
    bed.until(&what, async || {
        // Giving it the name that it has is no change, and open to everybody.
        number += 1;
        let name = format!("ours-{expected}-{number}");
        let renamed = json!({"identifier": group, "name": name});
        let answer = administrator(&bed.envoy_url).put(&path, &renamed).await?;
        let open = match answer.rule.as_deref() {
            Some(rule) => {
                ensure!(rule == "okta-only.group-rename", "{answer:?}");
                false
            }
            None => {
                ensure!(answer.status == 200, "{answer:?}");
                true
            }
        };
        Ok(open == expected)
    })
    .await
}
