//! How an event changes the world.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use scimguard_core::BackendOutcome;
use scimguard_core::facts::{RowId, UserRowKey};
use scimguard_core::message::{AnswerBody, BackendAnswer};
use scimguard_exchange::{Incoming, Outgoing, Send};
use scimguard_knowledge::Read;
use scimguard_tests::acts::reading;
use scimguard_tests::fixtures::{ACCOUNT, HARNESS_BASE};
use scimguard_tests::model::Actor;
use scimguard_tests::oracle;
use serde_json::Value;

use super::{Event, Late, OPERATOR, PROVIDER, Task, Work, World, Written};
use crate::calls::{Call, Desk, Reply};
use crate::event::Request;
use crate::guard::AFTER;
use crate::leases::TaskId;

impl World {
    /// Lets an event happen. One that cannot happen now does not.
    pub fn happen(&mut self, event: &Event) {
        match event {
            Event::Begin(id, request) => match self.application.has_named(request) {
                true => self.begin(*id, request),
                // Nobody guesses an id.
                false => self.ended.push((*id, None)),
            },
            Event::Settle(id) => {
                let desk = Arc::new(Desk::default());
                let work = Arc::clone(&self.guard).settle(*id, Arc::clone(&desk), self.now);
                self.tell(|| format!("{id}: the guard settles"));
                self.start(*id, None, desk, Work::Settling(Box::pin(work)));
            }
            Event::Step(id) => {
                if let Some(reply) = self.reply(*id) {
                    self.resume(*id, reply);
                }
            }
            Event::Perform(id) => self.perform(*id),
            Event::Fault(id, fault) => self.go_wrong(*id, *fault),
            Event::Late(id) => {
                if let Some(Late { actor, send }) = self.late.remove(id) {
                    self.tell(|| format!("{id}: the application does it late"));
                    self.surprises += u32::from(actor == Actor::Provisioner);
                    self.act(actor, &send);
                }
            }
            Event::Kill => self.kill(),
            Event::Wait => {
                if self.late.is_empty() {
                    self.tell(|| "time passes".to_owned());
                    self.now += 2 * u64::try_from(AFTER.as_millis()).unwrap_or_default();
                }
            }
        }
    }

    fn begin(&mut self, id: TaskId, request: &Request) {
        let desk = Arc::new(Desk::default());
        let body = match &request.body {
            Value::Null => Vec::new(),
            body => body.to_string().into_bytes(),
        };
        let is_scim = request.path.starts_with(HARNESS_BASE);
        let token = match request.by_provider {
            true => PROVIDER,
            false => OPERATOR,
        };
        let mut headers = vec![(
            "content-type".to_owned(),
            match is_scim {
                true => b"application/scim+json".to_vec(),
                false => b"application/json".to_vec(),
            },
        )];
        if is_scim {
            let value = format!("Bearer {token}").into_bytes();
            headers.push(("authorization".to_owned(), value));
        }
        let incoming = Incoming {
            method: request.method.clone(),
            path: request.path.clone(),
            authority: Some(b"guard.example.com".to_vec()),
            headers,
        };
        if request.by_provider {
            self.claim(request);
        }
        self.tell(|| {
            let Request {
                method, path, body, ..
            } = request;
            let by = if request.by_provider {
                "the provider"
            } else {
                "an operator"
            };
            let at = if request.at_gateway {
                ", at a gateway"
            } else {
                ""
            };
            format!("{id}: {by}{at}: {method} {path} {body}")
        });
        let guard = Arc::clone(&self.guard);
        let work = guard.answer(id, Arc::clone(&desk), incoming, body, self.now);
        self.start(
            id,
            Some(request.clone()),
            desk,
            Work::Request(Box::pin(work)),
        )
    }

    /// Notes whom the provider means to create or to write.
    fn claim(&mut self, request: &Request) {
        let Some(rest) = request.path.strip_prefix(HARNESS_BASE) else {
            return;
        };
        let user = match (request.method.as_str(), rest.strip_prefix("/Users")) {
            ("GET" | "DELETE", _) | (_, None) => None,
            (_, Some("")) => request.body["userName"].as_str(),
            (_, Some(path)) => path.strip_prefix('/'),
        };
        self.claimed.extend(user.map(str::to_lowercase));
    }

    fn start(&mut self, id: TaskId, request: Option<Request>, desk: Arc<Desk>, work: Work) {
        let task = Task {
            request,
            desk,
            work,
            told: 0,
            answer: None,
            writes: Vec::new(),
            surprises: self.surprises,
        };
        self.tasks.insert(id, task);
        self.poll(id)
    }

    /// What the request waits for, if that can happen now.
    fn reply(&mut self, id: TaskId) -> Option<Reply> {
        let task = self.tasks.get_mut(&id)?;
        let desk = Arc::clone(&task.desk);
        if desk.waiting(|call| matches!(call, Call::Send(_)))? {
            let answer = task.answer.take()?;
            return Some(Reply::Outcome(BackendOutcome::Answered(answer)));
        }
        if let Some(names) = desk.waiting(|call| match call {
            Call::Lease(names) => Some(names.clone()),
            _ => None,
        })? {
            return self.leases.take(id, &names).then_some(Reply::Leased);
        }
        Some(match desk.take()? {
            Call::Answer(keys) => Reply::Answers(self.memory.table().answer_all(&keys)),
            Call::Apply(steps) => {
                self.tell(|| format!("{id}: the record gets {steps:?}"));
                self.memory.commit(&steps, self.now);
                Reply::Done
            }
            Call::Read(path) => {
                let answer = self.application.answer("GET", &path, b"");
                Reply::Got(Some(Read {
                    status: answer.status,
                    body: bytes(answer),
                }))
            }
            Call::Lease(_) | Call::Send(_) => return None,
        })
    }

    pub(super) fn resume(&mut self, id: TaskId, reply: Reply) {
        let Some(task) = self.tasks.get_mut(&id) else {
            return;
        };
        task.told = told(task.told, &reply);
        task.desk.reply(reply);
        self.poll(id)
    }

    fn poll(&mut self, id: TaskId) {
        let Some(task) = self.tasks.get_mut(&id) else {
            return;
        };
        let mut context = Context::from_waker(Waker::noop());
        let ended = match &mut task.work {
            Work::Request(work) => work.as_mut().poll(&mut context).map(Some),
            Work::Settling(work) => work.as_mut().poll(&mut context).map(|()| None),
        };
        match ended {
            Poll::Pending => self.judge_sent(id),
            Poll::Ready(ended) => {
                let Some(task) = self.tasks.remove(&id) else {
                    return;
                };
                self.leases.release(id);
                match (&task.request, &ended) {
                    (Some(request), Some(ended)) => {
                        self.tell(|| {
                            let rule = ended.rule.as_deref().unwrap_or_default();
                            format!("{id}: {} {rule}", ended.status)
                        });
                        self.check_answer(&task, request, ended);
                        let is_definite = is_definite(ended.status);
                        if request.by_provider && request.method != "GET" && !is_definite {
                            self.unanswered.push(request.clone());
                        }
                    }
                    _ => {
                        let mut hasher = DefaultHasher::new();
                        (self.settled, task.told).hash(&mut hasher);
                        self.settled = hasher.finish();
                    }
                }
                self.ended.push((id, ended));
            }
        }
    }

    /// The application does what a request asks.
    fn perform(&mut self, id: TaskId) {
        let Some(task) = self.tasks.get(&id) else {
            return;
        };
        let (Some(request), None) = (&task.request, &task.answer) else {
            return;
        };
        let actor = request.actor();
        let desk = Arc::clone(&task.desk);
        let is_fresh = task.surprises == self.surprises;
        let Some(send) = desk.take_sent() else {
            return;
        };
        if is_fresh {
            self.judge(actor, &send, "does");
        }
        let answer = self.act(actor, &send);
        let is_write = send.method != "GET";
        if let Some(task) = self.tasks.get_mut(&id) {
            if is_write && let Some(last) = task.writes.last_mut() {
                *last = match answer.status {
                    200..=299 => Written::Done,
                    _ => Written::Refused,
                };
            }
            task.answer = Some(answer);
        }
        desk.put_sent(send);
    }

    /// The application acts, and what it then has is seen.
    fn act(&mut self, actor: Actor, send: &Send) -> BackendAnswer {
        let body = match &send.body {
            Outgoing::Whole(bytes) => &bytes[..],
            _ => &[],
        };
        let answer = self.application.answer(&send.method, &send.path, body);
        self.tell(|| {
            format!(
                "   {actor:?} {} {} {}: {}",
                send.method,
                send.path,
                String::from_utf8_lossy(body),
                answer.status
            )
        });
        if send.method == "GET" {
            return answer;
        }
        if actor == Actor::Provisioner && (200..300).contains(&answer.status) {
            let shown: Value = match &answer.body {
                AnswerBody::Bytes(bytes) => serde_json::from_slice(bytes).unwrap_or_default(),
                _ => Value::Null,
            };
            let edit = reading::edit(&self.truth, &send.method, &send.path, body);
            let id = edit.and_then(|edit| oracle::provisioned(&edit, shown["id"].as_str()));
            match (id, send.path.contains("/Groups")) {
                (Some(id), true) => {
                    self.owned.groups.insert(id);
                }
                (Some(id), false) => self.surprises += u32::from(self.owned.users.insert(id)),
                (None, _) => {}
            }
        }
        self.note_deletion(send, &answer);
        self.see();
        self.check_owners();
        answer
    }

    /// Notes the deletion of a user whom the guard does not know by id at that moment: the answer to the
    /// create is still on its way.
    fn note_deletion(&mut self, send: &Send, answer: &BackendAnswer) {
        let (path, _) = send.path.split_once('?').unwrap_or((&send.path, ""));
        let id = path.rsplit('/').next().unwrap_or_default();
        let key = UserRowKey::new(ACCOUNT, RowId::known(id));
        let is_known = self.memory.table().rows().users.contains_key(&key)
            || self.application.users.contains_key(id);
        if send.method == "DELETE" && (200..300).contains(&answer.status) && !is_known {
            self.vanished.insert(id.to_owned());
        }
    }

    /// Sees what the application has.
    fn see(&mut self) {
        let Self {
            application, owned, ..
        } = self;
        owned.users.retain(|id| application.users.contains_key(id));
        owned
            .groups
            .retain(|id| application.groups.contains_key(id));
        self.truth = application.world(|id| owned.users.contains(id) || owned.groups.contains(id));
    }
}

/// Whether a client need not ask again.
pub(super) fn is_definite(status: u16) -> bool {
    status < 500 && !matches!(status, 408 | 425 | 429)
}

fn bytes(answer: BackendAnswer) -> Option<Vec<u8>> {
    match answer.body {
        AnswerBody::Bytes(bytes) => Some(bytes),
        _ => None,
    }
}

/// The hash of what a request was told before, and now.
fn told(before: u64, reply: &Reply) -> u64 {
    let mut hasher = DefaultHasher::new();
    before.hash(&mut hasher);
    match reply {
        Reply::Leased => 0_u8.hash(&mut hasher),
        Reply::Busy => 1_u8.hash(&mut hasher),
        Reply::Done => 2_u8.hash(&mut hasher),
        Reply::Failed => 3_u8.hash(&mut hasher),
        Reply::Answers(answers) => format!("{answers:?}").hash(&mut hasher),
        Reply::Outcome(outcome) => format!("{outcome:?}").hash(&mut hasher),
        Reply::Got(read) => {
            let read = read.as_ref().map(|read| (read.status, &read.body));
            read.hash(&mut hasher);
        }
    }
    hasher.finish()
}
