//! The guard dies between the backend's response and the record: what Okta provisioned is closed to
//! administrators all the same.

use anyhow::ensure;
use scimguard_tests::fixtures::GROUP;
use scimguard_tests::okta::{patch, user};
use serde_json::{Value, json};

use crate::test_bed::{TestBed, only_id};

/// An administrator's edit of a user.
fn edit(id: &str, login: &str) -> Value {
    json!({"uuid": id, "name": "Mine", "email": format!("{login}@example.com")})
}

#[tokio::test]
async fn a_user_whose_creation_was_cut_off_is_not_editable() -> anyhow::Result<()> {
    let mut bed = TestBed::new("").await?;
    bed.crash_during("POST", "/Users", user("ann", "Ann", "Lee"))
        .await?;
    let ann = only_id(&bed.okta.backend.get("/Users").await?.status(200)?)?;
    let path = format!("/gateway/ng/api/user/{ann}");
    let edited = bed.edit("PUT", &path, edit(&ann, "ann")).await?;
    edited.refused("facts.unavailable")?;
    bed.delete_is_refused(&path, "facts.unavailable").await?;
    let found = bed.okta.find_user("ann").await?;
    ensure!(found == Some(ann), "Okta finds the user it created");
    bed.delete_is_refused(&path, "okta-only.user-delete").await
}

#[tokio::test]
async fn a_group_whose_push_was_cut_off_is_not_editable() -> anyhow::Result<()> {
    let mut bed = TestBed::new("").await?;
    let bob = bed.okta.create_user("bob", "Bob", "Ray").await?;
    let members = json!([{"value": bob}]);
    let group = json!({"schemas": [GROUP], "displayName": "web-team", "members": members});
    bed.crash_during("POST", "/Groups", group).await?;

    let path = "/gateway/ng/api/user-groups/web_team";
    bed.delete_is_refused(path, "okta-only.group-delete")
        .await?;
    let path = format!("/gateway/ng/api/user/{bob}");
    let edited = bed.edit("PUT", &path, edit(&bob, "bob")).await?;
    edited.refused("okta-only.user-profile")
}

#[tokio::test]
async fn a_member_whose_addition_was_cut_off_counts_as_a_member() -> anyhow::Result<()> {
    let mut bed = TestBed::new("").await?;
    let ann = bed.okta.create_user("ann", "Ann", "Lee").await?;
    let group = bed.okta.push_group("web-team", &[]).await?;
    let add = patch(json!([{"op": "add", "path": "members", "value": [{"value": ann}]}]));
    bed.crash_during("PATCH", &format!("/Groups/{group}"), add)
        .await?;
    bed.okta.has_members(&group, &[&ann]).await?;

    let path = format!("/gateway/ng/api/user/{ann}");
    let edited = bed.edit("PUT", &path, edit(&ann, "ann")).await?;
    edited.refused("okta-only.user-profile")
}
