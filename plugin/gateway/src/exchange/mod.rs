//! One request from beginning to end at a gateway without a store: decide, record the intent,
//! forward, observe, record, answer. Each call says what is to be done next; whoever moves the bytes
//! does it and comes back with what came of it.

mod steps;
mod telling;
#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::rc::Rc;

use scimguard_core::facts::{Fact, Key};
use scimguard_core::message::{AnswerBody, BackendAnswer};
use scimguard_core::record::Record;
use scimguard_core::{
    BackendOutcome, Body, ErrorForm, Guard, Headers, Need, Outcome, Request, Response,
};
use scimguard_wire::{Ask, Facts, Head, Pass, Tell, Verdict as Told};

use crate::strangers::Strangers;
use crate::{Refused, ScimPaths, Trust, Unserved, headers, incoming};

/// Headers that carry the credentials of clients.
pub const CREDENTIALS: [&str; 2] = ["authorization", "x-api-key"];

/// What an unknown buffer takes for certain.
const UNKNOWN_ROOM: u64 = 8 * 1024;

/// A configured policy, shared by all requests.
pub struct Gateway {
    guard: Guard,
    paths: ScimPaths,
    annotate: bool,
    strangers: Strangers,
    /// What the buffer takes that bodies go through; `None`: nobody has said.
    room: Cell<Option<u64>>,
}

/// The head of a request, as it came in.
pub struct Incoming {
    /// As on the request line.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// The host that it is for, where the protocol names it outside the headers.
    pub authority: Option<Vec<u8>>,
    /// All headers; names in lower case.
    pub headers: Headers,
    /// Where it came from.
    pub source: Option<String>,
}

/// A request on its way.
pub struct Exchange {
    gateway: Rc<Gateway>,
    head: Head,
    request: Request,
    /// When it began, by the gateway's clock.
    begun: u64,
    /// By the gateway's clock until the service has told its own.
    now: u64,
    timed: bool,
    pass: Option<Pass>,
    facts: Vec<Fact>,
    /// The next question is the first of a pass of the policy.
    first: bool,
    /// What was asked in this pass of the policy.
    asked: Vec<Key>,
    /// What is asked once the body was read.
    wanted: Need,
    rounds: u32,
    passes: u32,
    at: At,
    /// What of the policy's answers was seen to be of this request.
    trust: Trust,
    /// What the service has not been told yet.
    verdict: Option<Told>,
    then: Then,
}

/// Which pass of the policy this is.
enum At {
    Deciding,
    Observing {
        continuation: Vec<u8>,
        outcome: BackendOutcome,
    },
}

/// What comes after the records are stored, or the backend has answered.
enum Then {
    Nothing,
    Send(Send, Vec<u8>),
    /// The backend has been asked; its answer is observed.
    Observe(Vec<u8>),
    Begin(Vec<u8>),
    Answer(Answer),
    /// The answer of a refusal, in whose place the service may put another.
    Refuse(Answer),
}

/// What is to be done next.
#[derive(Debug)]
pub enum Next {
    /// Read the body, at most so many bytes; then [`Exchange::body`].
    ReadBody(u64),
    /// Ask the facts service; then [`Exchange::facts`].
    Ask(Ask),
    /// Tell the facts service; then [`Exchange::told`].
    Tell(Tell),
    /// Ask the backend; then [`Exchange::answered`] if the answer is observed.
    Send(Send),
    /// Answer the client.
    Answer(Answer),
}

/// A request for the backend.
#[derive(Debug)]
pub struct Send {
    /// The method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// All headers but those of framing and connection.
    pub headers: Headers,
    /// The body.
    pub body: Outgoing,
    /// The answer comes back to the exchange; otherwise it goes to the client as it comes.
    pub observe: bool,
    /// For the service, once the answer goes to the client as it comes; no reply is waited for.
    pub farewell: Option<Tell>,
}

/// The body of a [`Send`].
#[derive(Debug, PartialEq, Eq)]
pub enum Outgoing {
    /// None.
    None,
    /// These bytes.
    Whole(Vec<u8>),
    /// Nobody has read it: as it comes in.
    AsItComes,
}

/// The end of a request.
#[derive(Debug)]
pub struct Answer {
    /// For the client.
    pub response: Response,
    /// The rule behind it, if it is not the backend's.
    pub rule: Option<String>,
    /// For the service; no reply is waited for.
    pub farewell: Option<Tell>,
}

// === impl Gateway ===

impl Gateway {
    /// Around a policy.
    #[must_use]
    pub fn new(guard: Guard, annotate: bool) -> Self {
        Self {
            paths: ScimPaths::new(guard.settings()),
            guard,
            annotate,
            strangers: Strangers::default(),
            room: Cell::new(None),
        }
    }

    /// Says what the buffer takes that bodies go through: a larger one is refused before anything is
    /// recorded of it.
    pub fn set_room(&self, bytes: u64) {
        self.room.set(Some(bytes));
    }

    /// What the buffer takes for certain.
    #[must_use]
    pub fn room(&self) -> u64 {
        self.room.get().unwrap_or(UNKNOWN_ROOM)
    }

    /// The largest body that is read.
    #[must_use]
    pub fn body_limit(&self) -> u64 {
        self.guard.settings().body_limit
    }

    /// The largest answer that is observed.
    #[must_use]
    pub fn answer_limit(&self) -> u64 {
        self.guard.settings().answer_limit
    }
}

// === impl Exchange ===

impl Exchange {
    /// Starts on a request's way.
    #[must_use]
    pub fn begin(gateway: Rc<Gateway>, incoming: Incoming, now: u64) -> (Self, Next) {
        let credentials = incoming.headers.iter();
        let credentials = credentials
            .filter(|(name, _)| CREDENTIALS.contains(&name.as_str()))
            .filter_map(|(name, value)| {
                Some((name.clone(), String::from_utf8(value.clone()).ok()?))
            })
            .collect();
        let checked = incoming::check(&incoming.method, &incoming.path, &incoming.headers)
            .and_then(|()| incoming::one_host(incoming.authority.as_deref(), &incoming.headers));
        let mut kept = headers::end_to_end(incoming.headers);
        if let Ok(Some(host)) = &checked {
            kept.push(("host".to_owned(), host.clone()));
        }
        let rounds = gateway.guard.settings().rounds;
        let mut exchange = Self {
            head: Head {
                method: incoming.method.clone(),
                path: incoming.path.clone(),
                credentials,
                source: incoming.source,
            },
            request: Request {
                method: incoming.method,
                path: incoming.path,
                headers: kept,
                body: Body::Unread,
                annotate: gateway.annotate,
            },
            gateway,
            begun: now,
            now,
            timed: false,
            pass: None,
            facts: Vec::new(),
            first: true,
            asked: Vec::new(),
            wanted: Need::default(),
            rounds,
            passes: 0,
            at: At::Deciding,
            trust: Trust::default(),
            verdict: None,
            then: Then::Nothing,
        };
        let next = match checked {
            Ok(_) => exchange.go_on(),
            Err(refused) => exchange.refuse(&refused),
        };
        (exchange, next)
    }

    /// The body that is to be read is not there yet. Whoever waits for a client holds nothing that is
    /// shared: the pass ends, and its facts are asked for anew with those that the body needs. No reply
    /// is waited for.
    pub fn suspend(&mut self) -> Option<Tell> {
        let ended = self.farewell(Vec::new())?;
        self.facts = Vec::new();
        self.first = true;
        self.timed = false;
        let mut keys = std::mem::take(&mut self.asked);
        keys.extend(std::mem::take(&mut self.wanted.keys));
        self.wanted.keys = keys;
        Some(ended)
    }

    /// The body that was to be read.
    pub fn body(&mut self, body: Body) -> Next {
        self.request.body = body;
        self.ask()
    }

    /// The service's answer to a question.
    pub fn facts(&mut self, answer: Result<Facts, Unserved>) -> Next {
        match answer {
            Ok(answer) => {
                if !self.timed {
                    self.timed = true;
                    self.now = answer.now;
                }
                self.pass = Some(answer.pass);
                self.facts = answer.facts;
                self.first = false;
                self.go_on()
            }
            Err(unserved) => self.refuse(&unserved.into()),
        }
    }

    /// Whether the service has stored what it was told.
    pub fn told(&mut self, told: Result<(), Unserved>) -> Next {
        match (std::mem::replace(&mut self.then, Then::Nothing), told) {
            (Then::Refuse(answer), Ok(())) => Next::Answer(answer),
            // Too many wrong credentials: that is all that the client is told. And without the
            // service nobody would count them.
            (Then::Refuse(answer), Err(unserved)) => {
                let is_wrong = answer.response.status == 401;
                if is_wrong || matches!(unserved, Unserved::Refused(_)) {
                    let refused = unserved.into();
                    if is_wrong {
                        self.fails(&refused);
                    }
                    return self.refuse(&refused);
                }
                Next::Answer(answer)
            }
            (_, Err(unserved)) => self.refuse(&unserved.into()),
            (Then::Send(send, continuation), Ok(())) => self.send(send, continuation),
            (Then::Begin(continuation), Ok(())) => {
                self.observe(continuation, BackendOutcome::NotAsked)
            }
            (Then::Answer(answer), Ok(())) => Next::Answer(answer),
            (Then::Nothing | Then::Observe(_), Ok(())) => self.refuse(&Refused::trapped()),
        }
    }

    /// What became of a request to the backend.
    pub fn answered(&mut self, outcome: BackendOutcome) -> Next {
        match std::mem::replace(&mut self.then, Then::Nothing) {
            Then::Observe(continuation) => self.observe(continuation, outcome),
            _ if outcome == BackendOutcome::Unanswered => self.refuse(&Refused::no_answer()),
            _ => self.refuse(&Refused::trapped()),
        }
    }

    /// What was to be sent did not reach the backend, for this reason: as if it had refused it.
    pub fn undelivered(&mut self, refused: &Refused) -> Answer {
        let response = refused.response(self.error_form());
        let outcome = BackendOutcome::Answered(BackendAnswer {
            status: response.status,
            headers: Vec::new(),
            body: AnswerBody::None,
        });
        let records = self.records_of(&outcome);
        Answer {
            response,
            rule: Some(refused.rule.to_owned()),
            farewell: self.farewell(records),
        }
    }

    /// A refusal by whoever moves the bytes.
    pub fn refuse(&mut self, refused: &Refused) -> Next {
        let response = refused.response(self.error_form());
        let farewell = self.farewell(Vec::new());
        Next::Answer(Answer {
            response,
            rule: Some(refused.rule.to_owned()),
            farewell,
        })
    }

    /// Nobody waits for the answer any more: what the service must still hear. A backend that was
    /// asked may have acted.
    #[must_use]
    pub fn abandoned(mut self) -> Option<Tell> {
        let records = self.records_of(&BackendOutcome::Unanswered);
        self.farewell(records)
    }

    /// The service will have no more wrong credentials from there for a while.
    fn fails(&self, refused: &Refused) {
        if let (Some(source), Some(seconds)) = (&self.head.source, refused.retry_after) {
            self.gateway.strangers.fails(source, seconds, self.begun);
        }
    }

    /// What is to be recorded if this has come of what was sent.
    fn records_of(&mut self, outcome: &BackendOutcome) -> Vec<Record> {
        let Then::Observe(continuation) = std::mem::replace(&mut self.then, Then::Nothing) else {
            return Vec::new();
        };
        let gateway = Rc::clone(&self.gateway);
        let observed = gateway.guard.observe(&continuation, outcome, &[], self.now);
        let mut trust = std::mem::take(&mut self.trust);
        if trust.observed(&self.seen(&gateway), &observed).is_err() {
            return Vec::new();
        }
        match observed {
            Outcome::Respond(respond) => respond.records,
            Outcome::Proceed(proceed) => proceed.records,
            Outcome::Need(_) | Outcome::Forward(_) => Vec::new(),
        }
    }

    /// The client's request has become several: none of them is the request itself.
    #[must_use]
    pub fn in_parts(&self) -> bool {
        self.passes > 1
    }

    fn error_form(&self) -> ErrorForm {
        self.gateway.paths.error_form(&self.request.path)
    }
}
