//! The effect of a management route, in neutral terms.

use serde::{Deserialize, Serialize};

/// The edit that a route performs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) enum EditKind {
    #[serde(rename = "group.create")]
    GroupCreate,
    /// Creates a group with the same id and members in other scopes.
    #[serde(rename = "group.copy")]
    GroupCopy,
    #[serde(rename = "group.update")]
    GroupUpdate,
    #[serde(rename = "group.rename")]
    GroupRename,
    #[serde(rename = "group.delete")]
    GroupDelete,
    #[serde(rename = "group.members.add")]
    MembersAdd,
    #[serde(rename = "group.members.remove")]
    MembersRemove,
    #[serde(rename = "group.members.replace")]
    MembersReplace,
    #[serde(rename = "user.create")]
    UserCreate,
    #[serde(rename = "user.update")]
    UserUpdate,
    #[serde(rename = "user.profile")]
    UserProfile,
    #[serde(rename = "user.delete")]
    UserDelete,
    #[serde(rename = "user.activate")]
    UserActivate,
    #[serde(rename = "user.deactivate")]
    UserDeactivate,
    #[serde(rename = "user.unlock")]
    UserUnlock,
    #[serde(rename = "user.groups.add")]
    UserGroupsAdd,
    #[serde(rename = "user.groups.remove")]
    UserGroupsRemove,
    #[serde(rename = "user.groups.replace")]
    UserGroupsReplace,
    /// Deletes a scope and every group in it.
    #[serde(rename = "scope.delete")]
    ScopeDelete,
    /// Changes the members of every group in a scope.
    #[serde(rename = "scope.members.replace")]
    ScopeMembersReplace,
    /// Changes things other than users and groups that may carry the provider's access.
    #[serde(rename = "access.change")]
    AccessChange,
    #[serde(rename = "roles")]
    Roles,
    /// A write that changes nothing that a provider may own.
    #[serde(rename = "none")]
    Nothing,
    #[serde(rename = "read")]
    Read,
}

// === impl EditKind ===

impl EditKind {
    /// Whether the edit touches nothing that a provider owns.
    pub(crate) fn is_free(self) -> bool {
        matches!(
            self,
            Self::Roles | Self::Nothing | Self::Read | Self::UserUnlock
        )
    }

    /// Whether the body is forwarded unread.
    pub(crate) fn passes_body(self) -> bool {
        matches!(self, Self::Nothing | Self::Read)
    }

    /// Whether the request must name its account.
    pub(crate) fn needs_account(self) -> bool {
        // Without a named account, whatever any account protects is protected.
        !self.is_free() && self != Self::AccessChange
    }

    pub(super) fn needs_group(self) -> bool {
        matches!(
            self,
            Self::GroupCopy
                | Self::GroupUpdate
                | Self::GroupRename
                | Self::GroupDelete
                | Self::MembersAdd
                | Self::MembersRemove
                | Self::MembersReplace
        )
    }

    pub(super) fn needs_user(self) -> bool {
        self.changes_profile()
            || matches!(
                self,
                Self::UserDelete
                    | Self::UserActivate
                    | Self::UserDeactivate
                    | Self::UserGroupsAdd
                    | Self::UserGroupsRemove
                    | Self::UserGroupsReplace
            )
    }

    pub(super) fn changes_profile(self) -> bool {
        matches!(self, Self::UserUpdate | Self::UserProfile)
    }

    /// Whether the whole body is compared with the record.
    pub(super) fn compares_body(self) -> bool {
        self.changes_profile()
            || matches!(
                self,
                Self::GroupCreate | Self::GroupUpdate | Self::GroupRename | Self::UserCreate
            )
    }
}
