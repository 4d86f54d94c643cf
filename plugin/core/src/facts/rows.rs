//! The rows of the record as every store keeps them, in memory and in a database: users, groups,
//! memberships and retries, each with its key.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::{Group, Member, Membership, User};

/// Marks the text of an id that is not known yet. Ids with control characters are refused, so no
/// resource has such an id.
const INTENT: char = '\u{1}';

/// The key of a user's or group's row.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RowId {
    /// The key of an intent, while the id is unknown.
    Intent(String),
    /// The id that the backend assigned.
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

/// Identifies a membership and its retry. Sorted by group.
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
    /// When the open write started, in milliseconds since 1970.
    pub opened: Option<u64>,
}

/// The row of a group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupRow {
    /// What is known of the group.
    pub group: Group,
    /// For an intent: whether this group may have another id than the one derived from its name,
    /// because another group had that id when the create started, or an earlier attempt may have
    /// made one.
    pub taken: bool,
    /// How many attempts to create the group have no outcome, in addition to the first.
    pub repeated: u32,
    /// When the open write started, in milliseconds since 1970.
    pub opened: Option<u64>,
}

/// The row of a membership.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MembershipRow {
    /// How certain it is.
    pub membership: Membership,
    /// The id of the provider's token, while the provider's change is open.
    pub token: Option<String>,
    /// When it became open, in milliseconds since 1970.
    pub opened: Option<u64>,
}

/// The row of a provider's membership change that must be retried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryRow {
    /// Whether to add the user, or to remove them.
    pub present: bool,
    /// The backend's last HTTP status; `None`: no answer.
    pub status: Option<u16>,
    /// Milliseconds since 1970.
    pub first_seen: u64,
    /// Milliseconds since 1970.
    pub last_tried: u64,
    /// How often it was tried, including the first time.
    pub attempts: u32,
    /// The id of the provider's token.
    pub token: String,
    /// When an operator asked for a retry, in milliseconds since 1970.
    pub asked: Option<u64>,
}

/// Rows by their keys: a whole record, or the rows that a transition reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    /// Users.
    pub users: BTreeMap<UserRowKey, UserRow>,
    /// Groups.
    pub groups: BTreeMap<GroupRowKey, GroupRow>,
    /// Memberships.
    pub memberships: BTreeMap<MembershipKey, MembershipRow>,
    /// Retries.
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

    /// The id as one text, for a store with a single column for it.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Known(id) => Cow::Borrowed(id),
            Self::Intent(key) => Cow::Owned(format!("{INTENT}{key}")),
        }
    }

    /// The inverse of [`RowId::text`].
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
    /// The key of a user of an account.
    #[must_use]
    pub fn new(account: &str, id: RowId) -> Self {
        let account = account.to_owned();
        Self { account, id }
    }
}

// === impl GroupRowKey ===

impl GroupRowKey {
    /// The key of a group in a scope of an account.
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
    /// The group as a rule sees it: its id is unknown if another group may have the one derived
    /// from its name.
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
    /// The user is certainly in.
    pub const CONFIRMED: Self = Self {
        membership: Membership::Confirmed,
        token: None,
        opened: None,
    };
}

// === impl MembershipKey ===

impl MembershipKey {
    /// The key of a user's membership in a group.
    #[must_use]
    pub fn of(group: &GroupRowKey, user: &str) -> Self {
        Self {
            account: group.account.clone(),
            scope: group.scope.clone(),
            group: group.id.clone(),
            user: user.to_owned(),
        }
    }

    /// The key of its group.
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

/// A user as a member of a group, as a rule sees it. No membership is certain in a group that may
/// have been deleted, or in a native group whose members an answer did not list; a user who may
/// have been deleted is certainly in no group. Anyone may be in a provider's group whose members
/// are unknown.
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
    let is_unknown = !is_native && group.is_some_and(|group| !group.members_known);
    let recorded = recorded.or(is_unknown.then_some(Membership::Adding));
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
