//! One membership: how certain it becomes, and which retries it needs.

use super::{Presence, RowChange, Selection};
use crate::facts::{GroupRowKey, Membership, MembershipKey, MembershipRow, RetryRow, RowId, Rows};
use crate::record::{FailedChange, MemberRecord};

/// The user may be in from now on, and no retry is needed.
pub(super) fn adding(now: u64) -> MembershipRow {
    MembershipRow {
        membership: Membership::Adding,
        token: None,
        opened: Some(now),
    }
}

/// Users who were in a group of this key before may be out.
pub(super) fn doubt(group: GroupRowKey, now: u64) -> RowChange<'static> {
    RowChange::ReplaceMembers {
        group,
        row: adding(now),
        replaced: &[Membership::Confirmed, Membership::Unconfirmed],
    }
}

pub(super) fn key(member: &MemberRecord) -> MembershipKey {
    let group = GroupRowKey::new(&member.account, &member.scope, RowId::known(&member.group));
    MembershipKey::of(&group, &member.user)
}

pub(super) fn failed_key(change: &FailedChange) -> MembershipKey {
    let group = GroupRowKey::new(&change.account, &change.scope, RowId::known(&change.group));
    MembershipKey::of(&group, &change.user)
}

pub(super) fn set(member: &MemberRecord, rows: &Rows, now: u64) -> Vec<RowChange<'static>> {
    let key = key(member);
    let recorded = rows.memberships.get(&key);
    let row = match member.state {
        None => None,
        // The user stays in until the removal is certain.
        Some(Membership::Removing) if recorded.is_none() => None,
        Some(Membership::Confirmed) => Some(MembershipRow::CONFIRMED),
        Some(membership) => Some(MembershipRow {
            membership,
            token: member.by.clone(),
            opened: Some(now),
        }),
    };
    let mut changes = become_row(&key, recorded, row);
    // An open change makes a retry of the opposite obsolete; one with an outcome makes every retry
    // obsolete.
    let is_open = member.is_pending() && member.by.is_some();
    let is_outdated = |retry: &RetryRow| !is_open || retry.present != member.puts_in();
    if rows.retries.get(&key).is_some_and(is_outdated) {
        changes.push(RowChange::DeleteRetries(Selection::One(key)));
    }
    changes
}

/// Does not rewrite a row that is already right.
fn become_row(
    key: &MembershipKey,
    recorded: Option<&MembershipRow>,
    row: Option<MembershipRow>,
) -> Vec<RowChange<'static>> {
    let change = match row {
        _ if recorded == row.as_ref() => None,
        Some(row) => Some(RowChange::PutMembership(key.clone(), row)),
        None => Some(RowChange::DeleteMemberships(Selection::One(key.clone()))),
    };
    Vec::from_iter(change)
}

/// Records a change that failed, or failed again.
pub(super) fn fail(change: &FailedChange, rows: &Rows) -> Vec<RowChange<'static>> {
    let key = failed_key(change);
    let before = rows.retries.get(&key);
    let same = before.filter(|retry| retry.present == change.present);
    let row = RetryRow {
        present: change.present,
        status: change.status,
        first_seen: same.map_or(change.at, |retry| retry.first_seen),
        last_tried: change.at,
        attempts: same.map_or(1, |retry| retry.attempts.saturating_add(1)),
        token: change.by.clone(),
        asked: None,
    };
    vec![RowChange::PutRetry(key, row)]
}

pub(super) fn settle(
    key: &MembershipKey,
    found: Presence,
    rows: &Rows,
    now: u64,
) -> Vec<RowChange<'static>> {
    let open = rows.memberships.get(key);
    let open = open.filter(|row| row.membership != Membership::Confirmed);
    let mut changes = match found {
        Presence::In => become_row(key, open, open.map(|_| MembershipRow::CONFIRMED)),
        Presence::Out => become_row(key, open, None),
    };
    let retry = rows.retries.get(key);
    let is_done = |retry: &RetryRow| retry.present == (found == Presence::In);
    let not_done = open.filter(|row| asked(row.membership).is_some_and(|asked| asked != found));
    if let Some(row) = not_done
        && let Some(token) = &row.token
        && retry.is_none_or(is_done)
    {
        let since = row.opened.unwrap_or(now);
        let retry = RetryRow {
            present: found == Presence::Out,
            status: None,
            first_seen: since,
            last_tried: since,
            attempts: 1,
            token: token.clone(),
            asked: None,
        };
        changes.push(RowChange::PutRetry(key.clone(), retry));
    } else if retry.is_some_and(is_done) {
        changes.push(RowChange::DeleteRetries(Selection::One(key.clone())));
    }
    changes
}

/// Drops the retry of a change; if the change is still open, its failure will not be retried
/// either.
pub(super) fn drop_retry(
    key: &MembershipKey,
    wanted: Presence,
    rows: &Rows,
) -> Vec<RowChange<'static>> {
    let mut changes = Vec::new();
    let retry = rows.retries.get(key);
    if retry.is_some_and(|retry| retry.present == (wanted == Presence::In)) {
        changes.push(RowChange::DeleteRetries(Selection::One(key.clone())));
    }
    if let Some(row) = rows.memberships.get(key)
        && row.token.is_some()
        && asked(row.membership) == Some(wanted)
    {
        let row = MembershipRow {
            token: None,
            ..row.clone()
        };
        changes.push(RowChange::PutMembership(key.clone(), row));
    }
    changes
}

/// The result that an open change asks for.
fn asked(membership: Membership) -> Option<Presence> {
    match membership {
        Membership::Adding => Some(Presence::In),
        Membership::Removing => Some(Presence::Out),
        Membership::Confirmed | Membership::Unconfirmed => None,
    }
}
