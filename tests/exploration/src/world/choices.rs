//! What can happen next.

use super::{Event, Task, World};
use crate::calls::Call;
use crate::event::Fault;
use crate::leases::TaskId;

/// What a request waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Waits {
    Lease {
        is_free: bool,
    },
    Answer,
    Apply,
    Send {
        is_done: bool,
    },
    Read,
    /// The reply comes at once.
    Open,
}

impl World {
    /// What happens without faults: one event for each request that can continue.
    #[must_use]
    pub fn next(&self) -> Vec<Event> {
        let events = self
            .tasks
            .iter()
            .filter_map(|(id, task)| match self.waits(*id, task) {
                Waits::Lease { is_free: false } => None,
                Waits::Send { is_done: false } => Some(Event::Perform(*id)),
                _ => Some(Event::Step(*id)),
            });
        events.collect()
    }

    /// Whether anything is running.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        !self.tasks.is_empty()
    }

    /// Whether this task is running.
    #[must_use]
    pub fn runs(&self, id: TaskId) -> bool {
        self.tasks.contains_key(&id)
    }

    /// Whether the guard is settling.
    #[must_use]
    pub fn is_settling(&self) -> bool {
        self.tasks.values().any(|task| task.request.is_none())
    }

    /// Whether so much time can pass that a settling run asks about everything that is open. The guard
    /// waits for no answer that long, and the application does no write after it.
    #[must_use]
    pub fn can_wait(&self) -> bool {
        let is_sent = |(id, task): (&TaskId, &Task)| {
            self.waits(*id, task) == (Waits::Send { is_done: false })
        };
        self.late.is_empty() && !self.tasks.iter().any(is_sent)
    }

    /// Late writes: the application may still do them, although nobody waits for the answer.
    #[must_use]
    pub fn late(&self) -> Vec<Event> {
        self.late.keys().map(|id| Event::Late(*id)).collect()
    }

    /// The late writes after which the application has done no later write.
    #[must_use]
    pub fn late_in_order(&self) -> Vec<Event> {
        let ids = self.late.keys().filter(|id| !self.overtaken.contains(id));
        ids.map(|id| Event::Late(*id)).collect()
    }

    /// The faults that are possible now.
    #[must_use]
    pub fn faults(&self) -> Vec<Event> {
        let of_task = |id: &TaskId| {
            let id = *id;
            let faults = self.faults_of(id).into_iter();
            faults.map(move |fault| Event::Fault(id, fault))
        };
        let mut faults: Vec<Event> = self.tasks.keys().flat_map(of_task).collect();
        if !self.tasks.is_empty() {
            faults.push(Event::Kill);
        }
        faults
    }

    pub(super) fn faults_of(&self, id: TaskId) -> Vec<Fault> {
        let Some(task) = self.tasks.get(&id) else {
            return Vec::new();
        };
        let mut faults = match self.waits(id, task) {
            Waits::Lease { .. } => vec![Fault::Busy],
            Waits::Answer => vec![Fault::Unreadable],
            Waits::Apply => vec![Fault::CommitFails, Fault::CommitUnknown],
            Waits::Send { is_done: false } => vec![Fault::NotDone, Fault::Detached],
            Waits::Send { is_done: true } => vec![Fault::AnswerLost, Fault::AnswerWrong],
            Waits::Read => vec![Fault::NotRead],
            Waits::Open => Vec::new(),
        };
        let Some(request) = &task.request else {
            return faults;
        };
        if !task.marks.has_sent {
            faults.push(Fault::ClientGone);
        }
        if request.at_gateway {
            faults.push(Fault::GatewayDies);
            if !task.marks.has_expired {
                faults.push(Fault::Expired);
            }
        }
        faults
    }

    fn waits(&self, id: TaskId, task: &Task) -> Waits {
        match &*task.call {
            Call::Lease(names) => Waits::Lease {
                is_free: self.leases.is_free(id, names),
            },
            Call::Answer(_) => Waits::Answer,
            Call::Apply(_) => Waits::Apply,
            Call::Send(_) => Waits::Send {
                is_done: task.answer.is_some(),
            },
            Call::Read(_) => Waits::Read,
            Call::Open(_) => Waits::Open,
        }
    }
}
