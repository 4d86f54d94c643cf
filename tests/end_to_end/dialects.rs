//! Each dialect in front of a server that understands nothing else: what identity providers write in
//! other ways arrives there, and has its effect.

use anyhow::ensure;
use scimguard_tests::client::Client;
use scimguard_tests::fixtures::{
    ACCOUNT, GENERIC_BASE, GROUP, SCIM2_MOUNT, SCIMMY_MOUNT, USER, generic,
};
use scimguard_tests::guard::Guard;
use scimguard_tests::okta::{equal, patch};
use scimguard_tests::process::Server;
use serde_json::{Value, json};

use crate::narrow::Narrow;

#[tokio::test]
async fn path() -> anyhow::Result<()> {
    let understands = |operation: &Value| operation["path"].is_string();
    let server = Server::scim2().await?;
    group(&server, SCIM2_MOUNT, "path", understands).await
}

#[tokio::test]
async fn value() -> anyhow::Result<()> {
    // An attribute that is set comes in an object; what is taken out needs a path all the same.
    let understands = |operation: &Value| {
        operation["op"] == "remove"
            || (operation["path"].is_null() && operation["value"].is_object())
    };
    let server = Server::scim2().await?;
    group(&server, SCIM2_MOUNT, "value", understands).await
}

#[tokio::test]
async fn difference() -> anyhow::Result<()> {
    let understands =
        |operation: &Value| operation["path"] != "members" || operation["op"] == "add";
    let server = Server::scim2().await?;
    group(&server, SCIM2_MOUNT, "difference", understands).await
}

#[tokio::test]
async fn value_list() -> anyhow::Result<()> {
    // scimmy takes a list of values to be removed, which RFC 7644 does not have.
    let understands = |operation: &Value| {
        operation["path"]
            .as_str()
            .is_some_and(|path| !path.contains('['))
    };
    let server = Server::scimmy().await?;
    group(&server, SCIMMY_MOUNT, "value-list", understands).await
}

/// A group's life in the forms of Okta and Entra.
async fn group(
    server: &Server,
    mount: &str,
    dialect: &str,
    understands: fn(&Value) -> bool,
) -> anyhow::Result<()> {
    let narrow = Narrow::in_front_of(&server.url, understands).await?;
    let backend = Client::new(format!("{}{mount}", server.url));
    let mut policy = generic(mount);
    let name = if dialect == "value" { "value" } else { "path" };
    policy["scim"]["dialect"] = json!({"Group.members": dialect, "Group.displayName": name});
    let mut guard = Guard::configure(&narrow.url, &policy)?;
    let token = guard.token(ACCOUNT, "svc-okta", Some("okta")).await?;
    guard.start().await?;
    let scim = guard.scim(GENERIC_BASE, &token);

    let mut users = Vec::new();
    for login in ["ann", "bob", "eve"] {
        let user = json!({"schemas": [USER], "userName": format!("{login}@example.com")});
        users.push(scim.post("/Users", &user).await?.done()?.id()?);
    }
    let members = json!([{"value": users[0]}]);
    let group = json!({"schemas": [GROUP], "displayName": "team", "members": members});
    let id = scim.post("/Groups", &group).await?.done()?.id()?;
    let path = format!("/Groups/{id}");
    let member = |index: usize| json!({"value": users[index]});
    #[rustfmt::skip]
    let steps = [
        ("Okta renames it", json!([{"op": "replace", "value": {"displayName": "team 2"}}]),
            "team 2", vec![0]),
        ("Entra renames it", json!([{"op": "Replace", "path": "displayName", "value": "team 3"}]),
            "team 3", vec![0]),
        ("one is put in", json!([{"op": "Add", "path": "members", "value": [member(1)]}]), "team 3",
            vec![0, 1]),
        ("two take the places of two",
            json!([{"op": "replace", "path": "members", "value": [member(1), member(2)]}]),
            "team 3", vec![1, 2]),
        ("Okta takes one out",
            json!([{"op": "remove", "path": format!("members[value eq \"{}\"]", users[1])}]),
            "team 3", vec![2]),
        ("Okta puts two in", json!([{"op": "add", "value": {"members": [member(0), member(1)]}}]),
            "team 3", vec![0, 1, 2]),
        ("Entra takes two out",
            json!([{"op": "Remove", "path": "members", "value": [member(0), member(2)]}]), "team 3",
            vec![1]),
    ];
    for (step, operations, name, members) in steps {
        scim.patch(&path, &patch(operations))
            .await?
            .done()
            .map_err(|error| error.context(step))?;
        let stored = backend.get(&path).await?.done()?;
        equal(&stored.body, "/displayName", name)?;
        let mut there: Vec<&str> = stored.body["members"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|member| member["value"].as_str())
            .collect();
        let mut expected: Vec<&str> = members.iter().map(|index| &*users[*index]).collect();
        there.sort_unstable();
        expected.sort_unstable();
        ensure!(there == expected, "{step}: {there:?} is not {expected:?}");
    }
    ensure!(
        narrow.refused() == 0,
        "{} were not understood",
        narrow.refused()
    );

    // The same without the guard: nobody writes all of it in just this way.
    let direct =
        Client::new(format!("{}{mount}", narrow.url)).with("content-type", "application/scim+json");
    for operations in [
        json!([{"op": "replace", "value": {"displayName": "team 4"}}]),
        json!([{"op": "replace", "path": "displayName", "value": "team 4"}]),
        json!([{"op": "replace", "path": "members", "value": [member(1)]}]),
        json!([{"op": "remove", "path": format!("members[value eq \"{}\"]", users[1])}]),
    ] {
        direct.patch(&path, &patch(operations)).await?;
    }
    ensure!(narrow.refused() > 0, "the gate understands everything");
    Ok(())
}
