//! Combinations as case suites, and the program that runs them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context as _, ensure};
use scimguard_tests::environment::{self, COMPONENT, PROGRAM};
use scimguard_tests::model::{Actor, Policy, Rule, Verdict};
use scimguard_tests::process;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;

use crate::test_bed::{self, TestBed};
use crate::ways::Attempt;

/// Few enough that a run ends within the time that a command has.
const SUITES_A_RUN: usize = 60;

/// How many lines of the program's report a message shows.
const SHOWN: usize = 60;

/// Combinations, and what the model says of them.
#[derive(Default)]
pub(crate) struct Combinations {
    suites: Vec<Value>,
    /// How often each rule is the one that refuses.
    pub(crate) refusals: BTreeMap<Rule, usize>,
    /// How often each edit, by its name, is forwarded.
    pub(crate) forwarded: BTreeMap<(Actor, String), usize>,
}

/// How combinations are put into cases.
#[derive(Clone, Copy)]
pub(crate) enum Form {
    /// Each is a case of its own.
    Cases,
    /// All of one record are steps of one case, and the application refuses whatever is forwarded:
    /// each step must find the record as if nothing had been asked before.
    Steps,
}

impl Combinations {
    /// Adds edits of one record under one policy.
    pub(crate) fn add(
        &mut self,
        policy: Policy,
        routes: Option<Value>,
        bed: &TestBed,
        attempts: Vec<Attempt>,
    ) {
        let mut cases = Vec::new();
        for attempt in attempts {
            let verdict = bed.world.judge(policy, attempt.actor, &attempt.edit);
            self.count(&attempt, &verdict);
            // Where direct users are locked too, there are several reasons.
            let culprit = attempt.culprit.filter(|_| !policy.direct_locked);
            let expect = expected(&verdict, culprit);
            cases.push(json!({"name": attempt.name, "request": attempt.request, "expect": expect}));
        }
        self.suites.push(json!({
            "suite": format!("{}; {policy:?}", bed.name),
            "policy": document(policy, routes),
            "now": "2026-06-01T00:00:00Z",
            "facts": test_bed::facts(&bed.world),
            "cases": cases,
        }));
    }

    fn count(&mut self, attempt: &Attempt, verdict: &Verdict) {
        let key = (attempt.actor, attempt.name.clone());
        let forwarded = self.forwarded.entry(key).or_default();
        match verdict {
            Verdict::Forward => *forwarded += 1,
            Verdict::Refuse(rules) => {
                if let Some(rule) = only(rules) {
                    *self.refusals.entry(rule).or_default() += 1;
                }
            }
        }
    }

    /// Passes if the program does with each combination what the model says.
    pub(crate) async fn pass(&self, engine: &str, form: Form) -> anyhow::Result<()> {
        for suites in self.suites.chunks(SUITES_A_RUN) {
            let folder = TempDir::with_prefix("scimguard-ownership-")?;
            let mut cases = 0;
            for (index, suite) in suites.iter().enumerate() {
                let suite = match form {
                    Form::Cases => suite.clone(),
                    Form::Steps => in_steps(suite.clone()),
                };
                cases += suite["cases"].as_array().map_or(0, Vec::len);
                let file = folder.path().join(format!("{index}.json"));
                fs::write(&file, suite.to_string()).with_context(|| file.display().to_string())?;
            }
            run(engine, folder.path(), cases).await?;
        }
        Ok(())
    }
}

async fn run(engine: &str, folder: &Path, number: usize) -> anyhow::Result<()> {
    let mut command = Command::new(environment::file(PROGRAM));
    command.args(["test", "--engine", engine]).arg(folder);
    if engine == "wasm" {
        command.arg("--component").arg(environment::file(COMPONENT));
    }
    let output = process::run(&mut command).await?;
    let printed = String::from_utf8_lossy(&output.stdout);
    let last = printed.trim_end().lines().last().unwrap_or_default();
    let expected = format!("{number} passed, 0 failed");
    ensure!(
        last == expected,
        "{engine}: {last}, not {expected}\n{}\n{}",
        printed.lines().take(SHOWN).collect::<Vec<_>>().join("\n"),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

fn in_steps(mut suite: Value) -> Value {
    let mut steps = suite["cases"].take();
    for step in steps.as_array_mut().into_iter().flatten() {
        let step = step.as_object_mut();
        let Some(step) = step else { continue };
        step.remove("name");
        if step["expect"]["decision"] == "forward" {
            step.insert("upstream".to_owned(), json!({"status": 400}));
        }
    }
    suite["cases"] = json!([{"name": "every edit, none of which succeeds", "steps": steps}]);
    suite
}

fn expected(verdict: &Verdict, culprit: Option<&str>) -> Value {
    let rules = match verdict {
        Verdict::Forward => return json!({"decision": "forward"}),
        Verdict::Refuse(rules) => rules,
    };
    let mut expect = json!({"decision": "reject"});
    if let Some(rule) = only(rules) {
        expect["rule"] = rule.id().into();
    }
    let status: BTreeSet<u16> = rules.iter().map(|rule| rule.status()).collect();
    if let (1, Some(status)) = (status.len(), status.first()) {
        expect["status"] = (*status).into();
    }
    let of_a_member = matches!(only(rules), Some(Rule::UserGroups | Rule::Deactivated));
    if let (true, Some(culprit)) = (of_a_member, culprit) {
        expect["detail_contains"] = culprit.into();
    }
    expect
}

fn only(rules: &BTreeSet<Rule>) -> Option<Rule> {
    rules.first().copied().filter(|_| rules.len() == 1)
}

fn document(policy: Policy, routes: Option<Value>) -> Value {
    let or = |allowed: bool| if allowed { "allow" } else { "deny" };
    let mut document = json!({
        "version": 1,
        "preset": "harness",
        "adopt": {"users": or(policy.adopt_users), "groups": or(policy.adopt_groups)},
        "direct_users": if policy.direct_locked { "locked" } else { "editable" },
        "local_users": or(!policy.local_denied),
    });
    if let Some(routes) = routes {
        document["management"] = json!({"routes": routes});
    }
    document
}
