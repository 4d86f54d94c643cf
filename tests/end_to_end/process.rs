//! The guard as a process: it starts from what an earlier one compiled, and ends when it is asked
//! to, after the requests in flight.

use anyhow::ensure;
use scimguard_tests::fixtures::{
    ACCOUNT, GENERIC_BASE, HARNESS_BASE, SCIM2_MOUNT, generic, harness,
};
use scimguard_tests::guard::{Guard, files_below};
use scimguard_tests::holding_proxy::HoldingProxy;
use scimguard_tests::okta::user;
use scimguard_tests::process::Server;

#[tokio::test]
async fn a_second_start_uses_the_code_cache_and_sigterm_ends_it_cleanly() -> anyhow::Result<()> {
    let server = Server::scim2().await?;
    let mut guard = Guard::configure(&server.url, &generic(SCIM2_MOUNT))?;
    let cache = guard.keep_own_cache()?;
    let backend = format!("{}{SCIM2_MOUNT}", server.url);
    let okta = guard.okta(GENERIC_BASE, &backend).await?;
    let mut starts = Vec::new();
    for login in ["ann", "bob"] {
        let took = guard.start().await?;
        okta.create_user(login, "Given", "Family").await?;
        let status = guard.terminate().await?;
        let log = guard.logged();
        ensure!(status.success(), "the guard ended with {status}:\n{log}");
        let compiles = log.contains("compiling the policy plugin");
        ensure!(compiles == starts.is_empty(), "start {login}:\n{log}");
        starts.push((files_below(&cache)?, took));
    }
    let [(compiled, first), (reused, second)] = &starts[..] else {
        unreachable!("two starts")
    };
    ensure!(!compiled.is_empty(), "nothing in {}", cache.display());
    ensure!(compiled == reused, "{compiled:?} became {reused:?}");
    ensure!(
        second < first,
        "the first start took {first:?}, the second {second:?}"
    );
    Ok(())
}

#[tokio::test]
async fn a_request_in_flight_is_answered_after_sigterm() -> anyhow::Result<()> {
    let application = Server::example_application().await?;
    let held = HoldingProxy::in_front_of(&application.url).await?;
    let mut guard = Guard::configure(&held.url, &harness())?;
    let token = guard.token(ACCOUNT, "svc-okta", Some("okta")).await?;
    let scim = guard.scim(HARNESS_BASE, &token);
    guard.start().await?;

    held.hold();
    let ann = user("ann", "Ann", "Lee");
    let request = tokio::spawn(async move { scim.post("/Users", &ann).await });
    held.until_held().await?;
    let released = async {
        // Long enough for the signal to arrive; the guard must wait for the answer anyway.
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        held.release();
    };
    let (status, ()) = tokio::join!(guard.terminate(), released);
    ensure!(status?.success(), "the guard failed:\n{}", guard.logged());
    request.await??.status(201)?;
    Ok(())
}
