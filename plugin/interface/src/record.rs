//! The records that a host stores. Nothing else changes the ownership record.

use scimguard_interface_macros::wit;
use serde::{Deserialize, Serialize};

use crate::{Group, Membership, ResourceKind, User};

/// One change of the record. A list of them is applied in order, in one transaction.
#[wit]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "kebab-case")]
pub enum Record {
    /// A create is about to be forwarded: the resource counts as owned from now on.
    Intent(Intent),
    /// An attempt to create succeeded with this id. No-op if the intent is missing or the group is already
    /// recorded, since that says nothing about another one. A native group that may have been deleted becomes
    /// owned, and its intent stays.
    Settle(Settled),
    /// An attempt to create was definitely refused, or its answer is recorded. The intent ends with the last
    /// attempt whose outcome is unknown. No-op if the intent is missing.
    Withdraw(IntentKey),
    /// Insert or replace by account and id.
    User(User),
    /// Insert or replace by account, scope and id.
    Group(Group),
    /// A membership.
    Member(MemberRecord),
    /// These users are confirmed members of the group.
    Members(MembersRecord),
    /// A membership change by the provider that the backend did not make, to be retried.
    Failed(FailedChange),
    /// Removes the user with all memberships.
    RemoveUser(ResourceKey),
    /// Removes the group with all memberships.
    RemoveGroup(ResourceKey),
}

/// A create that is about to be forwarded.
#[wit]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// The kind of resource.
    pub kind: ResourceKind,
    /// The account.
    pub account: String,
    /// The folded user name, the group's derived id, or its folded name if ids are not derived.
    pub key: String,
    /// The user name, for a user.
    pub user_name: Option<String>,
    /// The display name.
    pub display_name: Option<String>,
    /// The id derived from a group's name, if ids are derived.
    pub derived_id: Option<String>,
    /// The provider's id.
    pub external_id: Option<String>,
    /// Whether it is created as active.
    pub active: bool,
    /// The provider that provisions it.
    pub provider: String,
    /// Milliseconds since 1970.
    pub at: u64,
    /// The id of the provider's token.
    pub by: String,
    /// The members that the group is created with.
    pub members: Vec<String>,
}

/// Identifies an [`Intent`].
#[wit]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IntentKey {
    /// The kind of resource.
    pub kind: ResourceKind,
    /// The account.
    pub account: String,
    /// As in [`Intent::key`].
    pub key: String,
}

/// The success of an [`Intent`].
#[wit]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settled {
    /// The intent.
    #[serde(flatten)]
    pub intent: IntentKey,
    /// The id that the backend assigned.
    pub id: String,
}

/// Whether a user is in a group.
#[wit]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "MemberJson", into = "MemberJson")]
pub struct MemberRecord {
    /// The account.
    pub account: String,
    /// The group's scope.
    pub scope: String,
    /// The group's id.
    pub group: String,
    /// The user's id.
    pub user: String,
    /// How certain the membership is; `None` if the user is not in the group.
    pub state: Option<Membership>,
    /// The id of the provider's token while the outcome of the provider's write is unknown.
    pub by: Option<String>,
}

/// A [`MemberRecord`] as JSON. An addition is open if `by` names the token that made it.
#[derive(Serialize, Deserialize)]
struct MemberJson {
    account: String,
    scope: String,
    group: String,
    user: String,
    present: bool,
    pending: bool,
    by: Option<String>,
}

/// Confirmed members of a group.
#[wit]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MembersRecord {
    /// The account.
    pub account: String,
    /// The group's scope.
    pub scope: String,
    /// The group's id.
    pub group: String,
    /// The users' ids.
    pub users: Vec<String>,
}

/// A membership change that the backend did not make or did not confirm.
#[wit]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedChange {
    /// The account.
    pub account: String,
    /// The group's scope.
    pub scope: String,
    /// The group's id.
    pub group: String,
    /// The user's id.
    pub user: String,
    /// Added, or removed.
    pub present: bool,
    /// The backend's HTTP status; `None` without an answer.
    pub status: Option<u16>,
    /// Milliseconds since 1970.
    pub at: u64,
    /// The id of the provider's token.
    pub by: String,
}

/// Identifies a user (with an empty scope) or a group.
#[wit]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceKey {
    /// The account.
    pub account: String,
    /// A group's scope.
    pub scope: String,
    /// The id.
    pub id: String,
}

// === impl MemberRecord ===

impl MemberRecord {
    /// Whether the write puts the user in; otherwise it takes the user out.
    #[must_use]
    pub fn puts_in(&self) -> bool {
        !matches!(self.state, None | Some(Membership::Removing))
    }

    /// Whether the write awaits its outcome, or a confirmation.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        !matches!(self.state, None | Some(Membership::Confirmed))
    }
}

// === impl MemberJson ===

impl From<MemberRecord> for MemberJson {
    fn from(record: MemberRecord) -> Self {
        let (present, pending) = (record.puts_in(), record.is_pending());
        Self {
            account: record.account,
            scope: record.scope,
            group: record.group,
            user: record.user,
            present,
            pending,
            by: record.by,
        }
    }
}

impl From<MemberJson> for MemberRecord {
    fn from(json: MemberJson) -> Self {
        let state = match (json.present, json.pending, &json.by) {
            (true, false, _) => Some(Membership::Confirmed),
            (true, true, Some(_)) => Some(Membership::Adding),
            (true, true, None) => Some(Membership::Unconfirmed),
            (false, true, _) => Some(Membership::Removing),
            (false, false, _) => None,
        };
        Self {
            account: json.account,
            scope: json.scope,
            group: json.group,
            user: json.user,
            state,
            by: json.by,
        }
    }
}
