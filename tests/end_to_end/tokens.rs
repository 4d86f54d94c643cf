//! The guard's own tokens while guards run: created, rotated and revoked, with the rights of their
//! principals.

use anyhow::ensure;
use scimguard_tests::fixtures::{ACCOUNT, harness};
use scimguard_tests::guard::Guard;
use serde_json::Value;

use crate::recorder::{Recorder, USERS, client};

#[tokio::test]
async fn a_token_that_is_revoked_is_refused_by_every_guard_on_the_store() -> anyhow::Result<()> {
    let (application, mut first, token) = Recorder::guarded("").await?;
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
    first.revoke_token().await?;
    for client in &clients {
        client.get(USERS).await?.refused("token.revoked")?;
    }
    Ok(())
}

#[tokio::test]
async fn a_token_is_replaced_without_a_gap() -> anyhow::Result<()> {
    let (_application, mut guard, old) = Recorder::guarded("").await?;
    guard.start().await?;
    let id = &guard.tokens().await?[0]["id"];
    let old_id = id.as_str().unwrap_or_default().to_owned();
    let rotate = async |overlap: &str, id: &str, new_id: &str| {
        let line = format!(
            "token rotate --account {ACCOUNT} --id {id} --overlap {overlap} --expires 10d --new-id {new_id} --created-by ann"
        );
        guard.command(&line).await
    };

    let new = rotate("1h", &old_id, "second").await?;
    for token in [&old, &new] {
        client(&guard, token).get(USERS).await?.status(200)?;
    }
    let tokens = guard.tokens().await?;
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
    // In 9 days once the test has run for half a minute.
    ensure!(
        ["in 10 days", "in 9 days"]
            .map(Value::from)
            .contains(&second["expires_in"]),
        "{second}"
    );
    let first = tokens.iter().find(|token| token["id"] == old_id.as_str());
    ensure!(
        first.is_some_and(|first| {
            ["in 1 hour", "in 59 minutes"]
                .map(Value::from)
                .contains(&first["expires_in"])
        }),
        "{first:?}"
    );

    let newest = rotate("0s", "second", "third").await?;
    let ended = client(&guard, &new).get(USERS).await?;
    ended.refused("token.expired")?;
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
    let (_application, mut guard, token) = Recorder::guarded("").await?;
    guard.start().await?;
    let scim = client(&guard, &token);
    let principal = async |line: &str| {
        let line = format!("principal {line} --account {ACCOUNT} --id svc-okta");
        guard.command(&line).await
    };
    scim.get(USERS).await?.status(200)?;
    principal("permissions --set core_user_view,core_user_manage").await?;
    let refused = scim.get(USERS).await?;
    let detail = refused.body["detail"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    ensure!(detail.contains("core_usergroup_manage"), "{detail}");
    refused.refused("token.insufficient-permission")?;
    principal("permissions --set all").await?;
    scim.get(USERS).await?.status(200)?;
    principal("disable").await?;
    scim.get(USERS).await?.refused("token.inactive-principal")?;
    principal("enable").await?;
    scim.get(USERS).await?.status(200)?;
    Ok(())
}

#[tokio::test]
async fn a_token_tells_who_made_it_and_from_where_it_was_last_used() -> anyhow::Result<()> {
    let (_application, mut guard, token) = Recorder::guarded("").await?;
    let used = async |guard: &mut Guard| {
        guard.start().await?;
        client(guard, &token)
            .with("x-forwarded-for", "203.0.113.9, 198.51.100.7")
            .get(USERS)
            .await?
            .status(200)?;
        // Uses are stored once a minute, and at the end.
        guard.terminate().await?;
        let listed = guard.tokens().await?;
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
