//! What the face stores: the only way in which the ownership record changes.

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
    /// An attempt to create became the resource of this id. Nothing happens without such an intent, nor
    /// to a group that is known already: it says nothing of another that was created. A native one that
    /// is perhaps deleted is owned from then on, and the intent stays.
    Settle(Settled),
    /// An attempt to create was definitely refused, or is recorded by its answer. The intent ends with
    /// the last attempt whose outcome is not known. Without such an intent nothing happens.
    Withdraw(IntentKey),
    /// Insert or replace by account and id.
    User(User),
    /// Insert or replace by account, scope and id.
    Group(Group),
    /// A membership.
    Member(MemberRecord),
    /// All of these are in the group for certain.
    Members(MembersRecord),
    /// A membership change of the provider that the backend did not do, to be repeated.
    Failed(FailedChange),
    /// The user is gone, and all its memberships.
    RemoveUser(ResourceKey),
    /// The group is gone, and all its memberships.
    RemoveGroup(ResourceKey),
}

/// A create that is about to be forwarded.
#[wit]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// What is created.
    pub kind: ResourceKind,
    /// The account.
    pub account: String,
    /// The folded user name, the group's derived id, or its folded name where ids are not derived.
    pub key: String,
    /// A user's.
    pub user_name: Option<String>,
    /// The name to show.
    pub display_name: Option<String>,
    /// The id that a group's name gives, where ids are derived.
    pub derived_id: Option<String>,
    /// The provider's id.
    pub external_id: Option<String>,
    /// Created active.
    pub active: bool,
    /// Who provisions it.
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
    /// What is created.
    pub kind: ResourceKind,
    /// The account.
    pub account: String,
    /// As in [`Intent::key`].
    pub key: String,
}

/// What became of an [`Intent`].
#[wit]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settled {
    /// Which intent.
    #[serde(flatten)]
    pub intent: IntentKey,
    /// The id that the backend gave.
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
    /// How certain it is that the user is in the group; `None`: not in.
    pub state: Option<Membership>,
    /// The id of the provider's token, while the outcome of the provider's write is not known yet.
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

/// Users who are in a group.
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

/// A membership change that the backend did not do, or did not say that it did.
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
    /// Put in, or taken out.
    pub present: bool,
    /// The backend's HTTP status; `None`: no answer.
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

// === impl MemberJson ===

impl From<MemberRecord> for MemberJson {
    fn from(record: MemberRecord) -> Self {
        Self {
            account: record.account,
            scope: record.scope,
            group: record.group,
            user: record.user,
            present: !matches!(record.state, None | Some(Membership::Removing)),
            pending: !matches!(record.state, None | Some(Membership::Confirmed)),
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
