//! The record in memory for people: the users and groups, their owners and their members.

use serde::Serialize;

use super::{Membership, Table};

/// Users, groups and memberships, in the order of their keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ownership {
    /// All users.
    pub users: Vec<ShownUser>,
    /// All groups.
    pub groups: Vec<ShownGroup>,
    /// All memberships.
    pub members: Vec<ShownMember>,
}

/// A user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ShownUser {
    /// The account.
    pub account: String,
    /// The key that memberships refer to: the id, once it is known.
    pub key: String,
    /// `None` for a create that is not settled yet.
    pub id: Option<String>,
    /// The user name, as the provider wrote it.
    pub user_name: String,
    /// The name to show.
    pub display_name: Option<String>,
    /// The provider's id.
    pub external_id: Option<String>,
    /// The user is not deactivated.
    pub active: bool,
    /// The provider that provisioned the user.
    #[serde(rename = "managed_by")]
    pub managed_by: Option<String>,
    /// A write is under way or unclear.
    pub pending: bool,
}

/// A group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ShownGroup {
    /// The account.
    pub account: String,
    /// `""`, `org` or `org/project`.
    pub scope: String,
    /// The key that memberships refer to: the id, once it is known.
    pub key: String,
    /// `None` for a create that is not settled yet.
    pub id: Option<String>,
    /// The name to show.
    pub display_name: Option<String>,
    /// The provider's id.
    pub external_id: Option<String>,
    /// The provider that pushed the group.
    #[serde(rename = "managed_by")]
    pub managed_by: Option<String>,
    /// A write is under way or unclear.
    pub pending: bool,
}

/// A user in a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ShownMember {
    /// The account.
    pub account: String,
    /// The group's scope.
    pub scope: String,
    /// The group's key.
    pub group: String,
    /// The user's key.
    pub user: String,
    /// A change of it is under way or unclear.
    pub pending: bool,
}

impl Table {
    /// The users, groups and memberships, with their owners.
    #[must_use]
    pub fn ownership(&self) -> Ownership {
        let users = self.rows.users.iter().map(|(key, row)| ShownUser {
            account: key.account.clone(),
            key: key.id.text().into_owned(),
            id: row.user.id.clone(),
            user_name: row.user.user_name.clone(),
            display_name: row.user.display_name.clone(),
            external_id: row.user.external_id.clone(),
            active: row.user.active,
            managed_by: row.user.managed_by.clone(),
            pending: row.user.write_pending,
        });
        let groups = self.rows.groups.iter().map(|(key, row)| ShownGroup {
            account: key.account.clone(),
            scope: key.scope.clone(),
            key: key.id.text().into_owned(),
            id: row.group.id.clone(),
            display_name: row.group.display_name.clone(),
            external_id: row.group.external_id.clone(),
            managed_by: row.group.managed_by.clone(),
            pending: row.group.write_pending,
        });
        let members = self.rows.memberships.iter().map(|(key, row)| ShownMember {
            account: key.account.clone(),
            scope: key.scope.clone(),
            group: key.group.text().into_owned(),
            user: key.user.clone(),
            pending: row.membership != Membership::Confirmed,
        });
        Ownership {
            users: users.collect(),
            groups: groups.collect(),
            members: members.collect(),
        }
    }
}
