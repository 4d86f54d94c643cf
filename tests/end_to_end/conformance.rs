//! The public conformance run, `scim2 test`, finds the same through the guard as without it.

use anyhow::ensure;
use scimguard_tests::environment::python_command;
use scimguard_tests::guard::Guard;
use scimguard_tests::process::{self, Server};
use tokio::process::Command;

use crate::{ACCOUNT, GENERIC_BASE, SCIM2_MOUNT, SCIMMY_MOUNT, generic};

#[tokio::test]
async fn the_public_conformance_run_passes_as_without_the_guard() -> anyhow::Result<()> {
    let alone = conformance_run(&Server::scim2().await?, SCIM2_MOUNT).await?;
    ensure!(
        alone.iter().all(|check| check.starts_with("SUCCESS")),
        "{alone:#?}"
    );
    let guarded = guarded_run(&Server::scim2().await?, SCIM2_MOUNT).await?;
    let (lost, gained) = (without(&alone, &guarded), without(&guarded, &alone));
    ensure!(
        lost.is_empty() && gained.is_empty(),
        "alone: {lost:#?}\nthrough the guard: {gained:#?}"
    );
    Ok(())
}

#[tokio::test]
async fn what_scimmy_passes_alone_it_passes_through_the_guard() -> anyhow::Result<()> {
    let alone = conformance_run(&Server::scimmy().await?, SCIMMY_MOUNT).await?;
    let guarded = guarded_run(&Server::scimmy().await?, SCIMMY_MOUNT).await?;
    let (lost, gained) = (without(&alone, &guarded), without(&guarded, &alone));
    let differ = format!("alone: {lost:#?}\nthrough the guard: {gained:#?}");
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

/// The run against a server itself.
async fn conformance_run(server: &Server, mount: &str) -> anyhow::Result<Vec<String>> {
    run(&format!("{}{mount}", server.url), None).await
}

/// The run through a guard in front of the server.
async fn guarded_run(server: &Server, mount: &str) -> anyhow::Result<Vec<String>> {
    let mut guard = Guard::configure(&server.url, &generic(mount))?;
    // A client that is nobody's identity provider: the run changes users after deactivating them,
    // which the guard does not allow for users that a provider owns.
    let token = guard.token(ACCOUNT, "svc-conformance", None).await?;
    // It sends as fast as it can.
    guard.configure_also("[limits]\nrequests_per_second = 10000\nburst = 10000\n")?;
    guard.start().await?;
    run(&format!("{}{GENERIC_BASE}", guard.url), Some(&token)).await
}

/// Runs `scim2 test`, and returns one line for each check: its result, its name, what it says.
async fn run(url: &str, token: Option<&str>) -> anyhow::Result<Vec<String>> {
    let mut command = Command::new(python_command("scim2"));
    command.args(["--url", url, "test"]);
    if let Some(token) = token {
        command.env("SCIM_CLI_HEADERS", format!("Authorization: Bearer {token}"));
    }
    let output = process::run(&mut command).await?;
    let checks = checks(&String::from_utf8(output.stdout)?);
    ensure!(checks.len() > 100, "the run found little: {checks:#?}");
    Ok(checks)
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
