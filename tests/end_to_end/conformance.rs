//! The public conformance runs, `scim2 test` and `scim-sanity probe`, find the same through the guard as
//! without it, whatever chance puts into their users: once here, twenty times in `cargo xtask
//! conformance`.

use std::collections::BTreeSet;
use std::io::Write as _;

use anyhow::{Context as _, ensure};
use scimguard_tests::environment::python_command;
use scimguard_tests::fixtures::{ACCOUNT, GENERIC_BASE, SCIM2_MOUNT, SCIMMY_MOUNT, generic};
use scimguard_tests::guard::Guard;
use scimguard_tests::process::{self, Server};
use serde_json::Value;
use tokio::process::Command;

/// How often each run is repeated, if more than once.
const RUNS_VARIABLE: &str = "SCIMGUARD_CONFORMANCE_RUNS";

#[tokio::test]
async fn the_public_conformance_run_passes_as_without_the_guard() -> anyhow::Result<()> {
    let alone = Subject::alone(Server::scim2().await?, SCIM2_MOUNT);
    let guarded = Subject::guarded(Server::scim2().await?, SCIM2_MOUNT).await?;
    each_run(async |run| {
        let alone = alone.scim2_test().await?;
        let errors = not_passed(&alone);
        ensure!(errors.is_empty(), "run {run}, alone: {errors:#?}");
        let guarded = guarded.scim2_test().await?;
        let errors = not_passed(&guarded);
        ensure!(
            errors.is_empty(),
            "run {run}, through the guard: {errors:#?}"
        );
        let (lost, gained) = (without(&alone, &guarded), without(&guarded, &alone));
        ensure!(
            lost.is_empty() && gained.is_empty(),
            "run {run}, alone: {lost:#?}\nthrough the guard: {gained:#?}"
        );
        Ok(())
    })
    .await
}

#[tokio::test]
async fn what_scimmy_passes_alone_it_passes_through_the_guard() -> anyhow::Result<()> {
    let alone = Subject::alone(Server::scimmy().await?, SCIMMY_MOUNT);
    let guarded = Subject::guarded(Server::scimmy().await?, SCIMMY_MOUNT).await?;
    each_run(async |run| {
        let (alone, guarded) = (alone.scim2_test().await?, guarded.scim2_test().await?);
        let (lost, gained) = (without(&alone, &guarded), without(&guarded, &alone));
        let differ = format!("run {run}, alone: {lost:#?}\nthrough the guard: {gained:#?}");
        ensure!(
            !lost.iter().any(|check| check.starts_with("SUCCESS")),
            "{differ}"
        );
        // scimmy answers a write to what can only be read with 404; the guard with 405 (RFC 9110 §9.1).
        for end_point in ["service_provider_config", "resource_types", "schemas"] {
            let name = format!("SUCCESS {end_point}_endpoint_methods ");
            let passed = gained.iter().filter(|check| check.starts_with(&name));
            ensure!(passed.count() == 4, "{end_point}: {differ}");
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn scim_sanity_finds_nothing_more_through_the_guard() -> anyhow::Result<()> {
    let servers = [
        (Server::scim2().await?, Server::scim2().await?, SCIM2_MOUNT),
        (
            Server::scimmy().await?,
            Server::scimmy().await?,
            SCIMMY_MOUNT,
        ),
    ];
    for (alone, guarded, mount) in servers {
        let alone = Subject::alone(alone, mount);
        let guarded = Subject::guarded(guarded, mount).await?;
        each_run(async |run| {
            let (alone, guarded) = (alone.sanity_probe().await?, guarded.sanity_probe().await?);
            ensure!(alone.len() >= 24, "{mount}: it passes little: {alone:#?}");
            let lost: Vec<_> = alone.difference(&guarded).collect();
            ensure!(
                lost.is_empty(),
                "{mount}, run {run}, not through the guard: {lost:#?}"
            );
            Ok(())
        })
        .await?;
    }
    Ok(())
}

/// Does something once, or as often as the long run says.
async fn each_run(run: impl AsyncFn(usize) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let runs = match std::env::var(RUNS_VARIABLE) {
        Ok(runs) => runs.parse().context(RUNS_VARIABLE)?,
        Err(_) => 1,
    };
    for number in 1..=runs {
        run(number).await?;
        if runs > 1 {
            writeln!(std::io::stderr(), "run {number} of {runs}")?;
        }
    }
    Ok(())
}

/// A server, alone or behind a guard.
struct Subject {
    _server: Server,
    guard: Option<Guard>,
    url: String,
    token: String,
}

impl Subject {
    fn alone(server: Server, mount: &str) -> Self {
        Self {
            url: format!("{}{mount}", server.url),
            _server: server,
            guard: None,
            token: "anybody".to_owned(),
        }
    }

    /// The run has an identity provider's token: what it creates is the provider's.
    async fn guarded(server: Server, mount: &str) -> anyhow::Result<Self> {
        let mut guard = Guard::configure(&server.url, &generic(mount))?;
        let token = guard.token(ACCOUNT, "svc-tests", Some("okta")).await?;
        // It sends as fast as it can.
        guard.configure_also("[limits]\nrequests_per_second = 10000\nburst = 10000\n")?;
        guard.start().await?;
        Ok(Self {
            url: format!("{}{GENERIC_BASE}", guard.url),
            _server: server,
            guard: Some(guard),
            token,
        })
    }

    /// Runs `scim2 test`, and returns one line for each check: its result, its name, what it says.
    async fn scim2_test(&self) -> anyhow::Result<Vec<String>> {
        let mut command = Command::new(python_command("scim2"));
        command.args(["--url", &self.url, "test"]);
        if self.guard.is_some() {
            let header = format!("Authorization: Bearer {}", self.token);
            command.env("SCIM_CLI_HEADERS", header);
        }
        let output = process::run(&mut command).await?;
        let checks = checks(&String::from_utf8(output.stdout)?);
        ensure!(checks.len() > 100, "the run found little: {checks:#?}");
        Ok(checks)
    }

    /// Runs `scim-sanity probe`, and returns the names of the checks that passed.
    async fn sanity_probe(&self) -> anyhow::Result<BTreeSet<String>> {
        let mut command = Command::new(python_command("scim-sanity"));
        command
            .args(["probe", &self.url, "--token", &self.token])
            .args(["--json-output", "--i-accept-side-effects"]);
        let output = process::run(&mut command).await?;
        let found: Value = serde_json::from_slice(&output.stdout).with_context(|| {
            let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
            format!("scim-sanity printed no JSON: {complaint}")
        })?;
        let results = found["results"].as_array().context("no results")?;
        let passed = results.iter().filter(|check| check["status"] == "pass");
        Ok(passed.map(|check| check["name"].to_string()).collect())
    }
}

fn not_passed(checks: &[String]) -> Vec<&String> {
    let failed = checks.iter();
    failed
        .filter(|check| !check.starts_with("SUCCESS"))
        .collect()
}

/// What is left of a list when another is taken from it, each entry once for each time it is there.
fn without(list: &[String], taken: &[String]) -> Vec<String> {
    let mut left = list.to_vec();
    for entry in taken {
        if let Some(place) = left.iter().position(|kept| kept == entry) {
            left.remove(place);
        }
    }
    left
}

/// A check is a line `RESULT name` and the lines after it. The ids in them are drawn anew in
/// each run.
fn checks(printed: &str) -> Vec<String> {
    let mut checks: Vec<String> = Vec::new();
    for line in printed.lines().skip(1) {
        let result = line.split(' ').next().unwrap_or_default();
        let begins = !result.is_empty() && result.chars().all(|c| c.is_ascii_uppercase());
        match checks.last_mut() {
            Some(check) if !begins => {
                *check += " ";
                *check += &without_ids(line.trim());
            }
            _ => checks.push(line.to_owned()),
        }
    }
    checks
}

fn without_ids(text: &str) -> String {
    let is_id = |word: &str| {
        let digits = word.chars().filter(char::is_ascii_hexdigit).count();
        digits >= 32 && word.chars().all(|c| c.is_ascii_hexdigit() || c == '-')
    };
    let parts = text.split_inclusive(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
    parts
        .map(|part| {
            let word = part.trim_end_matches(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
            if is_id(word) {
                part.replace(word, "ID")
            } else {
                part.to_owned()
            }
        })
        .collect()
}
