//! Okta's whole sequence, with the guard killed in between, and what an operator may do afterwards.

use anyhow::ensure;
use scimguard_tests::client::Client;
use scimguard_tests::fixtures::{
    ACCOUNT, GENERIC_BASE, HARNESS_BASE, SCIM2_MOUNT, generic, harness, in_account,
};
use scimguard_tests::guard::Guard;
use scimguard_tests::okta::{Okta, equal, patch};
use scimguard_tests::process::Server;
use serde_json::{Value, json};

/// What Okta has provisioned at the end of the sequence.
pub(crate) struct Provisioned {
    /// A user without a group.
    pub(crate) direct: String,
    /// A user who came with the group.
    pub(crate) member: String,
    /// A user without a group, who was deactivated and came back with another name.
    pub(crate) returned: String,
    /// A group.
    pub(crate) group: String,
}

#[tokio::test]
async fn okta_provisions_the_example_application_and_administrators_cannot_undo_it()
-> anyhow::Result<()> {
    let application = Server::example_application().await?;
    let mut guard = Guard::configure(&application.url, &harness())?;
    let backend = format!("{}{HARNESS_BASE}", application.url);
    let okta = guard.okta(HARNESS_BASE, &backend).await?;
    let provisioned = harness_sequence(&okta, &mut guard).await?;

    guard.kill().await?;
    guard.start().await?;
    let administrator = guard.administrator();
    administrator_is_refused(&administrator, &provisioned).await?;
    administrator_may(&administrator, &okta, &provisioned).await?;
    Ok(())
}

#[tokio::test]
async fn okta_provisions_a_stock_server_and_other_clients_cannot_undo_it() -> anyhow::Result<()> {
    let server = Server::scim2().await?;
    let mut guard = Guard::configure(&server.url, &generic(SCIM2_MOUNT))?;
    let backend = format!("{}{SCIM2_MOUNT}", server.url);
    let okta = guard.okta(GENERIC_BASE, &backend).await?;
    let other_token = guard.token(ACCOUNT, "svc-script", None).await?;
    let provisioned = whole_sequence(&okta, &mut guard, None).await?;

    guard.kill().await?;
    guard.start().await?;
    let script = guard.scim(GENERIC_BASE, &other_token);
    script_is_refused(&script, &provisioned).await?;
    Ok(())
}

/// The whole sequence in front of the example application, and what must not have got there.
pub(crate) async fn harness_sequence(
    okta: &Okta,
    guard: &mut Guard,
) -> anyhow::Result<Provisioned> {
    let provisioned = whole_sequence(okta, guard, Some("user.deactivated")).await?;
    ensure!(
        provisioned.group == "web_team",
        "the id comes from the name that the group was pushed with"
    );
    for login in ["ann", "bob", "eve"] {
        let id = okta.find_user(login).await?.unwrap_or_default();
        let stored = okta.stored(&format!("/Users/{id}")).await?;
        ensure!(
            stored["locale"].is_null() && stored["password"].is_null(),
            "not synced: {stored}"
        );
    }
    Ok(provisioned)
}

/// Every request of Okta's, and a crash in the middle. `deactivated`: the rule that keeps a deactivated
/// user from being changed, if there is one.
async fn whole_sequence(
    okta: &Okta,
    guard: &mut Guard,
    deactivated: Option<&str>,
) -> anyhow::Result<Provisioned> {
    guard.start().await?;
    okta.test_connection().await?;
    let ann = okta.create_user("ann", "Ann", "Lee").await?;
    let bob = okta.create_user("bob", "Bob", "Ray").await?;
    let eve = okta.create_user("eve", "Eve", "Fox").await?;
    okta.cannot_create_again("eve", "Eve", "Fox").await?;
    let group = okta.push_group("web-team", &[&bob, &eve]).await?;

    guard.kill().await?;
    guard.start().await?;
    okta.replace_profile(&ann, "Ann Day").await?;
    okta.patch_profile(&bob, "Robert Ray").await?;
    okta.patch_active(&eve, false).await?;
    let rename = json!([{"op": "replace", "value": {"displayName": "Eve Wolf"}}]);
    let renamed = okta.patch(&format!("/Users/{eve}"), rename).await?;
    match deactivated {
        Some(rule) => renamed.refused(rule)?,
        None => drop(renamed.done()?),
    }
    okta.patch_active(&eve, true).await?;
    okta.put_active(&eve, false).await?;
    okta.put_active(&eve, true).await?;
    okta.rename_group(&group, "web-platform").await?;
    okta.swap_members(&group, &eve, &ann).await?;
    okta.has_members(&group, &[&ann, &bob]).await?;
    okta.replace_members(&group, &[&bob, &eve]).await?;
    okta.put_group(&group, "web-crew", &[&bob]).await?;
    let other = okta.push_group("data-team", &[&eve]).await?;
    ensure!(okta.import().await? == (3, 2), "three users and two groups");
    okta.delete_group(&other).await?;
    let dan = okta.create_user("dan", "Dan", "Orr").await?;
    okta.patch_active(&dan, false).await?;
    let returned = okta.comes_back("dan", "dan-orr", "Dan", "Orr").await?;
    ensure!(returned != dan, "the application makes a new user");
    Ok(Provisioned {
        direct: ann,
        member: bob,
        returned,
        group,
    })
}

pub(crate) async fn administrator_is_refused(
    administrator: &Client,
    okta_s: &Provisioned,
) -> anyhow::Result<()> {
    let Provisioned {
        direct,
        member,
        returned,
        group,
    } = okta_s;
    let groups = "/gateway/ng/api/user-groups";
    let users = "/gateway/ng/api/user";
    let renamed = json!({"identifier": group, "name": "ours", "users": [member]});
    let emptied = json!({"identifier": group, "name": "web-crew", "users": []});
    let joined = json!({"userGroupIdsToAdd": [group]});
    let moved = json!({"uuid": member, "name": "Robert Ray", "email": "bobby@example.com"});
    #[rustfmt::skip]
    let refusals = [
        ("PUT", groups.into(), renamed, "group-rename"),
        ("PUT", groups.into(), emptied, "group-membership"),
        ("DELETE", format!("{groups}/{group}"), Value::Null, "group-delete"),
        ("PUT", format!("{groups}/{group}/member/{direct}"), Value::Null, "group-membership"),
        ("DELETE", format!("{groups}/{group}/member/{member}"), Value::Null, "group-membership"),
        ("PUT", format!("{users}/add-user-to-groups/{direct}"), joined, "group-membership"),
        ("PUT", format!("{users}/{member}"), moved, "user-profile"),
        ("DELETE", format!("{users}/{member}"), Value::Null, "user-delete"),
        ("DELETE", format!("{users}/{direct}"), Value::Null, "user-delete"),
        ("DELETE", format!("{users}/{returned}"), Value::Null, "user-delete"),
    ];
    for (method, path, body, rule) in refusals {
        let (path, body) = (in_account(&path), (!body.is_null()).then_some(&body));
        let edited = administrator.send(method, &path, body).await?;
        edited.refused(&format!("okta-only.{rule}"))?;
    }
    Ok(())
}

pub(crate) async fn administrator_may(
    administrator: &Client,
    okta: &Okta,
    okta_s: &Provisioned,
) -> anyhow::Result<()> {
    let direct = &okta_s.direct;
    let renamed = json!({"uuid": direct, "name": "Ann Night", "email": "ann@example.com"});
    let native = json!({"identifier": "local", "name": "local", "users": []});
    let joined = json!({"userGroupIdsToAdd": ["local"]});
    let join = format!("/gateway/ng/api/user/add-user-to-groups/{direct}");
    let role = json!({"roleIdentifier": "viewer", "principal": {"identifier": okta_s.group, "type": "USER_GROUP"}});
    let edits = [
        ("PUT", format!("/gateway/ng/api/user/{direct}"), renamed),
        ("POST", "/gateway/ng/api/user-groups".into(), native),
        ("PUT", join, joined),
        ("POST", "/gateway/authz/api/roleassignments".into(), role),
    ];
    for (method, path, body) in edits {
        let path = in_account(&path);
        administrator
            .send(method, &path, Some(&body))
            .await?
            .done()?;
    }
    let stored = okta.stored(&format!("/Users/{direct}")).await?;
    equal(&stored, "/displayName", "Ann Night")?;
    okta.has_members("local", &[direct]).await
}

async fn script_is_refused(script: &Client, okta_s: &Provisioned) -> anyhow::Result<()> {
    let Provisioned {
        direct,
        member,
        returned,
        group,
    } = okta_s;
    let returned = format!("/Users/{returned}");
    let add = json!([{"op": "add", "path": "members", "value": [{"value": direct}]}]);
    let rename = json!([{"op": "replace", "path": "displayName", "value": "ours"}]);
    let (user, group) = (format!("/Users/{member}"), format!("/Groups/{group}"));
    let rename_group = Some(patch(rename.clone()));
    let rename_user = Some(patch(rename));
    let add = Some(patch(add));
    let edits = [
        ("PATCH", &group, rename_group, "okta-only.group-rename"),
        ("PATCH", &group, add, "okta-only.group-membership"),
        ("DELETE", &group, None, "okta-only.group-delete"),
        ("PATCH", &user, rename_user, "okta-only.user-profile"),
        ("DELETE", &user, None, "okta-only.user-delete"),
        ("DELETE", &returned, None, "okta-only.user-delete"),
    ];
    for (method, path, body, rule) in edits {
        let edit = script.send(method, path, body.as_ref());
        edit.await?.refused(rule)?;
    }
    Ok(())
}
