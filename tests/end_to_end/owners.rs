//! What the record says and who corrects it: open outcomes are settled by asking the application,
//! failed membership changes are kept and repeated, ownership is shown, corrected, and told to
//! administrators who read.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use crate::ACCOUNT;
use crate::provisioning::in_account;
use crate::scene::TestBed;
use scimguard_tests::okta::{patch, user};
use scimguard_tests::process;

const CONFIGURATION: &str = "\
annotate = true
settle_every = \"50ms\"
settle_after = \"200ms\"
[backend_credential]
file = \"backend.token\"
";

impl TestBed {
    async fn owner(&self, of: &[&str]) -> anyhow::Result<Value> {
        let command = [&["owners", "--account", ACCOUNT], of].concat();
        self.guard.found(&command).await
    }

    /// Waits until what is on record of a user or group is as expected.
    async fn until(&self, of: &[&str], expected: fn(&Value) -> bool) -> anyhow::Result<Value> {
        let waiting = async {
            loop {
                let told = self.owner(of).await?;
                if expected(&told) {
                    return anyhow::Ok(told);
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        match tokio::time::timeout(Duration::from_secs(20), waiting).await {
            Ok(told) => told,
            Err(_) => anyhow::bail!("still {}", self.owner(of).await?),
        }
    }

    async fn add_member(&self, group: &str, user: &str) -> anyhow::Result<u16> {
        let operation =
            patch(json!([{"op": "add", "path": "members", "value": [{"value": user}]}]));
        let path = format!("/Groups/{group}");
        let answer = self.okta.scim.send("PATCH", &path, Some(&operation));
        Ok(answer.await?.status)
    }
}

#[tokio::test]
async fn what_was_cut_off_is_settled_by_asking() -> anyhow::Result<()> {
    let mut scene = TestBed::new(CONFIGURATION).await?;
    scene
        .crash_during("POST", "/Users", user("ann", "Ann", "Lee"))
        .await?;
    let told = scene
        .until(&["--user", "ann@example.com"], |told| {
            told["id"].is_string() && told["pending"] == false
        })
        .await?;
    ensure!(told["state"] == "direct", "{told}");
    ensure!(
        told["origin"]["created"].is_string(),
        "by which token: {told}"
    );
    let path = format!("/gateway/ng/api/user/{}", told["id"].as_str().unwrap_or(""));
    scene
        .administrator
        .send("DELETE", &in_account(&path), None)
        .await?
        .refused("okta-only.user-delete")?;

    // A create that the application never heard of is taken back.
    scene.held.fail(503);
    let eve = user("eve", "Eve", "Fox");
    scene
        .okta
        .scim
        .send("POST", "/Users", Some(&eve))
        .await?
        .status(503)?;
    let open = scene.owner(&["--user", "eve@example.com"]).await?;
    ensure!(
        open["managed_by"] == "okta" && open["pending"] == true,
        "{open}"
    );
    scene.held.mend();
    scene
        .until(&["--user", "eve@example.com"], |told| {
            told["recorded"] == false
        })
        .await?;
    let invitation = json!({"emails": ["eve@example.com"], "userGroups": [], "roleBindings": []});
    scene
        .administrator
        .send(
            "POST",
            &in_account("/gateway/ng/api/user/users"),
            Some(&invitation),
        )
        .await?
        .done()?;
    Ok(())
}

#[tokio::test]
async fn a_group_that_takes_the_place_of_a_native_one_stays_closed() -> anyhow::Result<()> {
    let mut scene = TestBed::new(CONFIGURATION).await?;
    let native = json!({"identifier": "lab_team", "name": "lab-team", "users": []});
    scene
        .edit("POST", "/gateway/ng/api/user-groups", Some(native))
        .await?
        .done()?;
    // The application has deleted it when the guard hears that it may have.
    let backend = &scene.okta.backend;
    backend
        .send("DELETE", "/Groups/lab_team", None)
        .await?
        .done()?;
    scene.held.fail(503);
    let path = "/gateway/ng/api/user-groups/lab_team";
    scene.edit("DELETE", path, None).await?.status(503)?;
    scene.held.mend();
    let pushed = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "lab-team",
    });
    scene.crash_during("POST", "/Groups", pushed).await?;
    // Asking does not tell whose it is; many rounds are over.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let found = scene
        .okta
        .scim
        .get("/Groups?filter=displayName%20eq%20%22lab-team%22")
        .await?;
    found.status(200)?;
    scene
        .edit("DELETE", path, None)
        .await?
        .refused("okta-only.group-delete")
}

#[tokio::test]
async fn a_group_that_is_renamed_before_its_creation_is_settled_is_the_one_of_its_id()
-> anyhow::Result<()> {
    let mut scene = TestBed::new(CONFIGURATION).await?;
    let ann = scene.okta.create_user("ann", "Ann", "Lee").await?;
    // The application has a group of the name that Okta pushes.
    let schemas = ["urn:ietf:params:scim:schemas:core:2.0:Group"];
    let local = json!({"schemas": schemas, "displayName": "local"});
    let rename = |name: &str| patch(json!([{"op": "replace", "value": {"displayName": name}}]));
    let backend = scene.okta.backend.clone();
    let backend = backend.with("content-type", "application/scim+json");
    let created = backend.send("POST", "/Groups", Some(&local));
    created.await?.status(201)?;
    let taken = rename("web-team");
    let taken = backend.send("PATCH", "/Groups/local", Some(&taken));
    taken.await?.done()?;
    let pushed =
        json!({"schemas": schemas, "displayName": "web-team", "members": [{"value": ann}]});
    scene.crash_during("POST", "/Groups", pushed).await?;
    let renamed = rename("renamed");
    let renamed = scene
        .okta
        .scim
        .send("PATCH", "/Groups/web_team", Some(&renamed));
    renamed.await?.done()?;
    let told = scene
        .until(&["--group", "web_team"], |told| told["pending"] == false)
        .await?;
    ensure!(told["managed_by"] == "okta", "{told}");
    let told = scene.owner(&["--user", &ann]).await?;
    ensure!(told["state"] == "group-provisioned", "{told}");
    let path = "/gateway/ng/api/user-groups/local";
    scene.edit("DELETE", path, None).await?.done()?;
    Ok(())
}

#[tokio::test]
async fn failed_membership_changes_are_kept_and_repeated() -> anyhow::Result<()> {
    let mut scene = TestBed::new(CONFIGURATION).await?;
    let ann = scene.okta.create_user("ann", "Ann", "Lee").await?;
    let bob = scene.okta.create_user("bob", "Bob", "Ray").await?;
    let eve = scene.okta.create_user("eve", "Eve", "Fox").await?;
    let group = scene.okta.push_group("web-team", &[]).await?;
    scene.held.fail(503);
    for user in [&ann, &bob, &eve] {
        ensure!(scene.add_member(&group, user).await? == 503);
    }
    let kept = scene.guard.told(&["retry", "--list"]).await?;
    ensure!(
        kept.as_array().is_some_and(|rows| rows.len() == 3),
        "{kept}"
    );
    ensure!(
        kept[0]["status"] == 503 && kept[0]["attempts"] == 1,
        "{kept}"
    );
    let told = scene.owner(&["--user", &ann]).await?;
    ensure!(told["retries"][0]["group"] == group, "{told}");

    // It fails again, and is tried once more each time.
    let again = scene.guard.told(&["retry"]).await;
    ensure!(again.is_err(), "nothing can be done yet: {again:?}");
    let kept = scene.guard.told(&["retry", "--list"]).await?;
    ensure!(kept[0]["attempts"] == 2, "{kept}");

    // Who is deactivated meanwhile is put into no group.
    scene.held.mend();
    scene.okta.patch_active(&bob, false).await?;
    scene.guard.told(&["retry"]).await?;
    scene.okta.has_members(&group, &[&ann, &eve]).await?;
    let left = scene.guard.told(&["retry", "--list"]).await?;
    ensure!(left == json!([]), "{left}");

    // A later change makes an earlier one needless; and a guard that does not run cannot repeat, so
    // that the command does.
    scene.held.fail(500);
    let remove = patch(json!([{"op": "remove", "path": format!("members[value eq \"{ann}\"]")}]));
    let path = format!("/Groups/{group}");
    let answer = scene.okta.scim.send("PATCH", &path, Some(&remove));
    answer.await?.status(500)?;
    ensure!(scene.add_member(&group, &eve).await? == 500);
    scene.held.mend();
    ensure!((200..300).contains(&scene.add_member(&group, &ann).await?));
    scene.guard.terminate().await?;
    scene.guard.told(&["retry"]).await?;
    scene.okta.has_members(&group, &[&ann, &eve]).await?;
    Ok(())
}

#[tokio::test]
async fn ownership_is_shown_corrected_and_told_to_who_reads() -> anyhow::Result<()> {
    let scene = TestBed::new(CONFIGURATION).await?;
    let ann = scene.okta.create_user("ann", "Ann", "Lee").await?;
    let bob = scene.okta.create_user("bob", "Bob", "Ray").await?;
    let group = scene.okta.push_group("web-team", &[&bob]).await?;

    let read = |path: &str| {
        let path = in_account(path);
        let administrator = scene.administrator.clone();
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

    let told = scene.owner(&["--user", &bob]).await?;
    ensure!(told["state"] == "group-provisioned", "{told}");
    ensure!(told["groups"][0]["group"] == group, "{told}");
    let told = scene.owner(&["--group", &group]).await?;
    ensure!(
        told["state"] == "managed" && told["since"].is_u64(),
        "{told}"
    );
    let told = scene.owner(&[]).await?;
    ensure!(
        told["managed_users"] == 2 && told["managed_groups"] == 1,
        "{told}"
    );

    let path = in_account(&format!("/gateway/ng/api/user/{ann}"));
    let refused = scene.administrator.send("DELETE", &path, None).await?;
    let detail = refused.body["detail"]
        .as_str()
        .context("no detail")?
        .to_owned();
    ensure!(detail.contains("Okta on 20"), "since when: {detail}");
    refused.refused("okta-only.user-delete")?;
    let set = ["owners", "set", "--account", ACCOUNT, "--user", &ann];
    let reason = "left the company before Okta came";
    scene
        .guard
        .command(&set, &["--managed-by", "none", "--reason", reason])
        .await?;
    let told = scene.owner(&["--user", &ann]).await?;
    ensure!(
        told["state"] == "native" && told["origin"]["corrected"] == reason,
        "{told}"
    );
    ensure!(told["corrections"][0]["before"] == "okta", "{told}");
    scene
        .administrator
        .send("DELETE", &path, None)
        .await?
        .done()?;
    for (account, named) in [
        (ACCOUNT, &["--user", "nobody@example.com"][..]),
        (ACCOUNT, &["--group", "no_such_group"]),
        ("NOPE", &["--user", "ann@example.com"]),
        ("NOPE", &[]),
    ] {
        let asked = ["owners", "--account", account];
        let mut command = scene.guard.program(&asked);
        let output = process::run(command.args(named).arg("--json")).await?;
        let told: Value = serde_json::from_slice(&output.stdout)?;
        ensure!(told["recorded"] == false, "{named:?}: {told}");
        ensure!(told["state"] != "native", "{named:?}: {told}");
        let mut command = scene.guard.program(&asked);
        let output = process::run(command.args(named)).await?;
        let said = String::from_utf8_lossy(&output.stdout);
        ensure!(output.status.code() == Some(1), "{named:?}: {said}");
        ensure!(said.contains("is not on record"), "{named:?}: {said}");
    }
    let known = scene
        .guard
        .program(&["owners", "--account", ACCOUNT])
        .output();
    ensure!(known.await?.status.code() == Some(0));
    Ok(())
}
