//! What the application gets to know of the caller: the client's credential, or the guard's own.

use std::time::{Duration, Instant};

use anyhow::ensure;
use scimguard_tests::guard::Guard;

use crate::recorder::Recorder;
use crate::{ACCOUNT, HARNESS_BASE, harness};
use scimguard_tests::okta::scim_client;

const USERS: &str = "/Users?startIndex=1&count=2";
const OWN: &str = "[backend_credential]\nfile = \"backend.token\"\n";

/// How long a guard may take to see that the file changed.
const LIMIT: Duration = Duration::from_secs(20);

#[tokio::test]
async fn without_a_credential_of_its_own_the_clients_goes_on() -> anyhow::Result<()> {
    let application = Recorder::start().await?;
    let mut guard = Guard::configure(&application.url, &harness())?;
    let token = guard.token(ACCOUNT, "svc-okta", Some("okta")).await?;
    guard.start().await?;
    let scim = scim_client(&format!("{}{HARNESS_BASE}", guard.url), &token);
    scim.get(USERS).await?.status(200)?;
    ensure!(application.credentials() == [format!("Bearer {token}")]);
    Ok(())
}

#[tokio::test]
async fn the_guards_own_takes_its_place_and_is_read_again_when_it_changes() -> anyhow::Result<()> {
    let application = Recorder::start().await?;
    let mut guard = Guard::configure(&application.url, &harness())?;
    guard.configure_also(OWN)?;
    guard.write_secret("backend.token", "first-of-its-own\n")?;
    let token = guard.token(ACCOUNT, "svc-okta", Some("okta")).await?;
    guard.start().await?;
    let scim = scim_client(&format!("{}{HARNESS_BASE}", guard.url), &token);
    let sent = async || {
        application.credentials();
        scim.get(USERS).await?.status(200)?;
        anyhow::Ok(application.credentials())
    };
    ensure!(sent().await? == ["Bearer first-of-its-own"]);

    // One that cannot be used leaves the old one, and is said.
    guard.write_secret("backend.token", "\n")?;
    let begun = Instant::now();
    while !guard.logged().contains("backend_credential cannot be read") {
        ensure!(begun.elapsed() < LIMIT, "{}", guard.logged());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    ensure!(sent().await? == ["Bearer first-of-its-own"]);

    guard.write_secret("backend.token", "second-of-its-own\n")?;
    let begun = Instant::now();
    while sent().await? != ["Bearer second-of-its-own"] {
        ensure!(begun.elapsed() < LIMIT, "{}", guard.logged());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    // A caller whom nobody has verified does not get it.
    application.credentials();
    let management = "/gateway/ng/api/user-groups?accountIdentifier=ACC1";
    let anybody =
        scimguard_tests::client::Client::new(&guard.url).with("authorization", "Bearer session");
    anybody.get(management).await?.status(200)?;
    ensure!(application.credentials() == ["Bearer session"]);
    Ok(())
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn what_a_guard_has_in_memory_goes_into_no_core_dump() -> anyhow::Result<()> {
    let application = Recorder::start().await?;
    let mut guard = Guard::configure(&application.url, &harness())?;
    guard.start().await?;
    let id = guard.id().unwrap_or_default();
    let limits = std::fs::read_to_string(format!("/proc/{id}/limits"))?;
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"));
    let words: Vec<&str> = core.unwrap_or_default().split_whitespace().collect();
    ensure!(words[4..6] == ["0", "0"], "{limits}");
    Ok(())
}
