//! The leases and their holders.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use scimguard_knowledge::{Busy, LeaseKey};

use super::calls::{Call, Desk, Reply};

/// Identifies a request or a settling run.
pub type TaskId = u32;

/// All leases of a process.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct LeaseTable(BTreeMap<LeaseKey, TaskId>);

/// Holds leases until it is dropped.
pub(crate) struct LeaseGuard(Arc<Desk>);

/// Access to the leases for the code of one request.
pub(crate) struct Reached(pub(crate) Arc<Desk>);

impl LeaseTable {
    /// Takes free names in order, up to the first that another task holds. Returns whether all are
    /// held.
    pub(crate) fn take(&mut self, task: TaskId, names: &BTreeSet<LeaseKey>) -> bool {
        names.iter().all(|name| match self.0.get(name) {
            Some(holder) => *holder == task,
            None => {
                self.0.insert(name.clone(), task);
                true
            }
        })
    }

    /// Whether the next name that the task waits for is free.
    pub(crate) fn is_free(&self, task: TaskId, names: &BTreeSet<LeaseKey>) -> bool {
        let mut holders = names.iter().map(|name| self.0.get(name));
        match holders.find(|holder| *holder != Some(&task)) {
            Some(next) => next.is_none(),
            None => true,
        }
    }

    /// Releases the leases of a task.
    pub(crate) fn release(&mut self, task: TaskId) {
        self.0.retain(|_, holder| *holder != task);
    }

    /// Releases all leases, as the death of the process does.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Whether no lease is held.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All leases with their holders, as text.
    pub(crate) fn shown(&self) -> String {
        format!("{:?}", self.0)
    }
}

impl Drop for LeaseGuard {
    fn drop(&mut self) {
        self.0.release();
    }
}

impl scimguard_knowledge::Leases for Reached {
    type Guard = LeaseGuard;

    async fn acquire(&self, names: &BTreeSet<LeaseKey>) -> Result<LeaseGuard, Busy> {
        match self.0.ask(Call::Lease(names.clone())).await {
            Reply::Leased => Ok(LeaseGuard(Arc::clone(&self.0))),
            _ => {
                self.0.release();
                Err(Busy)
            }
        }
    }
}
