//! The effects of events on the world.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use scimguard_core::BackendOutcome;
use scimguard_core::facts::{RowId, UserRowKey};
use scimguard_core::message::{AnswerBody, BackendAnswer};
use scimguard_exchange::Send;
use scimguard_knowledge::Read;
use scimguard_tests::acts::reading;
use scimguard_tests::fixtures::{ACCOUNT, HARNESS_BASE};
use scimguard_tests::model::{Actor, Id};
use scimguard_tests::oracle;
use serde_json::Value;

use super::checks::body_of;
use super::{Event, Task, World, Written};
use crate::calls::{Call, Reply};
use crate::code::{Beginning, Code, Known, Then, Turn, Work};
use crate::event::Request;
use crate::guard::{AFTER, Ended};
use crate::leases::TaskId;

impl World {
    /// Applies an event; an event that is not possible now has no effect.
    pub fn happen(&mut self, event: &Event) {
        match event {
            Event::Begin(id, request) => match self.application.has_named(request) {
                true => self.begin(*id, request),
                // No client guesses an id.
                false => self.ended.push((*id, None)),
            },
            Event::Settle(id) => {
                self.tell(|| format!("{id}: the guard settles"));
                self.start(*id, None, Beginning::Round(self.now));
            }
            Event::Step(id) => {
                if let Some(reply) = self.reply(*id) {
                    self.resume(*id, reply);
                }
            }
            Event::Perform(id) => self.perform(*id),
            Event::Fault(id, fault) => self.go_wrong(*id, *fault),
            Event::Late(id) => self.perform_late(*id),
            Event::Kill => self.kill(),
            Event::Wait => {
                if self.can_wait() {
                    self.tell(|| "time passes".to_owned());
                    self.now += 2 * u64::try_from(AFTER.as_millis()).unwrap_or_default();
                }
            }
        }
    }

    fn begin(&mut self, id: TaskId, request: &Request) {
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
        let request = Arc::new(request.clone());
        let beginning = Beginning::Request(Arc::clone(&request), self.now);
        self.start(id, Some(request), beginning)
    }

    /// Notes which users the provider tries to create or to write.
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

    fn start(&mut self, id: TaskId, request: Option<Arc<Request>>, beginning: Beginning) {
        let (work, turn) = match &self.memories {
            None => {
                let (code, turn) = Code::begin(&self.guard, &beginning);
                (Work::Runs(code), turn)
            }
            Some(memories) => {
                let (known, turn) = Known::begin(memories, &self.blueprint, beginning);
                (Work::Known(known), turn)
            }
        };
        let task = Task {
            request,
            work,
            call: Arc::new(Call::Answer(Vec::new())),
            marks: turn.marks,
            answer: None,
            writes: Vec::new(),
            surprises: self.surprises,
            deletes_unknown: false,
            edits_unknown: None,
            created: None,
        };
        self.tasks.insert(id, task);
        self.follow(id, turn)
    }

    /// What the request waits for, if it can happen now.
    fn reply(&mut self, id: TaskId) -> Option<Reply> {
        let task = self.tasks.get_mut(&id)?;
        let call = Arc::clone(&task.call);
        Some(match &*call {
            Call::Send(_) => {
                let answer = Arc::unwrap_or_clone(task.answer.take()?);
                Reply::Outcome(BackendOutcome::Answered(answer))
            }
            Call::Lease(names) => {
                if !self.leases.take(id, names) {
                    return None;
                }
                Reply::Leased
            }
            Call::Answer(keys) => match self.record.answer(keys) {
                Ok(answers) => {
                    task.surprises = self.surprises;
                    Reply::Answers(answers)
                }
                Err(error) => return self.breaks(&error),
            },
            Call::Apply(steps) => {
                self.tell(|| format!("{id}: the record gets {steps:?}"));
                match self.record.commit(steps, self.now) {
                    Ok(()) => Reply::Done,
                    Err(error) => return self.breaks(&error),
                }
            }
            Call::Read(path) => {
                let answer = Arc::make_mut(&mut self.application).answer("GET", path, b"");
                Reply::Got(Some(Read {
                    status: answer.status,
                    body: bytes(answer),
                }))
            }
            Call::Open(_) => return None,
        })
    }

    /// The record fails.
    pub(super) fn breaks(&mut self, error: &anyhow::Error) -> Option<Reply> {
        self.fails(format!("the record: {error}"));
        None
    }

    pub(super) fn resume(&mut self, id: TaskId, reply: Reply) {
        if let Some(turn) = self.told(id, reply) {
            self.follow(id, turn)
        }
    }

    /// Passes a request the reply that it waits for.
    fn told(&mut self, id: TaskId, reply: Reply) -> Option<Turn> {
        let task = self.tasks.get_mut(&id)?;
        let has_expired = task.marks.has_expired;
        Some(match (&mut task.work, &self.memories) {
            (Work::Runs(code), _) => code.tell(reply, has_expired),
            (Work::Known(known), Some(memories)) => {
                known.tell(memories, &self.blueprint, reply, has_expired)
            }
            (Work::Known(_), None) => return None,
        })
    }

    /// Processes what a request does in a turn.
    fn follow(&mut self, id: TaskId, mut turn: Turn) {
        loop {
            if turn.marks.has_released {
                self.leases.release(id);
            }
            let call = match turn.then {
                Then::Ends(ended) => return self.end(id, ended),
                Then::Waits(call) => call,
            };
            if let Some(task) = self.tasks.get_mut(&id) {
                task.marks = turn.marks;
                task.call = Arc::clone(&call);
            }
            if let Call::Open(question) = &*call {
                let open = match self.record.open(question) {
                    Ok(open) => Some(open),
                    Err(error) => self.breaks(&error),
                };
                match open.and_then(|open| self.told(id, open)) {
                    Some(next) => turn = next,
                    None => return,
                }
                continue;
            }
            return self.judge_sent(id);
        }
    }

    fn end(&mut self, id: TaskId, ended: Option<Arc<Ended>>) {
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
                    self.unanswered.push(Arc::clone(request));
                }
            }
            _ => {
                let mut hasher = DefaultHasher::new();
                (self.settled, task.known()).hash(&mut hasher);
                self.settled = hasher.finish();
            }
        }
        self.ended.push((id, ended));
    }

    /// The application performs a request.
    fn perform(&mut self, id: TaskId) {
        let Some(task) = self.tasks.get(&id) else {
            return;
        };
        let (Some(request), None) = (&task.request, &task.answer) else {
            return;
        };
        let (actor, deletes_unknown) = (request.actor(), task.deletes_unknown);
        let call = Arc::clone(&task.call);
        let Call::Send(send) = &*call else {
            return;
        };
        match task.surprises == self.surprises {
            true => self.judge(actor, send, "does"),
            false => self.met.extend(task.edits_unknown.clone()),
        }
        let answer = self.act(actor, send, deletes_unknown);
        let is_write = send.method != "GET";
        if is_write {
            self.overtaken.extend(self.late.keys());
        }
        let creates = send.method == "POST" && answer.status == 201;
        let created = creates.then(|| shown_id(&answer)).flatten();
        if let Some(task) = self.tasks.get_mut(&id) {
            task.created = created.or(task.created.take());
            if is_write && let Some(last) = task.writes.last_mut() {
                *last = match answer.status {
                    200..=299 => Written::Done,
                    _ => Written::Refused,
                };
            }
            task.answer = Some(Arc::new(answer));
        }
    }

    /// The application performs a write, and nobody waits for its answer.
    fn perform_late(&mut self, id: TaskId) {
        let Some(late) = self.late.remove(&id) else {
            return;
        };
        let Call::Send(send) = &*late.call else {
            return;
        };
        self.tell(|| format!("{id}: the application does it late"));
        self.surprises += u32::from(late.actor == Actor::Provisioner);
        let before = self.late.iter().filter(|(_, other)| other.turn < late.turn);
        self.overtaken.extend(before.map(|(id, _)| *id));
        self.act(late.actor, send, late.deletes_unknown);
    }

    /// The application acts, and its new state is checked.
    fn act(&mut self, actor: Actor, send: &Send, deletes_unknown: bool) -> BackendAnswer {
        let body = body_of(send);
        let application = Arc::make_mut(&mut self.application);
        let answer = application.answer(&send.method, &send.path, body);
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
            let shown = shown_id(&answer);
            let edit = reading::edit(&self.truth, &send.method, &send.path, body);
            let id = edit.and_then(|edit| oracle::provisioned(&edit, shown.as_deref()));
            match (id, send.path.contains("/Groups")) {
                (Some(id), true) => {
                    self.owned.groups.insert(id);
                }
                (Some(id), false) => self.surprises += u32::from(self.owned.users.insert(id)),
                (None, _) => {}
            }
        }
        let id = deleted(send);
        let is_gone = !self.application.users.contains_key(id);
        let is_unknown = deletes_unknown || self.is_still_told(id);
        if is_unknown && (200..300).contains(&answer.status) && is_gone {
            self.vanished.insert(id.to_owned());
        }
        self.see();
        self.check_owners();
        answer
    }

    /// Whether a create of this user has not been answered yet.
    fn is_still_told(&self, id: &str) -> bool {
        let creates = |task: &Task| task.created.as_deref() == Some(id);
        self.tasks.values().any(creates)
    }

    /// Whether this deletes a user whose id the guard does not know, because the answer to the
    /// create is still on its way.
    pub(super) fn deletes_unknown(&self, send: &Send) -> bool {
        let key = UserRowKey::new(ACCOUNT, RowId::known(deleted(send)));
        send.method == "DELETE" && !self.record.rows().users.contains_key(&key)
    }

    /// Reads the state of the application.
    fn see(&mut self) {
        let Self {
            application, owned, ..
        } = self;
        owned.users.retain(|id| application.users.contains_key(id));
        owned
            .groups
            .retain(|id| application.groups.contains_key(id));
        let is_owned = |id: &Id| owned.users.contains(id) || owned.groups.contains(id);
        self.truth = Arc::new(application.world(is_owned));
    }
}

/// The id of the resource that an answer shows.
fn shown_id(answer: &BackendAnswer) -> Option<Id> {
    let AnswerBody::Bytes(bytes) = &answer.body else {
        return None;
    };
    let shown: Value = serde_json::from_slice(bytes).ok()?;
    Some(shown["id"].as_str()?.to_owned())
}

/// The id that a deletion names, at the end of its path.
fn deleted(send: &Send) -> &str {
    let path = send.path.split('?').next().unwrap_or_default();
    path.rsplit('/').next().unwrap_or_default()
}

/// Whether the answer is definite, so that the client need not repeat the request.
pub(super) fn is_definite(status: u16) -> bool {
    status < 500 && !matches!(status, 408 | 425 | 429)
}

fn bytes(answer: BackendAnswer) -> Option<Vec<u8>> {
    match answer.body {
        AnswerBody::Bytes(bytes) => Some(bytes),
        _ => None,
    }
}
