//! What each step makes of the rows: `transitions.rs` says what holds after any step, this what a step does.

mod given;
mod groups;
mod memberships;
mod settlement;
mod users;

use std::collections::BTreeSet;

use scimguard_core::facts::{
    Group, GroupRow, GroupRowKey, Membership, MembershipKey, MembershipRow, Origin, ResourceKind,
    RetryRow, RowId, Rows, Table, User, UserRow, UserRowKey,
};
use scimguard_core::record::settlement::{
    Step, settle_at_last, settle_by_name, settle_deletion, settle_members,
};
use scimguard_core::record::transition::Presence;
use scimguard_core::record::{
    FailedChange, Intent, IntentKey, MemberRecord, MembersRecord, Record, ResourceKey, Settled,
};

use Membership::{Adding, Confirmed, Removing, Unconfirmed};
use Presence::{In, Out};
use ResourceKind as Kind;

use given::*;

const ACCOUNT: &str = "ACC1";

/// When the step is made, in milliseconds since 1970.
const NOW: u64 = 7;

/// One row of the record.
#[derive(Clone)]
enum Row {
    User(UserRowKey, UserRow),
    Group(GroupRowKey, GroupRow),
    Member(MembershipKey, MembershipRow),
    Retry(MembershipKey, RetryRow),
}

fn rows<const N: usize>(all: [Row; N]) -> Rows {
    let mut rows = Rows::default();
    for row in all {
        match row {
            Row::User(key, row) => drop(rows.users.insert(key, row)),
            Row::Group(key, row) => drop(rows.groups.insert(key, row)),
            Row::Member(key, row) => drop(rows.memberships.insert(key, row)),
            Row::Retry(key, row) => drop(rows.retries.insert(key, row)),
        }
    }
    rows
}

#[track_caller]
fn step<const N: usize, const M: usize>(before: [Row; N], step: &Step, after: [Row; M]) {
    let mut record = rows(before);
    record.apply(&step.transition(), NOW);
    assert_eq!(record, rows(after), "after {step:?}");
}

/// What a step writes.
fn written<const N: usize>(before: [Row; N], step: &Step) -> usize {
    step.transition().changes(&rows(before), NOW).len()
}
