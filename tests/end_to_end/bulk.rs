//! A Bulk request in front of a server, each operation of it as a request of its own.

use anyhow::ensure;
use scimguard_tests::client::Client;
use scimguard_tests::fixtures::{ACCOUNT, BULK, GENERIC_BASE, GROUP, SCIM2_MOUNT, USER, generic};
use scimguard_tests::guard::Guard;
use scimguard_tests::okta::{equal, patch, scim_client};
use scimguard_tests::process::Server;
use serde_json::{Value, json};

#[tokio::test]
async fn operations_refer_to_each_other_and_one_that_is_refused_holds_up_no_other()
-> anyhow::Result<()> {
    let server = Server::scim2().await?;
    let mut guard = Guard::configure(&server.url, &generic(SCIM2_MOUNT))?;
    let token = guard.token(ACCOUNT, "svc-okta", Some("okta")).await?;
    let other_token = guard.token(ACCOUNT, "svc-script", None).await?;
    guard.start().await?;
    let base = format!("{}{GENERIC_BASE}", guard.url);
    let backend = Client::new(format!("{}{SCIM2_MOUNT}", server.url));

    let okta = scim_client(&base, &token);
    let pushed = bulk(
        &okta,
        &json!([
            {"method": "POST", "path": "/Groups", "bulkId": "team", "data": {
                "schemas": [GROUP], "displayName": "web-team", "members": [{"value": "bulkId:ann"}]}},
            {"method": "POST", "path": "/Users", "bulkId": "ann", "data": {
                "schemas": [USER], "userName": "ann@example.com", "active": "True"}},
            {"method": "POST", "path": "/Users", "bulkId": "nobody", "data": {"schemas": [USER]}},
            {"method": "PATCH", "path": "/Groups/bulkId:team",
             "data": patch(json!([{"op": "Replace", "value": {"displayName": "web team"}}]))},
        ]),
    )
    .await?;
    ensure!(
        statuses(&pushed) == ["201", "201", "400", "204"],
        "{pushed}"
    );
    equal(&pushed, "/Operations/2/response/scimType", "invalidValue")?;
    let location = |index: usize| {
        let location = pushed["Operations"][index]["location"].as_str();
        location.unwrap_or_default().to_owned()
    };
    let (group, user) = (location(0), location(1));
    ensure!(
        group.starts_with(&format!("{base}/Groups/"))
            && user.starts_with(&format!("{base}/Users/")),
        "not the guard's own addresses: {pushed}"
    );
    let id = |location: &str| location.rsplit('/').next().unwrap_or_default().to_owned();
    let group_path = format!("/Groups/{}", id(&group));
    let stored = backend.get(&group_path).await?.done()?;
    equal(&stored.body, "/displayName", "web team")?;
    equal(&stored.body, "/members/0/value", id(&user))?;

    // What was pushed in a Bulk request is protected against one.
    let script = scim_client(&base, &other_token);
    let tried = bulk(
        &script,
        &json!([
            {"method": "DELETE", "path": group_path},
            {"method": "POST", "path": "/Groups", "bulkId": "own", "data": {
                "schemas": [GROUP], "displayName": "own", "members": [{"value": id(&user)}]}},
            {"method": "POST", "path": "/Groups", "bulkId": "empty", "data": {
                "schemas": [GROUP], "displayName": "empty"}},
            {"method": "DELETE", "path": "/Groups/bulkId:empty"},
        ]),
    )
    .await?;
    ensure!(statuses(&tried) == ["403", "403", "201", "204"], "{tried}");
    backend.get(&group_path).await?.done().map(drop)
}

async fn bulk(client: &Client, operations: &Value) -> anyhow::Result<Value> {
    let body = json!({"schemas": [BULK], "Operations": operations});
    Ok(client.post("/Bulk", &body).await?.status(200)?.body)
}

fn statuses(answer: &Value) -> Vec<&str> {
    let results = answer["Operations"].as_array();
    results
        .into_iter()
        .flatten()
        .filter_map(|result| result["status"].as_str())
        .collect()
}
