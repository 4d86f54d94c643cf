//! The rows of the record as every store keeps them, in memory and in a database: users, groups,
//! memberships and what has to be repeated, each with its key.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::{Group, Member, Membership, User};

/// Marks the text of an id that is not known yet. Ids with control characters are refused, so that no
/// resource has such an id.
const INTENT: char = '\u{1}';

/// What a row of a user or group is kept under.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RowId {
    /// The key of an intent, while nobody knows the id.
    Intent(String),
    /// The id that the backend gave.
    Known(String),
}

/// Identifies the row of a user.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UserRowKey {
    /// The account.
    pub account: String,
    /// The id, or the intent.
    pub id: RowId,
}

/// Identifies the row of a group.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GroupRowKey {
    /// The account.
    pub account: String,
    /// `""`, `org` or `org/project`.
    pub scope: String,
    /// The id, or the intent.
    pub id: RowId,
}

/// Identifies a membership, and what has to be repeated of it. In the order of groups.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MembershipKey {
    /// The account.
    pub account: String,
    /// The group's scope.
    pub scope: String,
    /// The group's id, or its intent.
    pub group: RowId,
    /// The user's id, or the reference to a user whose id is not known.
    pub user: String,
}

/// The row of a user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserRow {
    /// What is known of the user; `in_managed_group` is not kept.
    pub user: User,
    /// Since when a write is open, in milliseconds since 1970.
    pub opened: Option<u64>,
}

/// The row of a group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupRow {
    /// What is known of the group.
    pub group: Group,
    /// Of an intent: another group had the id that the name gives when the create began, or an earlier
    /// attempt may have made one, so that this group may have another id.
    pub taken: bool,
    /// How many attempts to create the group have no outcome, beside the first.
    pub repeated: u32,
    /// Since when a write is open, in milliseconds since 1970.
    pub opened: Option<u64>,
}

/// The row of a membership.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MembershipRow {
    /// How certain it is.
    pub membership: Membership,
    /// The id of the provider's token, while the provider's change is open.
    pub token: Option<String>,
    /// Since when it is open, in milliseconds since 1970.
    pub opened: Option<u64>,
}

/// The row of a membership change of the provider that has to be repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryRow {
    /// To be put in, or taken out.
    pub present: bool,
    /// The backend's last HTTP status; `None`: no answer.
    pub status: Option<u16>,
    /// Milliseconds since 1970.
    pub first_seen: u64,
    /// Milliseconds since 1970.
    pub last_tried: u64,
    /// How often it was tried, the first time included.
    pub attempts: u32,
    /// The id of the provider's token.
    pub token: String,
    /// When an operator asked to repeat it, in milliseconds since 1970.
    pub asked: Option<u64>,
}

/// Rows by their keys: all of a record, or those that a transition reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    /// Users.
    pub users: BTreeMap<UserRowKey, UserRow>,
    /// Groups.
    pub groups: BTreeMap<GroupRowKey, GroupRow>,
    /// Memberships.
    pub memberships: BTreeMap<MembershipKey, MembershipRow>,
    /// What has to be repeated.
    pub retries: BTreeMap<MembershipKey, RetryRow>,
}

// === impl RowId ===

impl RowId {
    /// A known id.
    #[must_use]
    pub fn known(id: &str) -> Self {
        Self::Known(id.to_owned())
    }

    /// The id, if it is known.
    #[must_use]
    pub fn as_known(&self) -> Option<&str> {
        match self {
            Self::Known(id) => Some(id),
            Self::Intent(_) => None,
        }
    }

    /// As one text, for a store that has a single column for it.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Known(id) => Cow::Borrowed(id),
            Self::Intent(key) => Cow::Owned(format!("{INTENT}{key}")),
        }
    }

    /// From [`RowId::text`].
    #[must_use]
    pub fn from_text(text: String) -> Self {
        match text.strip_prefix(INTENT) {
            Some(key) => Self::Intent(key.to_owned()),
            None => Self::Known(text),
        }
    }
}

// === impl UserRowKey ===

impl UserRowKey {
    /// Of a user of an account.
    #[must_use]
    pub fn new(account: &str, id: RowId) -> Self {
        let account = account.to_owned();
        Self { account, id }
    }
}

// === impl GroupRowKey ===

impl GroupRowKey {
    /// Of a group in a scope of an account.
    #[must_use]
    pub fn new(account: &str, scope: &str, id: RowId) -> Self {
        Self {
            account: account.to_owned(),
            scope: scope.to_owned(),
            id,
        }
    }
}

// === impl GroupRow ===

impl GroupRow {
    /// The group as a rule sees it: its id is not known where another may have the one that its name
    /// gives.
    #[must_use]
    pub fn seen(&self) -> Group {
        let mut group = self.group.clone();
        if group.id.is_none() && self.taken {
            group.derived_id = None;
        }
        group
    }
}

// === impl MembershipRow ===

impl MembershipRow {
    /// The user is in, and nothing of that is open.
    pub const CONFIRMED: Self = Self {
        membership: Membership::Confirmed,
        token: None,
        opened: None,
    };
}

// === impl MembershipKey ===

impl MembershipKey {
    /// Of a user in a group.
    #[must_use]
    pub fn of(group: &GroupRowKey, user: &str) -> Self {
        Self {
            account: group.account.clone(),
            scope: group.scope.clone(),
            group: group.id.clone(),
            user: user.to_owned(),
        }
    }

    /// Of this group.
    #[must_use]
    pub fn is_of(&self, group: &GroupRowKey) -> bool {
        (&self.account, &self.scope, &self.group) == (&group.account, &group.scope, &group.id)
    }
}

// === impl Rows ===

impl Rows {
    /// The memberships of a group, in the order of its users.
    pub fn members<'r>(
        &'r self,
        group: &'r GroupRowKey,
    ) -> impl Iterator<Item = (&'r MembershipKey, &'r MembershipRow)> {
        let first = MembershipKey::of(group, "");
        self.memberships
            .range(first..)
            .take_while(|(key, _)| key.is_of(group))
    }
}

/// A user as a member of a group, as a rule sees it. Nobody is certainly in a group that is perhaps
/// deleted, nor in a native one whose members an answer did not list; a user who is perhaps deleted is
/// certainly in no group.
#[must_use]
pub fn seen_member(
    recorded: Option<Membership>,
    group: Option<&Group>,
    user: Option<User>,
    reference: String,
) -> Member {
    let may_be_deleted = group.is_some_and(|group| group.deletion_pending)
        || user.as_ref().is_some_and(|user| user.deletion_pending);
    let is_native = group.is_none_or(|group| group.managed_by.is_none());
    let state = recorded.map(|state| match state {
        Membership::Confirmed | Membership::Unconfirmed if may_be_deleted => Membership::Removing,
        Membership::Unconfirmed if is_native => Membership::Adding,
        state => state,
    });
    Member {
        reference,
        state,
        user,
    }
}
