//! Applies transitions to the record in memory.

use std::collections::BTreeMap;

use super::Record;
use super::transition::{RowChange, Selection, Transition};
use crate::facts::{MembershipKey, Rows, Table};

impl Table {
    /// Applies one change of the record. No rule reads when a state became uncertain, or what must
    /// be retried.
    pub fn apply(&mut self, record: &Record) {
        if !matches!(record, Record::Failed(_)) {
            self.rows.apply(&record.into(), 0);
        }
    }
}

impl Rows {
    /// Applies one transition. `now` is in milliseconds since 1970.
    pub fn apply(&mut self, transition: &Transition<'_>, now: u64) {
        for change in transition.changes(self, now) {
            self.keep(change);
        }
    }

    fn keep(&mut self, change: RowChange<'_>) {
        match change {
            RowChange::PutUser(key, row) => {
                self.users.insert(key, row);
            }
            RowChange::DeleteUser(key) => {
                self.users.remove(&key);
            }
            RowChange::PutGroup(key, row) => {
                self.groups.insert(key, row);
            }
            RowChange::DeleteGroup(key) => {
                self.groups.remove(&key);
            }
            RowChange::PutMembership(key, row) => {
                self.memberships.insert(key, row);
            }
            RowChange::PutRetry(key, row) => {
                self.retries.insert(key, row);
            }
            RowChange::DeleteMemberships(selection) => delete(&mut self.memberships, &selection),
            RowChange::DeleteRetries(selection) => delete(&mut self.retries, &selection),
            RowChange::PutMembers {
                group,
                users,
                row,
                replaced,
            } => {
                for user in users {
                    let recorded = self.memberships.entry(MembershipKey::of(&group, user));
                    recorded
                        .and_modify(|recorded| {
                            if replaced.contains(&recorded.membership) {
                                *recorded = row.clone();
                            }
                        })
                        .or_insert_with(|| row.clone());
                }
            }
            RowChange::ReplaceMembers {
                group,
                row,
                replaced,
            } => {
                for (key, recorded) in &mut self.memberships {
                    if key.is_of(&group) && replaced.contains(&recorded.membership) {
                        *recorded = row.clone();
                    }
                }
            }
            RowChange::CopyMembers { from, to } => {
                let copies: Vec<_> = self
                    .members(&from)
                    .map(|(key, row)| (MembershipKey::of(&to, &key.user), row.clone()))
                    .collect();
                self.memberships.extend(copies);
            }
        }
    }
}

fn delete<Row>(rows: &mut BTreeMap<MembershipKey, Row>, selection: &Selection<'_>) {
    match selection {
        Selection::One(key) => {
            rows.remove(key);
        }
        Selection::Members(group, users) => {
            for user in *users {
                rows.remove(&MembershipKey::of(group, user));
            }
        }
        Selection::Group(group) => rows.retain(|key, _| !key.is_of(group)),
        Selection::User(account, user) => {
            rows.retain(|key, _| key.account != *account || key.user != *user);
        }
    }
}
