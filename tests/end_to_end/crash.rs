//! The guard dies between the backend's answer and the record: what Okta provisioned is closed to
//! administrators all the same.

use anyhow::ensure;
use serde_json::json;

use crate::scene::TestBed;
use scimguard_tests::okta::user;

#[tokio::test]
async fn a_user_whose_creation_was_cut_off_is_not_editable() -> anyhow::Result<()> {
    let mut scene = TestBed::new("").await?;
    scene
        .crash_during("POST", "/Users", user("ann", "Ann", "Lee"))
        .await?;
    let listed = scene.okta.backend.get("/Users").await?.status(200)?;
    let ann = listed.body["Resources"][0]["id"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let path = format!("/gateway/ng/api/user/{ann}");

    let edit = json!({"uuid": ann, "name": "Mine", "email": "ann@example.com"});
    scene
        .edit("PUT", &path, Some(edit))
        .await?
        .refused("facts.unavailable")?;
    scene
        .edit("DELETE", &path, None)
        .await?
        .refused("facts.unavailable")?;

    ensure!(
        scene.okta.find_user("ann").await? == Some(ann),
        "Okta finds whom it created"
    );
    scene
        .edit("DELETE", &path, None)
        .await?
        .refused("okta-only.user-delete")
}

#[tokio::test]
async fn a_group_whose_push_was_cut_off_is_not_editable() -> anyhow::Result<()> {
    let mut scene = TestBed::new("").await?;
    let bob = scene.okta.create_user("bob", "Bob", "Ray").await?;
    let group = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
        "displayName": "web-team",
        "members": [{"value": bob}],
    });
    scene.crash_during("POST", "/Groups", group).await?;

    let path = "/gateway/ng/api/user-groups/web_team";
    scene
        .edit("DELETE", path, None)
        .await?
        .refused("okta-only.group-delete")?;
    let edit = json!({"uuid": bob, "name": "Mine", "email": "bob@example.com"});
    let user = format!("/gateway/ng/api/user/{bob}");
    scene
        .edit("PUT", &user, Some(edit))
        .await?
        .refused("okta-only.user-profile")
}

#[tokio::test]
async fn a_member_whose_addition_was_cut_off_counts_as_a_member() -> anyhow::Result<()> {
    let mut scene = TestBed::new("").await?;
    let ann = scene.okta.create_user("ann", "Ann", "Lee").await?;
    let group = scene.okta.push_group("web-team", &[]).await?;
    let add = scimguard_tests::okta::patch(
        json!([{"op": "add", "path": "members", "value": [{"value": ann}]}]),
    );
    scene
        .crash_during("PATCH", &format!("/Groups/{group}"), add)
        .await?;
    scene.okta.has_members(&group, &[&ann]).await?;

    let edit = json!({"uuid": ann, "name": "Mine", "email": "ann@example.com"});
    let user = format!("/gateway/ng/api/user/{ann}");
    scene
        .edit("PUT", &user, Some(edit))
        .await?
        .refused("okta-only.user-profile")
}
