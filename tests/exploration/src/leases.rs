//! Who holds which lease.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use scimguard_knowledge::{Busy, LeaseKey};

use super::calls::{Call, Desk, Reply};

/// Identifies what runs: a request, or a round of settling.
pub type TaskId = u32;

/// All leases of a process.
#[derive(Clone, Default)]
pub(crate) struct LeaseTable(Arc<Mutex<BTreeMap<LeaseKey, TaskId>>>);

/// Holds leases until it is dropped.
pub(crate) struct LeaseGuard {
    leases: LeaseTable,
    task: TaskId,
}

/// The leases, as one request's code reaches them.
pub(crate) struct Reached {
    /// All of them.
    pub(crate) leases: LeaseTable,
    /// Whose they become.
    pub(crate) task: TaskId,
    /// Where the code waits.
    pub(crate) desk: Arc<Desk>,
}

impl LeaseTable {
    /// Takes free names in their order, up to the first that another has. Returns whether all are held.
    pub(crate) fn take(&self, task: TaskId, names: &BTreeSet<LeaseKey>) -> bool {
        let mut held = self.lock();
        names
            .iter()
            .all(|name| *held.entry(name.clone()).or_insert(task) == task)
    }

    /// Whether the next name that the task waits for is free.
    pub(crate) fn is_free(&self, task: TaskId, names: &BTreeSet<LeaseKey>) -> bool {
        let held = self.lock();
        let holder = names.iter().map(|name| held.get(name));
        match holder.into_iter().find(|holder| *holder != Some(&task)) {
            Some(next) => next.is_none(),
            None => true,
        }
    }

    /// Releases what a task holds.
    pub(crate) fn release(&self, task: TaskId) {
        self.lock().retain(|_, holder| *holder != task);
    }

    /// Releases what everybody holds, as at the death of the process.
    pub(crate) fn clear(&self) {
        self.lock().clear();
    }

    /// Whether nobody holds any.
    pub(crate) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// All leases with their holders, as text.
    pub(crate) fn shown(&self) -> String {
        format!("{:?}", self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<LeaseKey, TaskId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for LeaseGuard {
    fn drop(&mut self) {
        self.leases.release(self.task);
    }
}

impl scimguard_knowledge::Leases for Reached {
    type Guard = LeaseGuard;

    async fn acquire(&self, names: &BTreeSet<LeaseKey>) -> Result<LeaseGuard, Busy> {
        match self.desk.ask(Call::Lease(names.clone())).await {
            Reply::Leased => Ok(LeaseGuard {
                leases: self.leases.clone(),
                task: self.task,
            }),
            _ => {
                self.leases.release(self.task);
                Err(Busy)
            }
        }
    }
}
