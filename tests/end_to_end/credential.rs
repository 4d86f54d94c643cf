//! The credential that the application receives: the client's or the guard's own.

use anyhow::ensure;
use scimguard_tests::client::Client;
use scimguard_tests::fixtures::{OWN_CREDENTIAL, in_account};

use crate::recorder::{Recorder, USERS, client};

#[tokio::test]
async fn without_a_credential_of_its_own_the_clients_goes_on() -> anyhow::Result<()> {
    let (application, mut guard, token) = Recorder::guarded("").await?;
    guard.start().await?;
    let scim = client(&guard, &token);
    scim.get(USERS).await?.status(200)?;
    ensure!(application.credentials() == [format!("Bearer {token}")]);
    Ok(())
}

#[tokio::test]
async fn the_guards_own_takes_its_place_and_is_read_again_when_it_changes() -> anyhow::Result<()> {
    let (application, mut guard, token) = Recorder::guarded(OWN_CREDENTIAL).await?;
    guard.write_secret("backend.token", "first-of-its-own\n")?;
    guard.start().await?;
    let scim = client(&guard, &token);
    let sent = async || {
        application.credentials();
        scim.get(USERS).await?.status(200)?;
        anyhow::Ok(application.credentials())
    };
    ensure!(sent().await? == ["Bearer first-of-its-own"]);

    // An unusable one is logged, and the previous value stays in use.
    guard.write_secret("backend.token", "\n")?;
    let unreadable = "it cannot be read again";
    let logged = async || Ok(guard.logged().contains(unreadable).then_some(()));
    guard.until(unreadable, logged).await?;
    ensure!(sent().await? == ["Bearer first-of-its-own"]);

    guard.write_secret("backend.token", "second-of-its-own\n")?;
    let second = async || Ok((sent().await? == ["Bearer second-of-its-own"]).then_some(()));
    guard.until("the second credential", second).await?;

    // It is not sent for a caller without a verified token.
    application.credentials();
    let anybody = Client::new(&guard.url).with("authorization", "Bearer session");
    let groups = in_account("/gateway/ng/api/user-groups");
    anybody.get(&groups).await?.status(200)?;
    ensure!(application.credentials() == ["Bearer session"]);
    Ok(())
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn what_a_guard_has_in_memory_goes_into_no_core_dump() -> anyhow::Result<()> {
    let (_application, mut guard, _) = Recorder::guarded("").await?;
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
