//! What Okta sends: each request in the form, the order and with the headers of
//! "Okta SCIM Client 1.0.0". What it leaves in the backend is read from the backend itself.

use crate::client::{Answer, Client};
use crate::fixtures::{GROUP, PATCH, USER};
use crate::secrets::PASSWORD;
use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

/// A client of SCIM end points as Okta is one. Any other SCIM client with a token can be one too.
#[must_use]
pub fn scim_client(base: &str, token: &str) -> Client {
    Client::new(base)
        .with("user-agent", "Okta SCIM Client 1.0.0")
        .with("content-type", "application/scim+json; charset=utf-8")
        .with("authorization", format!("Bearer {token}"))
}

/// Okta, with a view of the backend.
pub struct Okta {
    /// The SCIM end points, through the guard.
    pub scim: Client,
    /// The same, of the backend itself.
    pub backend: Client,
}

impl Okta {
    /// "Test Connection".
    pub async fn test_connection(&self) -> anyhow::Result<()> {
        for path in [
            "/Users?startIndex=1&count=2",
            "/Groups?startIndex=1&count=100",
        ] {
            let answer = self.scim.get(path).await?.status(200)?;
            ensure!(
                answer.body["totalResults"].is_u64(),
                "not a list: {answer:?}"
            );
        }
        Ok(())
    }

    /// Searches for the user name, finds no user, and creates one.
    pub async fn create_user(
        &self,
        login: &str,
        given: &str,
        family: &str,
    ) -> anyhow::Result<String> {
        ensure!(
            self.find_user(login).await?.is_none(),
            "{login} exists already"
        );
        let answer = self
            .scim
            .post("/Users", &user(login, given, family))
            .await?;
        let id = answer.status(201)?.id()?;
        let stored = self.stored(&format!("/Users/{id}")).await?;
        equal(&stored, "/userName", format!("{login}@example.com"))?;
        equal(&stored, "/name/familyName", family)?;
        equal(&stored, "/active", true)?;
        Ok(id)
    }

    /// Creates an existing user again, as after a lost response.
    pub async fn cannot_create_again(
        &self,
        login: &str,
        given: &str,
        family: &str,
    ) -> anyhow::Result<()> {
        let again = user(login, given, family);
        let answer = self.scim.post("/Users", &again).await?.status(409)?;
        equal(&answer.body, "/scimType", "uniqueness")
    }

    /// Searches for a person's new user name, finds no user, and creates one: the person was deactivated
    /// under another name, and the external id stays the same.
    pub async fn comes_back(
        &self,
        was: &str,
        login: &str,
        given: &str,
        family: &str,
    ) -> anyhow::Result<String> {
        ensure!(
            self.find_user(login).await?.is_none(),
            "{login} exists already"
        );
        let mut person = user(login, given, family);
        person["externalId"] = user(was, given, family)["externalId"].take();
        let answer = self.scim.post("/Users", &person).await?;
        let id = answer.status(201)?.id()?;
        let stored = self.stored(&format!("/Users/{id}")).await?;
        equal(&stored, "/userName", format!("{login}@example.com"))?;
        equal(&stored, "/externalId", person["externalId"].take())?;
        equal(&stored, "/active", true)?;
        Ok(id)
    }

    /// The id of a user, by the filter that Okta uses.
    pub async fn find_user(&self, login: &str) -> anyhow::Result<Option<String>> {
        let filter = format!("userName%20eq%20%22{login}%40example.com%22");
        let answer = self
            .scim
            .get(&format!("/Users?filter={filter}&startIndex=1&count=100"))
            .await?;
        found(&answer.status(200)?)
    }

    /// A profile update of a wizard app: the whole resource as it was read, changed.
    pub async fn replace_profile(&self, id: &str, name: &str) -> anyhow::Result<()> {
        let path = format!("/Users/{id}");
        let mut whole = self.scim.get(&path).await?.status(200)?.body;
        whole["displayName"] = json!(name);
        whole["groups"] = json!([]);
        self.scim.put(&path, &whole).await?.done()?;
        equal(&self.stored(&path).await?, "/displayName", name)
    }

    /// A profile update of a catalogue app: a value object without a path.
    pub async fn patch_profile(&self, id: &str, name: &str) -> anyhow::Result<()> {
        let path = format!("/Users/{id}");
        self.patch(
            &path,
            json!([{"op": "replace", "value": {"displayName": name}}]),
        )
        .await?
        .done()?;
        equal(&self.stored(&path).await?, "/displayName", name)
    }

    /// Deactivates or reactivates as a catalogue app.
    pub async fn patch_active(&self, id: &str, active: bool) -> anyhow::Result<()> {
        let path = format!("/Users/{id}");
        self.patch(
            &path,
            json!([{"op": "replace", "value": {"active": active}}]),
        )
        .await?
        .done()?;
        equal(&self.stored(&path).await?, "/active", active)
    }

    /// Deactivates or reactivates as a wizard app.
    pub async fn put_active(&self, id: &str, active: bool) -> anyhow::Result<()> {
        let path = format!("/Users/{id}");
        let mut whole = self.scim.get(&path).await?.status(200)?.body;
        whole["active"] = json!(active);
        self.scim.put(&path, &whole).await?.done()?;
        equal(&self.stored(&path).await?, "/active", active)
    }

    /// Imports page by page, and returns how many users and groups there are.
    pub async fn import(&self) -> anyhow::Result<(usize, usize)> {
        Ok((self.pages("/Users").await?, self.pages("/Groups").await?))
    }

    async fn pages(&self, collection: &str) -> anyhow::Result<usize> {
        let mut seen = 0;
        loop {
            let page = format!("{collection}?startIndex={}&count=2", seen + 1);
            let answer = self.scim.get(&page).await?.status(200)?;
            let found = answer.body["Resources"].as_array().map_or(0, Vec::len);
            seen += found;
            if found == 0 {
                return Ok(seen);
            }
        }
    }

    /// Searches for the group's name, finds none, and creates the group.
    pub async fn push_group(&self, name: &str, members: &[&str]) -> anyhow::Result<String> {
        ensure!(
            self.find_group(name).await?.is_none(),
            "{name} exists already"
        );
        let body = json!({"schemas": [GROUP], "displayName": name, "members": references(members)});
        let id = self.scim.post("/Groups", &body).await?.status(201)?.id()?;
        self.scim.get(&format!("/Groups/{id}")).await?.status(200)?;
        self.has_members(&id, members).await?;
        Ok(id)
    }

    /// The id of a group, by the filter that Okta uses.
    pub async fn find_group(&self, name: &str) -> anyhow::Result<Option<String>> {
        let filter = format!("displayName%20eq%20%22{name}%22");
        let answer = self
            .scim
            .get(&format!("/Groups?filter={filter}&startIndex=1&count=100"))
            .await?;
        found(&answer.status(200)?)
    }

    /// Renames a pushed group.
    pub async fn rename_group(&self, id: &str, name: &str) -> anyhow::Result<()> {
        let path = format!("/Groups/{id}");
        let operations = json!([{"op": "replace", "value": {"id": id, "displayName": name}}]);
        self.patch(&path, operations).await?.done()?;
        equal(&self.stored(&path).await?, "/displayName", name)
    }

    /// Takes one user out and puts another in, in one request.
    pub async fn swap_members(&self, id: &str, out: &str, into: &str) -> anyhow::Result<()> {
        let operations = json!([
            {"op": "remove", "path": format!("members[value eq \"{out}\"]")},
            {"op": "add", "path": "members", "value": references(&[into])},
        ]);
        self.patch(&format!("/Groups/{id}"), operations)
            .await?
            .done()?;
        Ok(())
    }

    /// Replaces all members.
    pub async fn replace_members(&self, id: &str, members: &[&str]) -> anyhow::Result<()> {
        let operations =
            json!([{"op": "replace", "path": "members", "value": references(members)}]);
        self.patch(&format!("/Groups/{id}"), operations)
            .await?
            .done()?;
        self.has_members(id, members).await
    }

    /// The whole group, as a wizard app sends it.
    pub async fn put_group(&self, id: &str, name: &str, members: &[&str]) -> anyhow::Result<()> {
        let path = format!("/Groups/{id}");
        let body = json!({"schemas": [GROUP], "id": id, "displayName": name, "members": references(members)});
        self.scim.put(&path, &body).await?.done()?;
        equal(&self.stored(&path).await?, "/displayName", name)?;
        self.has_members(id, members).await
    }

    /// "Unlink and delete".
    pub async fn delete_group(&self, id: &str) -> anyhow::Result<()> {
        let path = format!("/Groups/{id}");
        self.scim.delete(&path).await?.done()?;
        self.backend.get(&path).await?.status(404)?;
        self.scim.get(&path).await?.status(404)?;
        Ok(())
    }

    /// Passes if these are the group's members at the backend.
    pub async fn has_members(&self, id: &str, members: &[&str]) -> anyhow::Result<()> {
        let stored = self.stored(&format!("/Groups/{id}")).await?;
        let listed = stored["members"].as_array().cloned().unwrap_or_default();
        let mut listed: Vec<&str> = listed
            .iter()
            .filter_map(|member| member["value"].as_str())
            .collect();
        let mut members = members.to_vec();
        listed.sort_unstable();
        members.sort_unstable();
        ensure!(
            listed == members,
            "{id} has the members {listed:?}, not {members:?}"
        );
        Ok(())
    }

    /// A PATCH with these operations.
    pub async fn patch(&self, path: &str, operations: Value) -> anyhow::Result<Answer> {
        self.scim.patch(path, &patch(operations)).await
    }

    /// A resource as the backend has it.
    pub async fn stored(&self, path: &str) -> anyhow::Result<Value> {
        Ok(self.backend.get(path).await?.status(200)?.body)
    }
}

/// A PATCH message.
#[must_use]
pub fn patch(operations: Value) -> Value {
    json!({"schemas": [PATCH], "Operations": operations})
}

/// A user as Okta creates one.
#[must_use]
pub fn user(login: &str, given: &str, family: &str) -> Value {
    let email = format!("{login}@example.com");
    json!({
        "schemas": [USER],
        "userName": email,
        "name": {"givenName": given, "familyName": family},
        "emails": [{"primary": true, "value": email, "type": "work"}],
        "displayName": format!("{given} {family}"),
        "locale": "en-US",
        "externalId": format!("00u{login}"),
        "groups": [],
        "password": PASSWORD,
        "active": true,
    })
}

/// Passes if a document has this value.
pub fn equal(document: &Value, pointer: &str, expected: impl Into<Value>) -> anyhow::Result<()> {
    let (found, expected) = (document.pointer(pointer), expected.into());
    ensure!(
        found == Some(&expected),
        "{pointer} is {found:?}, not {expected}: {document}"
    );
    Ok(())
}

fn references(users: &[&str]) -> Value {
    users
        .iter()
        .map(|user| json!({"value": user, "display": format!("{user}@example.com")}))
        .collect()
}

fn found(answer: &Answer) -> anyhow::Result<Option<String>> {
    match answer.body["totalResults"].as_u64() {
        Some(0) => Ok(None),
        Some(1) => Ok(answer.body["Resources"][0]["id"]
            .as_str()
            .map(str::to_owned)),
        _ => None.with_context(|| format!("expected one resource or none: {answer:?}")),
    }
}
