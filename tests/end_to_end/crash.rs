//! The guard dies between the backend's answer and the record: what Okta provisioned is closed to
//! administrators all the same.

use anyhow::ensure;
use scimguard_tests::client::{Answer, Client};
use scimguard_tests::guard::Guard;
use scimguard_tests::process::Server;
use serde_json::{Value, json};

use crate::held::Held;
use crate::okta::{Okta, scim_client, user};
use crate::provisioning::in_account;
use crate::{ACCOUNT, HARNESS_BASE, harness};

/// An application whose answers can be held back, and a guard that dies meanwhile.
struct Scene {
    _application: Server,
    held: Held,
    guard: Guard,
    okta: Okta,
    administrator: Client,
}

impl Scene {
    async fn new() -> anyhow::Result<Self> {
        let application = Server::example_application().await?;
        let held = Held::in_front_of(&application.url).await?;
        let mut guard = Guard::configure(&held.url, &harness())?;
        let token = guard.token(ACCOUNT, "svc-okta", Some("okta")).await?;
        let okta = Okta {
            scim: scim_client(&format!("{}{HARNESS_BASE}", guard.url), &token),
            backend: Client::new(format!("{}{HARNESS_BASE}", application.url)),
        };
        let administrator = Client::new(&guard.url).with("content-type", "application/json");
        guard.start().await?;
        Ok(Self {
            _application: application,
            held,
            guard,
            okta,
            administrator,
        })
    }

    /// Okta sends a write, the backend does it, and the guard is killed before it knows.
    async fn crash_during(
        &mut self,
        method: &'static str,
        path: &str,
        body: Value,
    ) -> anyhow::Result<()> {
        self.held.hold();
        let (scim, path) = (self.okta.scim.clone(), path.to_owned());
        let request = tokio::spawn(async move { scim.send(method, &path, Some(&body)).await });
        self.held.until_held().await?;
        self.guard.kill().await?;
        ensure!(
            request.await?.is_err(),
            "a guard that was killed has answered"
        );
        self.held.release();
        self.guard.start().await?;
        Ok(())
    }

    async fn administrator(
        &self,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> anyhow::Result<Answer> {
        self.administrator
            .send(method, &in_account(path), body.as_ref())
            .await
    }
}

#[tokio::test]
async fn a_user_whose_creation_was_cut_off_is_not_editable() -> anyhow::Result<()> {
    let mut scene = Scene::new().await?;
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
        .administrator("PUT", &path, Some(edit))
        .await?
        .refused("facts.unavailable")?;
    scene
        .administrator("DELETE", &path, None)
        .await?
        .refused("facts.unavailable")?;

    ensure!(
        scene.okta.find_user("ann").await? == Some(ann),
        "Okta finds whom it created"
    );
    scene
        .administrator("DELETE", &path, None)
        .await?
        .refused("okta-only.user-delete")
}

#[tokio::test]
async fn a_group_whose_push_was_cut_off_is_not_editable() -> anyhow::Result<()> {
    let mut scene = Scene::new().await?;
    let bob = scene.okta.create_user("bob", "Bob", "Ray").await?;
    let group = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
        "displayName": "web-team",
        "members": [{"value": bob}],
    });
    scene.crash_during("POST", "/Groups", group).await?;

    let path = "/gateway/ng/api/user-groups/web_team";
    scene
        .administrator("DELETE", path, None)
        .await?
        .refused("okta-only.group-delete")?;
    let edit = json!({"uuid": bob, "name": "Mine", "email": "bob@example.com"});
    let user = format!("/gateway/ng/api/user/{bob}");
    scene
        .administrator("PUT", &user, Some(edit))
        .await?
        .refused("okta-only.user-profile")
}

#[tokio::test]
async fn a_member_whose_addition_was_cut_off_counts_as_a_member() -> anyhow::Result<()> {
    let mut scene = Scene::new().await?;
    let ann = scene.okta.create_user("ann", "Ann", "Lee").await?;
    let group = scene.okta.push_group("web-team", &[]).await?;
    let add =
        crate::okta::patch(json!([{"op": "add", "path": "members", "value": [{"value": ann}]}]));
    scene
        .crash_during("PATCH", &format!("/Groups/{group}"), add)
        .await?;
    scene.okta.has_members(&group, &[&ann]).await?;

    let edit = json!({"uuid": ann, "name": "Mine", "email": "ann@example.com"});
    let user = format!("/gateway/ng/api/user/{ann}");
    scene
        .administrator("PUT", &user, Some(edit))
        .await?
        .refused("okta-only.user-profile")
}
