//! Every case of tests/cases through a real Envoy: what reaches the application, what the client
//! gets and what is recorded, compared byte for byte with the policy as native code.

use std::collections::BTreeMap;

use anyhow::ensure;
use scimguard_core::Guard;
use scimguard_tests::envoy::{Envoy, TestBed, plugin};
use serde::Deserialize;
use serde_json::Value;

use crate::compared::run;
use crate::peers::Peers;
use crate::suites::{self, Case, Step};
use crate::ways::Way;

/// A case that cannot be the same through Envoy.
#[derive(Deserialize)]
struct Exception {
    suite: String,
    case: String,
    reason: String,
}

#[tokio::test]
async fn every_case_through_envoy_is_the_same_byte_for_byte() -> anyhow::Result<()> {
    let cases = suites::cases()?;
    let mut exceptions: BTreeMap<(String, String), String> = BTreeMap::new();
    let listed: Vec<Exception> = serde_json::from_str(include_str!("exceptions.json"))?;
    for Exception {
        suite,
        case,
        reason,
    } in listed
    {
        exceptions.insert((suite, case), reason);
    }
    let peers = Peers::start().await?;
    let mut plugins: Vec<Value> = Vec::new();
    for case in &cases {
        for plugin in case.steps.iter().map(|step| of(case, step)) {
            if !plugins.contains(&plugin) {
                plugins.push(plugin);
            }
        }
    }
    let bed = TestBed {
        secret: None,
        ..TestBed::new(peers.application, peers.facts)
    };
    let envoy = Envoy::start(&bed, &plugins).await?;
    let mut differences = Vec::new();
    let mut guards: BTreeMap<String, Guard> = BTreeMap::new();
    for case in &cases {
        let policy = match &case.policy {
            Value::Null => String::new(),
            policy => policy.to_string(),
        };
        if !guards.contains_key(&policy) {
            let guard = Guard::configure(&policy);
            let guard = guard.map_err(|errors| anyhow::anyhow!("{}: {errors:?}", case.suite))?;
            guards.insert(policy.clone(), guard);
        }
        let guard = &guards[&policy];
        let listeners = |step: &Step| {
            let position = plugins.iter().position(|plugin| *plugin == of(case, step));
            envoy.listeners[position.unwrap_or_default()]
        };
        let came = run(case, Way::Whole, guard, &peers, listeners).await;
        let listed = exceptions.remove(&(case.suite.clone(), case.name.clone()));
        match (came, listed) {
            (Ok(()), None) | (Err(_), Some(_)) => {}
            (Ok(()), Some(reason)) => differences.push(format!(
                "{}: {}\n  works, but is listed: {reason}",
                case.suite, case.name
            )),
            (Err(error), None) => {
                differences.push(format!("{}: {}\n  {error:#}", case.suite, case.name));
            }
        }
    }
    for (suite, case) in exceptions.keys() {
        differences.push(format!(
            "{suite}: {case}\n  is listed, and there is no such case"
        ));
    }
    let total = cases.len();
    ensure!(
        differences.is_empty(),
        "{} of {total} cases:\n{}",
        differences.len(),
        differences.join("\n")
    );
    Ok(())
}

fn of(case: &Case, step: &Step) -> Value {
    plugin(&case.policy, step.request.annotate)
}
