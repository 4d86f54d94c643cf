//! The meaning of a [`Record`]: which rows of the record it reads, and what changes. Every store
//! loads the rows of [`Transition::reads`], asks for [`Transition::changes`] and stores them in
//! order before the next transition reads. No store decides anything itself.

mod creates;
mod members;

use super::{IntentKey, MembersRecord, Record, Settled};
use crate::facts::{
    Group, GroupRow, GroupRowKey, Membership, MembershipKey, MembershipRow, ResourceKind, RetryRow,
    RowId, Rows, User, UserRow, UserRowKey,
};

/// One step of the record.
#[derive(Clone, Debug)]
pub enum Transition<'a> {
    /// What the policy has recorded.
    Record(&'a Record),
    /// All attempts of a create are over. They made the resource of this id, or none.
    Conclude(&'a IntentKey, Option<&'a str>),
    /// The rest of a resource of the account is unknown: the backend is asked for it by its id.
    Reopen(ResourceKind, &'a str, &'a str),
    /// Users who were in a group of this key may be out: it may be another group now.
    DoubtMembers(GroupRowKey),
    /// The backend says whether the user of an open membership is in. If a change of the provider
    /// was not done, it must be retried.
    SettleMember(&'a MembershipKey, Presence),
    /// A change of this membership needs no retry any more: it was done, or is not wanted.
    DropRetry(&'a MembershipKey, Presence),
}

/// Whether a user is in a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// In.
    In,
    /// Out.
    Out,
}

/// The rows that a transition depends on, all of one kind and account, so that one statement loads
/// them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reads {
    /// None.
    Nothing,
    /// These users of an account.
    Users(String, Vec<RowId>),
    /// These groups of the account itself, in no scope.
    Groups(String, Vec<RowId>),
    /// A membership, and its retry.
    Membership(MembershipKey),
}

/// One change of the rows. Sets may be large, so each is changed in one go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowChange<'a> {
    /// Insert or replace.
    PutUser(UserRowKey, UserRow),
    /// Deletes the row alone.
    DeleteUser(UserRowKey),
    /// Insert or replace.
    PutGroup(GroupRowKey, GroupRow),
    /// Deletes the row alone.
    DeleteGroup(GroupRowKey),
    /// Insert or replace.
    PutMembership(MembershipKey, MembershipRow),
    /// Insert or replace.
    PutRetry(MembershipKey, RetryRow),
    /// Deletes all memberships of the selection.
    DeleteMemberships(Selection<'a>),
    /// Deletes all retries of the selection.
    DeleteRetries(Selection<'a>),
    /// Makes these users members with this row. A recorded membership is replaced if its state is
    /// one of `replaced`, and stays otherwise.
    PutMembers {
        /// The group.
        group: GroupRowKey,
        /// The users' ids.
        users: &'a [String],
        /// The row of each.
        row: MembershipRow,
        /// The states that it replaces.
        replaced: &'static [Membership],
    },
    /// Changes all memberships of the group with a state in `replaced` to this row.
    ReplaceMembers {
        /// The group.
        group: GroupRowKey,
        /// The row of each.
        row: MembershipRow,
        /// The states that it replaces.
        replaced: &'static [Membership],
    },
    /// Copies the memberships of one group to another.
    CopyMembers {
        /// The source.
        from: GroupRowKey,
        /// The destination.
        to: GroupRowKey,
    },
}

/// A set of memberships.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection<'a> {
    /// This one.
    One(MembershipKey),
    /// The memberships of these users in a group.
    Members(GroupRowKey, &'a [String]),
    /// All memberships of a group.
    Group(GroupRowKey),
    /// All memberships of a user of an account, in every scope.
    User(&'a str, &'a str),
}

impl<'a> From<&'a Record> for Transition<'a> {
    fn from(record: &'a Record) -> Self {
        Self::Record(record)
    }
}

// === impl Transition ===

impl<'a> Transition<'a> {
    /// The rows to read.
    #[must_use]
    pub fn reads(&self) -> Reads {
        match self {
            Self::Record(Record::Intent(intent)) => creates::reads_of_intent(intent),
            Self::Record(Record::Settle(Settled { intent, id })) => {
                creates::reads(intent, Some(id))
            }
            Self::Record(Record::Withdraw(intent)) => creates::reads(intent, None),
            Self::Conclude(intent, id) => creates::reads(intent, *id),
            Self::Reopen(ResourceKind::User, account, id) => {
                Reads::Users((*account).to_owned(), vec![RowId::known(id)])
            }
            Self::Reopen(ResourceKind::Group, account, id) => {
                Reads::Groups((*account).to_owned(), vec![RowId::known(id)])
            }
            Self::Record(Record::Member(member)) => Reads::Membership(members::key(member)),
            Self::Record(Record::Failed(change)) => Reads::Membership(members::failed_key(change)),
            Self::SettleMember(key, _) | Self::DropRetry(key, _) => {
                Reads::Membership((*key).clone())
            }
            Self::Record(
                Record::User(_)
                | Record::Group(_)
                | Record::Members(_)
                | Record::RemoveUser(_)
                | Record::RemoveGroup(_),
            )
            | Self::DoubtMembers(_) => Reads::Nothing,
        }
    }

    /// The changes, given the rows that were asked for. `now` is in milliseconds since 1970.
    #[must_use]
    pub fn changes(&self, rows: &Rows, now: u64) -> Vec<RowChange<'a>> {
        match self {
            Self::Record(record) => of_record(record, rows, now),
            Self::Conclude(intent, id) => creates::conclude(intent, *id, rows, now),
            Self::Reopen(kind, account, id) => reopen(*kind, account, id, rows),
            Self::DoubtMembers(group) => vec![members::doubt(group.clone(), now)],
            Self::SettleMember(key, found) => members::settle(key, *found, rows, now),
            Self::DropRetry(key, wanted) => members::drop_retry(key, *wanted, rows),
        }
    }
}

fn of_record<'a>(record: &'a Record, rows: &Rows, now: u64) -> Vec<RowChange<'a>> {
    match record {
        Record::Intent(intent) => creates::intend(intent, rows, now),
        Record::Settle(Settled { intent, id }) => creates::settle(intent, id, rows, now),
        Record::Withdraw(intent) => creates::withdraw(intent, rows),
        Record::User(user) => put_user(user, now),
        Record::Group(group) => put_group(group, now),
        Record::Member(member) => members::set(member, rows, now),
        Record::Members(all) => put_members(all),
        Record::Failed(change) => members::fail(change, rows),
        Record::RemoveUser(key) => {
            let user = UserRowKey::new(&key.account, RowId::known(&key.id));
            vec![
                RowChange::DeleteMemberships(Selection::User(&key.account, &key.id)),
                RowChange::DeleteRetries(Selection::User(&key.account, &key.id)),
                RowChange::DeleteUser(user),
            ]
        }
        Record::RemoveGroup(key) => {
            let group = GroupRowKey::new(&key.account, &key.scope, RowId::known(&key.id));
            vec![
                RowChange::DeleteMemberships(Selection::Group(group.clone())),
                RowChange::DeleteRetries(Selection::Group(group.clone())),
                RowChange::DeleteGroup(group),
            ]
        }
    }
}

/// A user without an id is one whose create was answered, before it is settled.
fn put_user(user: &User, now: u64) -> Vec<RowChange<'static>> {
    let Some(id) = &user.id else {
        return vec![creates::answered(user)];
    };
    let key = UserRowKey::new(&user.account, RowId::known(id));
    let row = UserRow {
        opened: user.write_pending.then_some(now),
        user: User {
            in_managed_group: false,
            ..user.clone()
        },
    };
    vec![RowChange::PutUser(key, row)]
}

/// A group without an id would be an intent, which has a record of its own.
fn put_group(group: &Group, now: u64) -> Vec<RowChange<'static>> {
    let Some(id) = &group.id else {
        return Vec::new();
    };
    let key = GroupRowKey::new(&group.account, &group.scope, RowId::known(id));
    let row = GroupRow {
        opened: group.write_pending.then_some(now),
        group: group.clone(),
        ..GroupRow::default()
    };
    vec![RowChange::PutGroup(key, row)]
}

/// A group may have very many members: only new ones are written.
fn put_members(all: &MembersRecord) -> Vec<RowChange<'_>> {
    let group = GroupRowKey::new(&all.account, &all.scope, RowId::known(&all.group));
    vec![
        RowChange::PutMembers {
            group: group.clone(),
            users: &all.users,
            row: MembershipRow::CONFIRMED,
            replaced: &[
                Membership::Unconfirmed,
                Membership::Adding,
                Membership::Removing,
            ],
        },
        RowChange::DeleteRetries(Selection::Members(group, &all.users)),
    ]
}

/// Keeps the time since when a row is open; a row that was not open is due at once.
fn reopen(kind: ResourceKind, account: &str, id: &str, rows: &Rows) -> Vec<RowChange<'static>> {
    let id = RowId::known(id);
    let change = match kind {
        ResourceKind::User => {
            let key = UserRowKey::new(account, id);
            rows.users.get(&key).cloned().map(|mut row| {
                row.user.write_pending = true;
                row.opened.get_or_insert(0);
                RowChange::PutUser(key, row)
            })
        }
        ResourceKind::Group => {
            let key = GroupRowKey::new(account, "", id);
            rows.groups.get(&key).cloned().map(|mut row| {
                row.group.write_pending = true;
                row.opened.get_or_insert(0);
                RowChange::PutGroup(key, row)
            })
        }
    };
    Vec::from_iter(change)
}
