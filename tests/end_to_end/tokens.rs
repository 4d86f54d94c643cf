//! The guard's own tokens while guards run: made, replaced, taken back, and whose rights they have.

use anyhow::ensure;
use scimguard_tests::client::Client;
use scimguard_tests::guard::Guard;
use serde_json::Value;

use crate::recorder::Recorder;
use crate::{ACCOUNT, HARNESS_BASE, harness};
use scimguard_tests::okta::scim_client;

const USERS: &str = "/Users?startIndex=1&count=2";

fn client(guard: &Guard, token: &str) -> Client {
    scim_client(&format!("{}{HARNESS_BASE}", guard.url), token)
}

/// The tokens on record, as programs are told.
async fn listed(guard: &Guard) -> anyhow::Result<Vec<Value>> {
    let all = guard.told(&["token", "list"]).await?;
    Ok(all.as_array().cloned().unwrap_or_default())
}

#[tokio::test]
async fn a_token_that_is_revoked_is_refused_by_every_guard_on_the_store() -> anyhow::Result<()> {
    let application = Recorder::start().await?;
    let mut first = Guard::configure(&application.url, &harness())?;
    let token = first.token(ACCOUNT, "svc-okta", Some("okta")).await?;
    let mut second = first.another(&application.url, &harness())?;
    first.start().await?;
    second.start().await?;
    let warned = |guard: &Guard| {
        guard
            .logged()
            .contains("another process works on this store")
    };
    ensure!(!warned(&first) && warned(&second));
    let clients = [client(&first, &token), client(&second, &token)];
    for client in &clients {
        client.get(USERS).await?.status(200)?;
    }
    let id = listed(&first).await?[0]["id"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    first
        .command(&["token", "revoke"], &["--account", ACCOUNT, "--id", &id])
        .await?;
    for client in &clients {
        client.get(USERS).await?.refused("token.revoked")?;
    }
    Ok(())
}

#[tokio::test]
async fn a_token_is_replaced_without_a_gap() -> anyhow::Result<()> {
    let application = Recorder::start().await?;
    let mut guard = Guard::configure(&application.url, &harness())?;
    let old = guard.token(ACCOUNT, "svc-okta", Some("okta")).await?;
    guard.start().await?;
    let old_id = listed(&guard).await?[0]["id"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let rotate = async |overlap: &str, id: &str, new_id: &str| {
        let arguments = [
            "--account",
            ACCOUNT,
            "--id",
            id,
            "--overlap",
            overlap,
            "--expires",
            "10d",
            "--new-id",
            new_id,
            "--created-by",
            "ann",
        ];
        let printed = guard.command(&["token", "rotate"], &arguments).await?;
        anyhow::Ok(printed.trim().to_owned())
    };

    let new = rotate("1h", &old_id, "second").await?;
    for token in [&old, &new] {
        client(&guard, token).get(USERS).await?.status(200)?;
    }
    let tokens = listed(&guard).await?;
    let second = tokens.iter().find(|token| token["id"] == "second");
    let second = second.unwrap_or(&Value::Null);
    ensure!(
        second["rotated_from"] == old_id.as_str() && second["created_by"] == "ann",
        "{second}"
    );
    ensure!(
        second["provider"] == "okta" && second["principal"] == "svc-okta",
        "{second}"
    );
    ensure!(second["expires_in"] == "in 9 days", "{second}");
    let first = tokens.iter().find(|token| token["id"] == old_id.as_str());
    ensure!(
        first.is_some_and(|first| first["expires_in"] == "in 59 minutes"),
        "{first:?}"
    );

    let newest = rotate("0s", "second", "third").await?;
    client(&guard, &new)
        .get(USERS)
        .await?
        .refused("token.expired")?;
    client(&guard, &newest).get(USERS).await?.status(200)?;
    ensure!(
        rotate("1h", "second", "fourth").await.is_err(),
        "what has ended is not replaced"
    );

    let metrics = guard.metrics()?;
    let expiring = format!("scimguard_tokens_expiring{{account=\"{ACCOUNT}\"}} 2");
    ensure!(metrics.contains(&expiring), "{metrics}");
    Ok(())
}

#[tokio::test]
async fn a_token_has_the_rights_of_its_principal_at_each_request() -> anyhow::Result<()> {
    let application = Recorder::start().await?;
    let mut guard = Guard::configure(&application.url, &harness())?;
    let token = guard.token(ACCOUNT, "svc-okta", Some("okta")).await?;
    guard.start().await?;
    let scim = client(&guard, &token);
    let principal = async |act: &str, rest: &[&str]| {
        let mut arguments = vec!["--account", ACCOUNT, "--id", "svc-okta"];
        arguments.extend(rest);
        guard.command(&["principal", act], &arguments).await
    };
    scim.get(USERS).await?.status(200)?;
    principal("permissions", &["--set", "core_user_view,core_user_manage"]).await?;
    let refused = scim.get(USERS).await?;
    let detail = refused.body["detail"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    ensure!(detail.contains("core_usergroup_manage"), "{detail}");
    refused.refused("token.insufficient-permission")?;
    principal("permissions", &["--set", "all"]).await?;
    scim.get(USERS).await?.status(200)?;
    principal("disable", &[]).await?;
    scim.get(USERS).await?.refused("token.inactive-principal")?;
    principal("enable", &[]).await?;
    scim.get(USERS).await?.status(200)?;
    Ok(())
}

#[tokio::test]
async fn a_token_tells_who_made_it_and_from_where_it_was_last_used() -> anyhow::Result<()> {
    let application = Recorder::start().await?;
    let mut guard = Guard::configure(&application.url, &harness())?;
    let token = guard.token(ACCOUNT, "svc-okta", Some("okta")).await?;
    let used = async |guard: &mut Guard| {
        guard.start().await?;
        client(guard, &token)
            .with("x-forwarded-for", "203.0.113.9, 198.51.100.7")
            .get(USERS)
            .await?
            .status(200)?;
        // Uses are stored once a minute, and at the end.
        guard.terminate().await?;
        let listed = listed(guard).await?;
        ensure!(listed[0]["last_used"].is_u64(), "{listed:?}");
        ensure!(listed[0]["created_by"].is_string(), "{listed:?}");
        Ok(listed[0]["last_used_from"].clone())
    };
    let believed_nobody = used(&mut guard).await?;
    ensure!(believed_nobody == "127.0.0.1", "{believed_nobody}");
    guard.configure_also("trusted_proxies = [\"127.0.0.0/8\"]\n")?;
    let believed_its_proxy = used(&mut guard).await?;
    ensure!(believed_its_proxy == "198.51.100.7", "{believed_its_proxy}");
    Ok(())
}
