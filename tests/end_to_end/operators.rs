//! The operators' page of a guard at work, in a real browser: what is decided is seen as it is decided,
//! explained and counted, and what failed is repeated.

use std::path::Path;

use anyhow::ensure;
use scimguard_tests::client::Client;
use scimguard_tests::environment::{PAGES, WEB_MODULES, file};
use scimguard_tests::fixtures::{ACCOUNT, HARNESS_BASE};
use scimguard_tests::okta::patch;
use scimguard_tests::process;
use serde_json::json;
use tokio::process::Command;

use crate::test_bed::{ADMIN_TOKEN, TestBed};

fn configuration() -> String {
    format!(
        "decisions = \"sqlite:decisions.db\"\npages = {:?}\n[admin_token]\nfile = \"admin.token\"\n",
        file(PAGES).display().to_string()
    )
}

#[tokio::test]
async fn operators_see_what_is_decided_and_why_and_repeat_what_failed() -> anyhow::Result<()> {
    let bed = TestBed::new(&configuration()).await?;
    let ann = bed.okta.create_user("ann", "Ann", "Lee").await?;
    let group = bed.okta.push_group("web-team", &[]).await?;
    bed.held.fail(503);
    let add = patch(json!([{"op": "add", "path": "members", "value": [{"value": ann}]}]));
    let path = format!("/Groups/{group}");
    let failed = bed.okta.scim.patch(&path, &add).await?;
    failed.status(503)?;
    bed.held.mend();
    let create = format!(
        "token create --expires 3d --account {ACCOUNT} --principal svc-okta --provider okta --id ends-soon"
    );
    let token = bed.guard.command(&create).await?;

    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("web/operators.mjs");
    let scim = format!("{}{HARNESS_BASE}", bed.guard.url);
    let mut browser = Command::new("node");
    browser
        .arg("--test")
        .arg(script)
        .env(WEB_MODULES, file(WEB_MODULES))
        .env("SCIMGUARD_ADMIN", bed.guard.admin_url())
        .env("SCIMGUARD_ADMIN_TOKEN", ADMIN_TOKEN)
        .env("SCIMGUARD_SCIM", scim)
        .env("SCIMGUARD_SCIM_TOKEN", token)
        .env("SCIMGUARD_MANAGEMENT", &bed.guard.url);
    process::output(&mut browser).await?;
    bed.okta.has_members(&group, &[&ann]).await
}

#[tokio::test]
async fn a_decision_is_told_to_who_has_the_token_and_outlives_the_guard() -> anyhow::Result<()> {
    let mut bed = TestBed::new(&configuration()).await?;
    bed.okta.create_user("ann", "Ann", "Lee").await?;
    bed.guard.terminate().await?;
    bed.guard.start().await?;
    let anybody = Client::new(bed.guard.admin_url());
    anybody.get("/api/decisions").await?.status(401)?;
    let operator = anybody.with("authorization", format!("Bearer {ADMIN_TOKEN}"));
    let told = operator.get("/api/decisions").await?.status(200)?;
    let newest = &told.body["decisions"][0];
    ensure!(
        newest["method"] == "POST" && newest["verdict"] == "forward" && newest["status"] == 201,
        "{newest}"
    );
    let one = operator
        .get(&format!("/api/decisions/{}", newest["id"]))
        .await?
        .status(200)?;
    let request = &one.body["explanation"]["request"];
    ensure!(
        request["body_text"]
            .as_str()
            .is_some_and(|body| body.contains("\"password\":\"********\"")),
        "{request}"
    );
    Ok(())
}
