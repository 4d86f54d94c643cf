//! The suites of this repository pass and cover the rules.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::suite::{Decision, Step};
use super::{Suite, find, run};
use scimguard_core::Guard;

/// Rules that no case can trigger, because the host refuses by them and not the policy: it counts
/// requests, meets a failing plugin, or finds no backend.
const HOST: [&str; 3] = ["rate.limited", "plugin.trapped", "upstream.unavailable"];

#[test]
fn every_case_passes() {
    let mut failures = Vec::new();
    for (path, suite) in suites() {
        let guard = Guard::configure(&suite.policy)
            .unwrap_or_else(|faults| panic!("{}: {faults:?}", path.display()));
        for case in &suite.cases {
            if let Err(failure) = run(&guard, case) {
                failures.push(format!("{}\n  {}\n{failure}", path.display(), case.name));
            }
        }
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

#[test]
fn every_refusing_rule_has_a_case_for_it_and_a_case_against_it() {
    let covered: BTreeSet<String> = suites()
        .iter()
        .flat_map(|(_, suite)| covered(suite))
        .collect();
    let missing: Vec<&str> = scimguard_core::rules()
        .filter(|rule| rule.status.is_some())
        .map(|rule| rule.id)
        .filter(|id| !HOST.contains(id) && !covered.contains(*id))
        .collect();
    assert!(
        missing.is_empty(),
        "no suite in tests/cases has both a refusal by the rule and a request that is forwarded: \
         {missing:#?}"
    );
}

/// The rules that a suite refuses by, if it forwards something as well.
fn covered(suite: &Suite) -> Vec<String> {
    let steps = || suite.cases.iter().flat_map(|case| &case.steps);
    if !steps().any(|step| step.expect.decision == Some(Decision::Forward)) {
        return Vec::new();
    }
    steps().filter_map(refusing_rule).collect()
}

/// By the decision, or by the response in place of a backend's answer.
fn refusing_rule(step: &Step) -> Option<String> {
    if step.expect.decision == Some(Decision::Reject) {
        return step.expect.rule.clone();
    }
    let header = step.response.as_ref()?.headers.get("scimguard-rule")?;
    header.values().first().cloned()
}

fn suites() -> Vec<(PathBuf, Suite)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/cases");
    find(&[folder])
        .unwrap()
        .into_iter()
        .map(|path| {
            let suite = Suite::read(&path).unwrap_or_else(|error| panic!("{error:#}"));
            (path, suite)
        })
        .collect()
}
