//! The faults of a request, and the death of the guard.

use std::sync::Arc;

use scimguard_core::BackendOutcome;
use scimguard_core::message::{AnswerBody, BackendAnswer};

use super::{Late, Task, World};
use crate::calls::{Call, Reply};
use crate::event::Fault;
use crate::guard::Guard;
use crate::leases::TaskId;

impl World {
    pub(super) fn go_wrong(&mut self, id: TaskId, fault: Fault) {
        if !self.faults_of(id).contains(&fault) {
            return;
        }
        self.tell(|| format!("{id}: fault: {fault:?}"));
        self.turn += 1;
        let Some(task) = self.tasks.get_mut(&id) else {
            return;
        };
        let call = Arc::clone(&task.call);
        let answered = |status| {
            BackendOutcome::Answered(BackendAnswer {
                status,
                headers: Vec::new(),
                body: AnswerBody::None,
            })
        };
        let reply = match fault {
            Fault::Busy => {
                self.leases.release(id);
                Reply::Busy
            }
            Fault::Unreadable | Fault::CommitFails => Reply::Failed,
            Fault::CommitUnknown => {
                if let Call::Apply(steps) = &*call
                    && let Err(error) = self.record.commit(steps, self.now)
                {
                    self.breaks(&error);
                }
                Reply::Failed
            }
            Fault::NotDone => Reply::Outcome(answered(503)),
            Fault::AnswerWrong => {
                task.answer = None;
                Reply::Outcome(answered(504))
            }
            Fault::AnswerLost => {
                task.answer = None;
                Reply::Outcome(BackendOutcome::Unanswered)
            }
            Fault::Detached => {
                self.detach(id);
                Reply::Outcome(BackendOutcome::Unanswered)
            }
            Fault::NotRead => Reply::Got(None),
            Fault::ClientGone => {
                self.leases.release(id);
                let task = self.tasks.remove(&id);
                self.forget(task);
                self.ended.push((id, None));
                return;
            }
            Fault::GatewayDies => {
                self.detach(id);
                let task = self.tasks.remove(&id);
                self.forget(task);
                // The facts service notices in time.
                self.leases.release(id);
                self.ended.push((id, None));
                return;
            }
            Fault::Expired => {
                self.leases.release(id);
                return self.expire(id);
            }
        };
        self.resume(id, reply)
    }

    /// The facts service has dropped a gateway's pass. What the gateway has sent may be overtaken now,
    /// so that its answer comes too late to count.
    fn expire(&mut self, id: TaskId) {
        let Some(task) = self.tasks.get_mut(&id) else {
            return;
        };
        task.marks.has_expired = true;
        let is_answered = task.answer.is_some();
        let reply = match &*task.call {
            Call::Read(_) => return,
            Call::Send(_) if is_answered => return,
            Call::Send(_) => {
                self.detach(id);
                Reply::Outcome(BackendOutcome::Unanswered)
            }
            _ => Reply::Failed,
        };
        self.resume(id, reply)
    }

    /// A request that was sent and not performed may be performed later.
    fn detach(&mut self, id: TaskId) {
        let Some(task) = self.tasks.get_mut(&id) else {
            return;
        };
        let (Some(request), None) = (&task.request, &task.answer) else {
            return;
        };
        let actor = request.actor();
        if let Call::Send(send) = &*task.call
            && send.method != "GET"
        {
            let late = Late {
                turn: self.turn,
                actor,
                call: Arc::clone(&task.call),
                deletes_unknown: task.deletes_unknown,
            };
            self.late.insert(id, late);
        }
    }

    /// The process dies. Gateways survive, but their passes are over.
    pub(super) fn kill(&mut self) {
        self.tell(|| "the guard dies and starts again".to_owned());
        self.turn += 1;
        let ids: Vec<TaskId> = self.tasks.keys().copied().collect();
        self.leases.clear();
        self.guard = Arc::new(Guard::start(&self.blueprint));
        self.settled = 0;
        for id in ids {
            let at_gateway = |task: &Task| task.request.as_ref().is_some_and(|it| it.at_gateway);
            match self.tasks.get_mut(&id) {
                Some(task) if at_gateway(task) => self.expire(id),
                _ => {
                    self.detach(id);
                    let task = self.tasks.remove(&id);
                    self.forget(task);
                    self.ended.push((id, None));
                }
            }
        }
    }

    /// Ends a request whose client gets no answer.
    fn forget(&mut self, task: Option<Task>) {
        if let Some(request) = task.and_then(|task| task.request)
            && request.by_provider
            && request.method != "GET"
        {
            self.unanswered.push(request);
        }
    }
}
