//! The record in memory as a person reads it: who and what there is, who owns it, and who is where.

use serde::Serialize;

use super::Table;
use super::table::Membership;

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
    /// What memberships refer to: the id, once there is one.
    pub key: String,
    /// `None` for a create that is not settled yet.
    pub id: Option<String>,
    /// As the provider wrote it.
    pub user_name: String,
    /// The name to show.
    pub display_name: Option<String>,
    /// The provider's id.
    pub external_id: Option<String>,
    /// Not deactivated.
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
    /// What memberships refer to: the id, once there is one.
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
    /// What there is, and who owns it.
    #[must_use]
    pub fn ownership(&self) -> Ownership {
        let users = self.users.iter().map(|((_, key), user)| ShownUser {
            account: user.account.clone(),
            key: key.clone(),
            id: user.id.clone(),
            user_name: user.user_name.clone(),
            display_name: user.display_name.clone(),
            external_id: user.external_id.clone(),
            active: user.active,
            managed_by: user.managed_by.clone(),
            pending: user.pending,
        });
        let groups = self.groups.iter().map(|((_, _, key), group)| ShownGroup {
            account: group.account.clone(),
            scope: group.scope.clone(),
            key: key.clone(),
            id: group.id.clone(),
            display_name: group.display_name.clone(),
            external_id: group.external_id.clone(),
            managed_by: group.managed_by.clone(),
            pending: group.pending,
        });
        let members = self.members.iter().map(|(key, membership)| {
            let (account, scope, group, user) = key.clone();
            ShownMember {
                account,
                scope,
                group,
                user,
                pending: *membership != Membership::Confirmed,
            }
        });
        Ownership {
            users: users.collect(),
            groups: groups.collect(),
            members: members.collect(),
        }
    }
}
