//! One request from beginning to end at a gateway without a store: decide, record the intent,
//! forward, observe, record, answer. Each call says what is to be done next; whoever moves the bytes
//! does it and comes back with what came of it.

use std::rc::Rc;

use scimguard_core::facts::Fact;
use scimguard_core::message::{AnswerBody, AnswerHandling, ForwardBody, ResponseBody};
use scimguard_core::record::Record;
use scimguard_core::{
    BackendOutcome, Body, ErrorForm, Forward, Guard, Headers, Need, Outcome, Proceed, Reject,
    Request, Respond, Response, Verdict,
};
use scimguard_wire::{Ask, Facts, Head, Pass, Stage, Tell, Verdict as Told};

use crate::{Refused, ScimPaths, Unserved, headers, incoming};

/// Headers that carry credentials, whatever the policy reads.
const CREDENTIALS: [&str; 3] = ["authorization", "x-api-key", "cookie"];

/// A configured policy, shared by all requests.
pub struct Gateway {
    guard: Guard,
    paths: ScimPaths,
    annotate: bool,
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
    /// By the gateway's clock until the service has told its own.
    now: u64,
    timed: bool,
    pass: Option<Pass>,
    facts: Vec<Fact>,
    /// The next question is the first of a pass of the policy.
    first: bool,
    /// What is asked once the body was read.
    wanted: Need,
    rounds: u32,
    passes: u32,
    at: At,
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
        }
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
            now,
            timed: false,
            pass: None,
            facts: Vec::new(),
            first: true,
            wanted: Need::default(),
            rounds,
            passes: 0,
            at: At::Deciding,
            verdict: None,
            then: Then::Nothing,
        };
        let next = match checked {
            Ok(_) => exchange.go_on(),
            Err(refused) => exchange.refuse(&refused),
        };
        (exchange, next)
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
                if answer.response.status == 401 || matches!(unserved, Unserved::Refused(_)) {
                    return self.refuse(&unserved.into());
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
            _ => self.refuse(&Refused::trapped()),
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
        let Then::Observe(continuation) = std::mem::replace(&mut self.then, Then::Nothing) else {
            return self.farewell(Vec::new());
        };
        let (guard, unanswered) = (&self.gateway.guard, BackendOutcome::Unanswered);
        let records = match guard.observe(&continuation, &unanswered, &[], self.now) {
            Outcome::Respond(respond) => respond.records,
            Outcome::Proceed(proceed) => proceed.records,
            Outcome::Need(_) | Outcome::Forward(_) => Vec::new(),
        };
        self.farewell(records)
    }

    /// The client's request has become several: none of them is the request itself.
    #[must_use]
    pub fn in_parts(&self) -> bool {
        self.passes > 1
    }

    fn error_form(&self) -> ErrorForm {
        self.gateway.paths.error_form(&self.request.path)
    }

    /// One evaluation or observation with the facts of now.
    fn go_on(&mut self) -> Next {
        if self.rounds == u32::MAX {
            return self.refuse(&Refused::trapped());
        }
        self.rounds = self.rounds.checked_sub(1).unwrap_or(u32::MAX);
        let guard = &self.gateway.guard;
        match &self.at {
            At::Deciding => match guard.evaluate(&self.request, &self.facts, self.now) {
                Verdict::Need(need) => self.provide(need),
                Verdict::Forward(forward) => self.forward(forward),
                Verdict::Proceed(proceed) => self.proceed(proceed),
                Verdict::Reject(reject) => self.reject(reject),
            },
            At::Observing {
                continuation,
                outcome,
            } => match guard.observe(continuation, outcome, &self.facts, self.now) {
                Outcome::Need(need) => self.provide(need),
                Outcome::Forward(forward) => self.forward(forward),
                Outcome::Proceed(proceed) => self.proceed(proceed),
                Outcome::Respond(respond) => self.respond(respond),
            },
        }
    }

    /// The body comes first: a slow client must not hold leases.
    fn provide(&mut self, need: Need) -> Next {
        self.wanted = need;
        match self.wanted.body_limit {
            Some(limit) if self.request.body == Body::Unread => {
                Next::ReadBody(limit.min(self.gateway.guard.settings().body_limit))
            }
            _ => self.ask(),
        }
    }

    fn ask(&mut self) -> Next {
        let keys = std::mem::take(&mut self.wanted).keys;
        if keys.is_empty() {
            return self.go_on();
        }
        let answered = matches!(
            &self.at,
            At::Observing { outcome, .. } if *outcome != BackendOutcome::NotAsked
        );
        Next::Ask(Ask {
            pass: self.pass.clone(),
            head: self.head.clone(),
            stage: match answered {
                true => Stage::Observe,
                false => Stage::Decide,
            },
            first: self.first,
            keys,
        })
    }

    fn observe(&mut self, continuation: Vec<u8>, outcome: BackendOutcome) -> Next {
        self.at = At::Observing {
            continuation,
            outcome,
        };
        self.facts = Vec::new();
        self.first = true;
        self.rounds = self.gateway.guard.settings().rounds;
        self.go_on()
    }

    fn forward(&mut self, mut forward: Forward) -> Next {
        self.passes += 1;
        let endless = self.passes > self.gateway.guard.settings().passes;
        if endless || self.gateway.paths.fault(&self.request, &forward).is_some() {
            return self.refuse(&Refused::trapped());
        }
        self.decided(&forward.account, &forward.verified_token, forward.rule);
        let observe = forward.answer == AnswerHandling::Observe;
        forward.headers.retain(|(name, _)| {
            // What comes back has to be read.
            !(headers::is_own(name) || observe && name == "accept-encoding")
        });
        let send = Send {
            method: forward.method,
            path: forward.path,
            headers: forward.headers,
            body: self.outgoing(forward.body),
            observe,
            farewell: None,
        };
        if forward.records.is_empty() {
            return self.send(send, forward.continuation);
        }
        self.then = Then::Send(send, forward.continuation);
        Next::Tell(self.tell(forward.records))
    }

    fn send(&mut self, mut send: Send, continuation: Vec<u8>) -> Next {
        if send.observe {
            self.then = Then::Observe(continuation);
        } else {
            send.farewell = self.farewell(Vec::new());
        }
        Next::Send(send)
    }

    fn outgoing(&mut self, body: ForwardBody) -> Outgoing {
        match (body, &self.request.body) {
            (ForwardBody::Bytes(bytes), _) if !bytes.is_empty() => Outgoing::Whole(bytes),
            (ForwardBody::AsReceived, Body::Unread) => Outgoing::AsItComes,
            (ForwardBody::AsReceived, Body::Bytes(bytes)) => Outgoing::Whole(bytes.clone()),
            _ => Outgoing::None,
        }
    }

    fn proceed(&mut self, proceed: Proceed) -> Next {
        self.passes += 1;
        if self.passes > self.gateway.guard.settings().passes {
            return self.refuse(&Refused::trapped());
        }
        self.decided(&proceed.account, &proceed.verified_token, None);
        if proceed.records.is_empty() && self.pass.is_none() {
            return self.observe(proceed.continuation, BackendOutcome::NotAsked);
        }
        self.then = Then::Begin(proceed.continuation);
        Next::Tell(self.last(proceed.records))
    }

    fn respond(&mut self, respond: Respond) -> Next {
        let mut answer = Answer {
            response: respond.response,
            rule: respond.rule,
            farewell: None,
        };
        if answer.response.body == ResponseBody::AsReceived {
            answer.response.body = self.received();
        }
        let response = &mut answer.response;
        response.headers.retain(|(name, _)| !headers::is_own(name));
        if respond.records.is_empty() {
            answer.farewell = self.farewell(Vec::new());
            return Next::Answer(answer);
        }
        self.then = Then::Answer(answer);
        Next::Tell(self.last(respond.records))
    }

    /// The backend's bytes.
    fn received(&mut self) -> ResponseBody {
        match &mut self.at {
            At::Observing {
                outcome: BackendOutcome::Answered(answer),
                ..
            } => match std::mem::replace(&mut answer.body, AnswerBody::None) {
                AnswerBody::Bytes(bytes) => ResponseBody::Bytes(bytes),
                AnswerBody::None | AnswerBody::OverLimit => ResponseBody::None,
            },
            _ => ResponseBody::None,
        }
    }

    fn reject(&mut self, reject: Reject) -> Next {
        let status = reject.response.status;
        let answer = Answer {
            response: reject.response,
            rule: Some(reject.rule.clone()),
            farewell: None,
        };
        if self.pass.is_none() && status != 401 {
            return Next::Answer(answer);
        }
        self.verdict = Some(Told {
            account: reject.account,
            verified_token: reject.verified_token,
            rule: Some(reject.rule),
            status: Some(status),
        });
        self.then = Then::Refuse(answer);
        Next::Tell(self.last(Vec::new()))
    }

    /// Notes the decision on the client's request; what follows from it is no decision of its own.
    fn decided(&mut self, account: &Option<String>, token: &Option<String>, rule: Option<String>) {
        if matches!(self.at, At::Deciding) {
            self.verdict = Some(Told {
                account: account.clone(),
                verified_token: token.clone(),
                rule,
                status: None,
            });
        }
    }

    fn tell(&mut self, records: Vec<Record>) -> Tell {
        Tell {
            pass: self.pass.clone(),
            head: self.head.clone(),
            verdict: self.verdict.take(),
            records,
            end: false,
        }
    }

    /// Ends the pass.
    fn last(&mut self, records: Vec<Record>) -> Tell {
        let tell = Tell {
            end: true,
            ..self.tell(records)
        };
        self.pass = None;
        tell
    }

    /// Ends the pass, if there is one or something to tell.
    fn farewell(&mut self, records: Vec<Record>) -> Option<Tell> {
        let due = self.pass.is_some() || !records.is_empty();
        due.then(|| self.last(records))
    }
}
