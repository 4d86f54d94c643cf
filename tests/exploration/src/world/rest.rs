//! Running a world until it is quiet, and what must hold then.

use std::collections::BTreeSet;

use scimguard_core::facts::{Membership, RowId, Rows};
use scimguard_tests::model::{self, Id};
use scimguard_tests::oracle::{self, Intended, Known, Record};

use super::happening::is_definite;
use super::{Event, World};
use crate::event::Request;
use crate::leases::TaskId;

/// How many events one request or one settling run may take.
const LONGEST: usize = 2_000;

/// How often a request that was answered with "later" is repeated.
const ATTEMPTS: usize = 5;

/// Settling runs after which nothing is left to settle: a resource may be missing twice, then its
/// members.
const ROUNDS: usize = 5;

impl World {
    /// Runs all tasks to their end and settles open outcomes. Then the record must equal the
    /// application's state, and no lease may be held. When it is repeated, every request of the
    /// provider without a definite answer must succeed or be refused for good.
    pub fn rest(&mut self, next: &mut TaskId) {
        self.finish();
        self.late.clear();
        self.settle(next);
        self.check_record();
        let unanswered = std::mem::take(&mut self.unanswered);
        for request in unanswered {
            self.repeat(&request, next);
        }
        if self.wrong.is_none() {
            self.settle(next);
            self.check_record();
        }
    }

    /// Runs all tasks to their end without faults, and returns the events.
    pub fn finish(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        let limit = LONGEST * (1 + self.tasks.len());
        for _ in 0..limit {
            if self.wrong.is_some() {
                return events;
            }
            let next = self.next();
            match next.into_iter().next() {
                Some(event) => {
                    self.happen(&event);
                    events.push(event);
                }
                None if self.tasks.is_empty() => return events,
                None => {
                    let waits = self
                        .tasks
                        .iter()
                        .map(|(id, task)| format!("{id} waits for {:?}", task.call));
                    let waits: Vec<String> = waits.collect();
                    let leases = self.leases.shown();
                    let waits = waits.join(", ");
                    self.fails(format!("nothing can go on any more: {waits}; {leases}"));
                    return events;
                }
            }
        }
        self.fails("it never ends".to_owned());
        events
    }

    fn settle(&mut self, next: &mut TaskId) {
        for _ in 0..ROUNDS {
            self.happen(&Event::Wait);
            self.happen(&Event::Settle(*next));
            *next += 1;
            self.finish();
        }
        self.ended.clear();
    }

    fn repeat(&mut self, request: &Request, next: &mut TaskId) {
        for _ in 0..ATTEMPTS {
            if self.wrong.is_some() {
                return;
            }
            let id = *next;
            *next += 1;
            self.happen(&Event::Begin(id, request.clone()));
            self.finish();
            let ended = self.take_ended();
            let mut statuses = ended.iter().filter(|(ended, _)| *ended == id);
            let status = statuses.find_map(|(_, ended)| ended.as_ref().map(|ended| ended.status));
            if status.is_some_and(is_definite) {
                return;
            }
            self.settle(next);
        }
        self.unanswered.clear();
        self.fails(format!(
            "however often it is repeated, it has no definite answer: {} {} {}",
            request.method, request.path, request.body
        ));
    }

    fn check_record(&mut self) {
        if self.wrong.is_some() {
            return;
        }
        self.unanswered.clear();
        if !self.leases.is_empty() {
            let leases = self.leases.shown();
            return self.fails(format!("leases are held by nobody: {leases}"));
        }
        let mut record = recorded(self.record.rows());
        // Their creates were answered later.
        record.users.retain(|id, _| !self.vanished.contains(id));
        if !record.is_settled(&self.truth) {
            return self.fails(format!("it does not settle: {record:?}"));
        }
        let mut truth = (*self.truth).clone();
        oracle::grant_claims(&mut truth, &self.claimed, &record);
        record.users.retain(|id, _| !self.met.contains(id));
        truth.users.retain(|id, _| !self.met.contains(id));
        // A user that disappeared unobserved is on record as deactivated.
        let differences = record.differences(&truth, true);
        if !differences.is_empty() {
            let differences = differences.join("; ");
            self.fails(format!(
                "the record is not what the application has: {differences}"
            ));
        }
    }
}

/// The record, in the form in which it is compared.
fn recorded(rows: &Rows) -> Record {
    let mut record = Record::default();
    for (key, row) in &rows.users {
        let user = &row.user;
        let id: Id = key.id.text().into_owned();
        if key.id.as_known().is_none() || user.write_pending || user.deletion_pending {
            record.open.push(format!("user {}", user.user_name));
        }
        if user.managed_by.is_some() {
            let known = Known {
                mail: user.user_name.clone(),
                name: user.display_name.clone(),
                active: user.active,
            };
            record.users.insert(id, known);
        }
    }
    for (key, row) in &rows.groups {
        let group = &row.group;
        let name = group.display_name.clone().unwrap_or_default();
        let members: BTreeSet<Id> = rows.members(key).map(|(key, _)| key.user.clone()).collect();
        match &key.id {
            RowId::Intent(_) => record.intended.push(Intended {
                name,
                id: group.derived_id.clone().unwrap_or_default(),
                taken: row.taken,
                members,
            }),
            RowId::Known(id) => {
                let is_open = group.write_pending || group.deletion_pending;
                if is_open && group.managed_by.is_some() {
                    record.open.push(format!("group {id}"));
                }
                if group.managed_by.is_some() {
                    let known = model::Group {
                        name,
                        managed: true,
                        members,
                    };
                    record.groups.insert(id.clone(), known);
                }
            }
        }
    }
    for (key, row) in &rows.memberships {
        if row.membership != Membership::Confirmed
            && let Some(group) = key.group.as_known()
        {
            record
                .open_members
                .push((group.to_owned(), key.user.clone()));
        }
    }
    record
}
