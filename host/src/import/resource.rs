//! What an import reads of a resource, and what of it can be recorded. The backend is not trusted:
//! a resource without a usable key is an error, and is never recorded under another one.

use anyhow::{Context as _, ensure};
use scimguard_core::facts::{Group, Origin, User};
use scimguard_core::is_plain_name;
use serde::Deserialize;

use scimguard_store::Asked;

/// A user or a group, as listed.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Resource {
    pub(super) id: Option<String>,
    user_name: Option<String>,
    display_name: Option<String>,
    external_id: Option<String>,
    active: Option<bool>,
    pub(super) members: Option<Vec<Member>>,
}

#[derive(Deserialize)]
pub(super) struct Member {
    value: Option<String>,
}

impl Resource {
    /// Its id, if valid: the guard refuses requests for any other.
    pub(super) fn checked_id(&self) -> anyhow::Result<&str> {
        let id = self.id.as_deref().unwrap_or_default();
        ensure!(!id.is_empty(), "it has no id");
        ensure!(
            is_plain_name(id),
            "its id {id:?} holds space or control characters"
        );
        Ok(id)
    }

    pub(super) fn into_user(self, account: &str, asked: &Asked, now: u64) -> anyhow::Result<User> {
        let user_name = self.user_name.filter(|name| !name.is_empty());
        let user_name = user_name.context("it has no userName")?;
        ensure!(
            !user_name.chars().any(char::is_control),
            "its userName {user_name:?} holds control characters"
        );
        Ok(User {
            account: account.to_owned(),
            id: self.id,
            user_name,
            display_name: self.display_name,
            external_id: self.external_id,
            active: self.active.unwrap_or(true),
            managed_by: asked.managed_by.clone(),
            since: asked.managed_by.is_some().then_some(now),
            origin: Some(Origin::Imported(asked.filter.clone())),
            ..User::default()
        })
    }

    pub(super) fn into_group(
        self,
        account: &str,
        asked: &Asked,
        now: u64,
    ) -> anyhow::Result<Group> {
        ensure!(self.user_name.is_none(), "it is a user, not a group");
        Ok(Group {
            account: account.to_owned(),
            id: self.id,
            display_name: self.display_name,
            external_id: self.external_id,
            managed_by: asked.managed_by.clone(),
            since: asked.managed_by.is_some().then_some(now),
            origin: Some(Origin::Imported(asked.filter.clone())),
            ..Group::default()
        })
    }
}

/// The members that a group refers to.
pub(super) fn references(members: Vec<Member>) -> anyhow::Result<Vec<String>> {
    let all = members.into_iter().enumerate();
    all.map(|(position, member)| {
        let value = member.value.filter(|value| is_plain_name(value));
        value.with_context(|| format!("its member number {} has no usable id", position + 1))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NATIVE: Asked = Asked {
        managed_by: None,
        filter: None,
        only: None,
    };

    fn resource(json: &str) -> Resource {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn what_has_no_usable_key_is_an_error() {
        for json in [
            "{}",
            r#"{"id": ""}"#,
            r#"{"id": null}"#,
            r#"{"id": "a b"}"#,
            r#"{"id": "a\u0001"}"#,
        ] {
            assert!(resource(json).checked_id().is_err(), "{json}");
        }
        assert_eq!(resource(r#"{"id": "ü-1"}"#).checked_id().unwrap(), "ü-1");
        for json in [
            r#"{"id": "a"}"#,
            r#"{"id": "a", "userName": ""}"#,
            r#"{"id": "a", "userName": "a\u0001"}"#,
        ] {
            assert!(resource(json).into_user("A", &NATIVE, 0).is_err(), "{json}");
        }
        let user = resource(r#"{"id": "a", "userName": "ann"}"#);
        assert!(user.into_group("A", &NATIVE, 0).is_err());
        let group = resource(r#"{"id": "g", "members": [{"value": "a"}, {"display": "b"}]}"#);
        let error = references(group.members.unwrap()).unwrap_err();
        assert!(error.to_string().contains("number 2"), "{error}");
    }

    #[test]
    fn an_owner_has_owned_since_now() {
        let json = r#"{"id": "a", "userName": "ann", "active": false}"#;
        let okta = Asked {
            managed_by: Some("okta".to_owned()),
            filter: Some("externalId pr".to_owned()),
            only: None,
        };
        let user = resource(json).into_user("A", &okta, 7).unwrap();
        assert_eq!(user.origin, Some(Origin::Imported(okta.filter)));
        assert_eq!(
            (user.managed_by.as_deref(), user.since, user.active),
            (Some("okta"), Some(7), false)
        );
        let native = resource(json).into_user("A", &NATIVE, 7).unwrap();
        assert_eq!((native.managed_by, native.since), (None, None));
    }
}
