//! The record and its corrections: open outcomes are settled by asking the application, failed
//! membership changes are kept and retried, and ownership is shown, corrected and listed to
//! administrators.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use scimguard_tests::fixtures::{ACCOUNT, GROUP, in_account};
use scimguard_tests::okta::{patch, user};
use scimguard_tests::process;
use serde_json::{Value, json};

use crate::test_bed::TestBed;

const CONFIGURATION: &str = "\
annotate = true
settle_every = \"50ms\"
settle_after = \"200ms\"
[backend_credential]
file = \"backend.token\"
";

impl TestBed {
    async fn owner(&self, of: &str) -> anyhow::Result<Value> {
        let line = format!("owners --account {ACCOUNT} {of}");
        self.guard.found(&line).await
    }

    /// Waits until what is on record of a user or group is as expected.
    async fn until(&self, of: &str, expected: fn(&Value) -> bool) -> anyhow::Result<Value> {
        let look = async || Ok(Some(self.owner(of).await?).filter(expected));
        self.guard.until(of, look).await
    }

    async fn add_member(&self, group: &str, user: &str) -> anyhow::Result<u16> {
        let operation =
            patch(json!([{"op": "add", "path": "members", "value": [{"value": user}]}]));
        let path = format!("/Groups/{group}");
        let answer = self.okta.scim.patch(&path, &operation);
        Ok(answer.await?.status)
    }
}

#[tokio::test]
async fn what_was_cut_off_is_settled_by_asking() -> anyhow::Result<()> {
    let mut bed = TestBed::new(CONFIGURATION).await?;
    bed.crash_during("POST", "/Users", user("ann", "Ann", "Lee"))
        .await?;
    let told = bed
        .until("--user ann@example.com", |told| {
            told["id"].is_string() && told["pending"] == false
        })
        .await?;
    ensure!(told["state"] == "direct", "{told}");
    ensure!(
        told["origin"]["created"].is_string(),
        "by which token: {told}"
    );
    let path = format!("/gateway/ng/api/user/{}", told["id"].as_str().unwrap_or(""));
    bed.delete_is_refused(&path, "okta-only.user-delete")
        .await?;

    // A create that the application never heard of is taken back.
    bed.held.fail(503);
    let eve = user("eve", "Eve", "Fox");
    bed.okta.scim.post("/Users", &eve).await?.status(503)?;
    let open = bed.owner("--user eve@example.com").await?;
    ensure!(
        open["managed_by"] == "okta" && open["pending"] == true,
        "{open}"
    );
    bed.held.mend();
    bed.until("--user eve@example.com", |told| told["recorded"] == false)
        .await?;
    let invitation = json!({"emails": ["eve@example.com"], "userGroups": [], "roleBindings": []});
    let invited = bed.edit("POST", "/gateway/ng/api/user/users", invitation);
    invited.await?.done()?;
    Ok(())
}

#[tokio::test]
async fn a_group_that_takes_the_place_of_a_native_one_stays_closed() -> anyhow::Result<()> {
    let mut bed = TestBed::new(CONFIGURATION).await?;
    let native = json!({"identifier": "lab_team", "name": "lab-team", "users": []});
    let created = bed.edit("POST", "/gateway/ng/api/user-groups", native);
    created.await?.done()?;
    // The application has deleted it when the guard hears that it may have.
    let backend = &bed.okta.backend;
    backend.delete("/Groups/lab_team").await?.done()?;
    bed.held.fail(503);
    let path = "/gateway/ng/api/user-groups/lab_team";
    bed.edit("DELETE", path, Value::Null).await?.status(503)?;
    bed.held.mend();
    let pushed = json!({"schemas": [GROUP], "displayName": "lab-team"});
    bed.crash_during("POST", "/Groups", pushed).await?;
    // The application does not say who owns the group, however often the guard asks.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let found = bed
        .okta
        .scim
        .get("/Groups?filter=displayName%20eq%20%22lab-team%22")
        .await?;
    found.status(200)?;
    bed.delete_is_refused(path, "okta-only.group-delete").await
}

#[tokio::test]
async fn a_group_that_is_renamed_before_its_creation_is_settled_is_the_one_of_its_id()
-> anyhow::Result<()> {
    let mut bed = TestBed::new(CONFIGURATION).await?;
    let ann = bed.okta.create_user("ann", "Ann", "Lee").await?;
    // The application has a group of the name that Okta pushes.
    let local = json!({"schemas": [GROUP], "displayName": "local"});
    let rename = |name: &str| patch(json!([{"op": "replace", "value": {"displayName": name}}]));
    let backend = bed.okta.backend.clone();
    let backend = backend.with("content-type", "application/scim+json");
    let created = backend.post("/Groups", &local);
    created.await?.status(201)?;
    let taken = rename("web-team");
    let taken = backend.patch("/Groups/local", &taken);
    taken.await?.done()?;
    let pushed =
        json!({"schemas": [GROUP], "displayName": "web-team", "members": [{"value": ann}]});
    bed.crash_during("POST", "/Groups", pushed).await?;
    let renamed = rename("renamed");
    let renamed = bed.okta.scim.patch("/Groups/web_team", &renamed);
    renamed.await?.done()?;
    let told = bed
        .until("--group web_team", |told| told["pending"] == false)
        .await?;
    ensure!(told["managed_by"] == "okta", "{told}");
    let told = bed.owner(&format!("--user {ann}")).await?;
    ensure!(told["state"] == "group-provisioned", "{told}");
    let path = "/gateway/ng/api/user-groups/local";
    bed.edit("DELETE", path, Value::Null).await?.done()?;
    Ok(())
}

#[tokio::test]
async fn failed_membership_changes_are_kept_and_repeated() -> anyhow::Result<()> {
    let mut bed = TestBed::new(CONFIGURATION).await?;
    let ann = bed.okta.create_user("ann", "Ann", "Lee").await?;
    let bob = bed.okta.create_user("bob", "Bob", "Ray").await?;
    let eve = bed.okta.create_user("eve", "Eve", "Fox").await?;
    let group = bed.okta.push_group("web-team", &[]).await?;
    bed.held.fail(503);
    for user in [&ann, &bob, &eve] {
        ensure!(bed.add_member(&group, user).await? == 503);
    }
    let kept = bed.guard.told("retry --list").await?;
    ensure!(
        kept.as_array().is_some_and(|rows| rows.len() == 3),
        "{kept}"
    );
    ensure!(
        kept[0]["status"] == 503 && kept[0]["attempts"] == 1,
        "{kept}"
    );
    let told = bed.owner(&format!("--user {ann}")).await?;
    ensure!(told["retries"][0]["group"] == group, "{told}");

    // Each retry fails and is counted.
    let again = bed.guard.told("retry").await;
    ensure!(again.is_err(), "nothing can be done yet: {again:?}");
    let kept = bed.guard.told("retry --list").await?;
    ensure!(kept[0]["attempts"] == 2, "{kept}");

    // A user who was deactivated meanwhile is added to no group.
    bed.held.mend();
    bed.okta.patch_active(&bob, false).await?;
    bed.guard.told("retry").await?;
    bed.okta.has_members(&group, &[&ann, &eve]).await?;
    let left = bed.guard.told("retry --list").await?;
    ensure!(left == json!([]), "{left}");

    // A later change makes an earlier one needless; and a guard that does not run cannot repeat, so
    // that the command does.
    bed.held.fail(500);
    let remove = patch(json!([{"op": "remove", "path": format!("members[value eq \"{ann}\"]")}]));
    let path = format!("/Groups/{group}");
    let answer = bed.okta.scim.patch(&path, &remove);
    answer.await?.status(500)?;
    ensure!(bed.add_member(&group, &eve).await? == 500);
    bed.held.mend();
    ensure!((200..300).contains(&bed.add_member(&group, &ann).await?));
    bed.guard.terminate().await?;
    bed.guard.told("retry").await?;
    bed.okta.has_members(&group, &[&ann, &eve]).await?;
    Ok(())
}

#[tokio::test]
async fn ownership_is_shown_corrected_and_told_to_who_reads() -> anyhow::Result<()> {
    let bed = TestBed::new(CONFIGURATION).await?;
    let ann = bed.okta.create_user("ann", "Ann", "Lee").await?;
    let bob = bed.okta.create_user("bob", "Bob", "Ray").await?;
    let group = bed.okta.push_group("web-team", &[&bob]).await?;

    let read = |path: &str| {
        let path = in_account(path);
        let administrator = bed.administrator.clone();
        async move {
            let answer = administrator.get(&path).await?.status(200)?;
            let header = answer.headers.get("scimguard-managed");
            let header = header.map(|value| value.to_str().map(str::to_owned));
            anyhow::Ok(header.transpose()?.unwrap_or_default())
        }
    };
    let groups = read("/gateway/ng/api/user-groups").await?;
    ensure!(
        groups == format!("\"{group}\";type=group;by=\"okta\""),
        "{groups}"
    );
    let users = read("/gateway/ng/api/user").await?;
    ensure!(
        users.contains(&format!("\"{ann}\";type=user;by=\"okta\"")),
        "{users}"
    );
    ensure!(
        users.contains(&format!("\"{bob}\";type=user;by=\"okta\";locked")),
        "{users}"
    );

    let told = bed.owner(&format!("--user {bob}")).await?;
    ensure!(told["state"] == "group-provisioned", "{told}");
    ensure!(told["groups"][0]["group"] == group, "{told}");
    let told = bed.owner(&format!("--group {group}")).await?;
    ensure!(
        told["state"] == "managed" && told["since"].is_u64(),
        "{told}"
    );
    let told = bed.owner("").await?;
    ensure!(
        told["managed_users"] == 2 && told["managed_groups"] == 1,
        "{told}"
    );

    let path = format!("/gateway/ng/api/user/{ann}");
    let refused = bed.edit("DELETE", &path, Value::Null).await?;
    let detail = refused.body["detail"]
        .as_str()
        .context("no detail")?
        .to_owned();
    ensure!(detail.contains("Okta on 20"), "since when: {detail}");
    refused.refused("okta-only.user-delete")?;
    let set = format!("owners set --account {ACCOUNT} --user {ann} --managed-by none");
    let reason = "left the company before Okta came";
    process::output(bed.guard.program(&set).args(["--reason", reason])).await?;
    let told = bed.owner(&format!("--user {ann}")).await?;
    ensure!(
        told["state"] == "native" && told["origin"]["corrected"] == reason,
        "{told}"
    );
    ensure!(told["corrections"][0]["before"] == "okta", "{told}");
    bed.edit("DELETE", &path, Value::Null).await?.done()?;
    for (account, named) in [
        (ACCOUNT, "--user nobody@example.com"),
        (ACCOUNT, "--group no_such_group"),
        ("NOPE", "--user ann@example.com"),
        ("NOPE", ""),
    ] {
        let line = format!("owners --account {account} {named}");
        let output = process::run(bed.guard.program(&line).arg("--json")).await?;
        let told: Value = serde_json::from_slice(&output.stdout)?;
        ensure!(told["recorded"] == false, "{named:?}: {told}");
        ensure!(told["state"] != "native", "{named:?}: {told}");
        let output = process::run(&mut bed.guard.program(&line)).await?;
        let said = String::from_utf8_lossy(&output.stdout);
        ensure!(output.status.code() == Some(1), "{named:?}: {said}");
        ensure!(said.contains("is not on record"), "{named:?}: {said}");
    }
    let line = format!("owners --account {ACCOUNT}");
    let known = process::run(&mut bed.guard.program(&line)).await?;
    ensure!(known.status.code() == Some(0));
    Ok(())
}
