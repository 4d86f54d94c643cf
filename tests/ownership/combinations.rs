//! Every combination of actor, edit, ownership of the user, ownership of the group, membership,
//! activity and policy: the model says what becomes of it, and the policy must do the same, as
//! native code and as the plugin.

use anyhow::ensure;
use scimguard_tests::model::{Policy, Rule};

use crate::suites::{Combinations, Form};
use crate::{test_bed, ways};

#[tokio::test]
async fn the_policy_does_what_the_model_says() -> anyhow::Result<()> {
    every_combination().pass("native", Form::Cases).await
}

#[tokio::test]
async fn the_plugin_does_what_the_model_says() -> anyhow::Result<()> {
    every_combination().pass("wasm", Form::Steps).await
}

#[test]
fn the_model_refuses_by_every_rule_and_forwards_every_edit() -> anyhow::Result<()> {
    let combinations = every_combination();
    for rule in Rule::ALL {
        let times = combinations.refusals.get(&rule).copied();
        let times = times.unwrap_or_default();
        ensure!(times >= 20, "{} refuses {times} times", rule.id());
    }
    for ((actor, edit), forwarded) in &combinations.forwarded {
        let is_for_refusal = REFUSED.iter().any(|part| edit.contains(part));
        ensure!(
            *forwarded > 0 || is_for_refusal,
            "{edit} by the {actor:?} is never forwarded"
        );
    }
    Ok(())
}

/// What the names of those edits have that are refused whoever owns the user and the group.
const REFUSED: [&str; 5] = [
    "the user name of another",
    "the e-mail of another",
    "the id of another",
    "one of whom is",
    "several of all kinds",
];

fn every_combination() -> Combinations {
    let mut combinations = Combinations::default();
    for policy in policies() {
        for bed in test_bed::all() {
            let attempts = ways::of_the_preset(policy, &bed.world);
            combinations.add(policy, None, &bed, attempts);
            let attempts = ways::of_own_routes(&bed.world);
            combinations.add(policy, Some(ways::routes()), &bed, attempts);
        }
    }
    combinations
}

fn policies() -> Vec<Policy> {
    let mut policies = Vec::new();
    for adopt_users in [false, true] {
        for adopt_groups in [false, true] {
            for direct_locked in [false, true] {
                policies.push(Policy {
                    adopt_users,
                    adopt_groups,
                    direct_locked,
                    local_denied: false,
                });
            }
        }
    }
    policies.push(Policy {
        local_denied: true,
        ..Policy::default()
    });
    policies
}
