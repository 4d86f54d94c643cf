//! The state machine of one request.

mod expect;
mod report;
mod step;
mod steps;
#[cfg(test)]
mod tests;

use std::fmt::Display;
use std::sync::Arc;

use scimguard_core::facts::{Fact, Key};
use scimguard_core::message::{AnswerBody, BackendAnswer};
use scimguard_core::record::Record;
use scimguard_core::{
    BackendOutcome, Body, ErrorForm, Headers, Need, Outcome, Request, Response, sha256_hex,
};
use scimguard_interface::{Given, Observed, Pass as _, Policy};

pub use self::step::{Answer, Found, Needed, Outgoing, Report, Send, Step};
use crate::trust::{Trust, opaque_token};
use crate::{Refused, ServiceError, Setup, Witness, headers, incoming};

/// Headers that carry the credentials of clients.
pub const CREDENTIALS: [&str; 2] = ["authorization", "x-api-key"];

/// The head of a request as received.
pub struct Incoming {
    /// The method of the request line.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// The host, if the protocol names it outside the headers.
    pub authority: Option<Vec<u8>>,
    /// All headers; names in lower case.
    pub headers: Headers,
}

/// One request in progress.
pub struct Exchange<P: Policy + ?Sized, W = ()> {
    setup: Arc<Setup<P>>,
    request: Arc<Request>,
    now: u64,
    /// Whether `now` came with facts.
    timed: bool,
    /// Whether the source of the facts holds state for the exchange.
    holds: bool,
    facts: Arc<Vec<Fact>>,
    /// Whether the next question is the first of a pass.
    first: bool,
    /// The keys asked for in this pass.
    asked: Vec<Key>,
    /// The need to meet once the body has been read.
    wanted: Need,
    /// The token's key, while the facts are only expected.
    expects: Option<Key>,
    /// Rounds left in this pass.
    rounds: u32,
    passes: u32,
    at: At,
    /// The waiting pass.
    pass: Option<P::Pass>,
    /// The account and token of this request, as verified so far.
    trust: Trust,
    then: Then,
    witness: W,
}

/// The kind of the current pass.
enum At {
    Deciding,
    Observing(Arc<Observed>),
}

/// What to do once the records are stored or the backend has answered.
enum Then {
    Nothing,
    Send(Send, Vec<u8>),
    /// Observe the backend's answer.
    Observe(Vec<u8>),
    Begin(Vec<u8>),
    Respond(Answer),
    /// Refuse with this answer, unless storing the decision calls for another one.
    Refuse(Answer),
}

impl<P> Exchange<P>
where
    P: Policy<Fault: Into<Refused> + Display> + ?Sized,
{
    /// Begins with the head of a request as received. `now` is in milliseconds since 1970 and applies
    /// until facts come with a time.
    #[must_use]
    pub fn begin(setup: Arc<Setup<P>>, incoming: Incoming, now: u64) -> (Self, Step) {
        let checked = incoming::check(&incoming.method, &incoming.path, &incoming.headers)
            .and_then(|()| incoming::one_host(incoming.authority.as_deref(), &incoming.headers));
        let mut kept = headers::end_to_end(incoming.headers);
        if let Ok(Some(host)) = &checked {
            kept.push(("host".to_owned(), host.clone()));
        }
        let request = Request {
            method: incoming.method,
            path: incoming.path,
            headers: kept,
            body: Body::Unread,
            annotate: setup.annotate,
        };
        let mut exchange = Self::new(setup, request, now, ());
        let step = match checked {
            Ok(_) => exchange.start(),
            Err(refused) => exchange.refuse(&refused),
        };
        (exchange, step)
    }
}

impl<P, W> Exchange<P, W>
where
    P: Policy<Fault: Into<Refused> + Display> + ?Sized,
    W: Witness,
{
    /// Takes a request that has passed the checks of [`Exchange::begin`]. `now` is in milliseconds since
    /// 1970.
    #[must_use]
    pub fn new(setup: Arc<Setup<P>>, request: Request, now: u64, witness: W) -> Self {
        let rounds = setup.policy.settings().rounds;
        Self {
            setup,
            request: Arc::new(request),
            now,
            timed: false,
            holds: false,
            facts: Arc::default(),
            first: true,
            asked: Vec::new(),
            wanted: Need::default(),
            expects: None,
            rounds,
            passes: 0,
            at: At::Deciding,
            pass: None,
            trust: Trust::default(),
            then: Then::Nothing,
            witness,
        }
    }

    /// Returns the first step.
    pub fn start(&mut self) -> Step {
        if let Some(token) = self.expected_token() {
            let key = token.key.clone();
            self.facts = Arc::new(vec![token]);
            return self.foresee(key);
        }
        let is_foreseen = self.setup.foresees && self.setup.paths.is_scim(&self.request.path);
        match is_foreseen.then(|| opaque_token(&self.request)).flatten() {
            Some(token) => {
                self.wanted.keys = vec![Key::Token(sha256_hex(token.as_bytes()))];
                self.ask()
            }
            None => self.judge(),
        }
    }

    /// Call this if the body has not arrived yet. An exchange that waits for a client holds no shared state:
    /// its leases end, and it asks for its facts again together with those that the body needs. Nothing
    /// waits for the returned report.
    pub fn suspend(&mut self) -> Option<Report> {
        let ended = self.final_report(Vec::new())?;
        self.first = true;
        self.timed = false;
        let mut keys = std::mem::take(&mut self.asked);
        keys.extend(std::mem::take(&mut self.wanted.keys));
        self.wanted.keys = keys;
        Some(ended)
    }

    /// Drops the policy's state of this pass, for waits that take long. The pass begins again with
    /// everything known by then, and decides the same.
    pub fn release(&mut self) {
        self.pass = None;
    }

    /// Reports the body that was read.
    pub fn body(&mut self, body: Body) -> Step {
        Arc::make_mut(&mut self.request).body = body;
        match self.expects.take() {
            Some(token) => self.foresee(token),
            None => self.ask(),
        }
    }

    /// Reports the facts that were looked up.
    pub fn facts(&mut self, found: Result<Found, ServiceError>) -> Step {
        match found {
            Ok(found) => {
                if !self.timed {
                    self.timed = true;
                    self.now = found.now;
                }
                self.holds = true;
                // A pass can only continue while its earlier facts still hold.
                if !found.facts.starts_with(&self.facts) {
                    self.release();
                }
                self.facts = found.facts;
                self.first = false;
                self.judge()
            }
            Err(error) => self.refuse(&error.into()),
        }
    }

    /// Reports whether the records were stored.
    pub fn stored(&mut self, stored: Result<(), ServiceError>) -> Step {
        match (std::mem::replace(&mut self.then, Then::Nothing), stored) {
            (Then::Refuse(answer), Ok(())) => Step::Respond(answer),
            // A wrong credential counts only if the record is written, and with too many of them the
            // client gets just that refusal.
            (Then::Refuse(answer), Err(error)) => {
                let is_wrong = answer.response.status == 401;
                if is_wrong || matches!(error, ServiceError::Refused(_)) {
                    return self.refuse(&error.into());
                }
                Step::Respond(answer)
            }
            (_, Err(error)) => self.refuse(&error.into()),
            (Then::Send(send, continuation), Ok(())) => self.send(send, continuation),
            (Then::Begin(continuation), Ok(())) => {
                self.observe(continuation, BackendOutcome::NotAsked)
            }
            (Then::Respond(answer), Ok(())) => Step::Respond(answer),
            (Then::Nothing | Then::Observe(_), Ok(())) => {
                self.trapped("the caller stored records that were not given")
            }
        }
    }

    /// Reports the outcome of a request to the backend.
    pub fn answered(&mut self, outcome: BackendOutcome) -> Step {
        match std::mem::replace(&mut self.then, Then::Nothing) {
            Then::Observe(continuation) => self.observe(continuation, outcome),
            _ if outcome == BackendOutcome::Unanswered => self.refuse(&Refused::no_answer()),
            _ => self.trapped("the caller gave an answer that is not judged"),
        }
    }

    /// Reports that a request did not reach the backend, which counts as the backend's refusal.
    pub fn undelivered(&mut self, refused: &Refused) -> Answer {
        let response = refused.response(self.error_form());
        let outcome = BackendOutcome::Answered(BackendAnswer {
            status: response.status,
            headers: Vec::new(),
            body: AnswerBody::None,
        });
        let records = self.records_of(outcome);
        self.ended(refused, response, records)
    }

    /// Ends the exchange with a refusal by its driver.
    pub fn refuse(&mut self, refused: &Refused) -> Step {
        Step::Respond(self.refusal(refused))
    }

    /// The answer to a refusal by the driver.
    pub fn refusal(&mut self, refused: &Refused) -> Answer {
        let response = refused.response(self.error_form());
        self.ended(refused, response, Vec::new())
    }

    fn ended(&mut self, refused: &Refused, response: Response, records: Vec<Record>) -> Answer {
        self.witness.refused(refused.rule);
        Answer {
            response,
            rule: Some(refused.rule.to_owned()),
            final_report: self.final_report(records),
        }
    }

    /// Ends the exchange because the client has gone; returns the remaining report. The backend may have
    /// acted if the request was sent.
    #[must_use]
    pub fn abandoned(mut self) -> Option<Report> {
        let records = self.records_of(BackendOutcome::Unanswered);
        self.final_report(records)
    }

    /// The records that follow from this outcome of the request that was sent.
    fn records_of(&mut self, outcome: BackendOutcome) -> Vec<Record> {
        let Then::Observe(continuation) = std::mem::replace(&mut self.then, Then::Nothing) else {
            return Vec::new();
        };
        let setup = Arc::clone(&self.setup);
        let observed = Arc::new(Observed {
            continuation,
            outcome,
        });
        let given = Given {
            request: &self.request,
            facts: &Arc::default(),
            now: self.now,
        };
        let pass = setup.policy.pass();
        let Ok(observed) = pass.and_then(|mut pass| pass.observe(&observed, given)) else {
            return Vec::new();
        };
        let mut trust = std::mem::take(&mut self.trust);
        if trust.observed(&self.seen(&setup), &observed).is_err() {
            return Vec::new();
        }
        match observed {
            Outcome::Respond(respond) => respond.records,
            Outcome::Proceed(proceed) => proceed.records,
            Outcome::Need(_) | Outcome::Forward(_) => Vec::new(),
        }
    }

    /// Whether the client's request has become several requests, none of which is the original.
    #[must_use]
    pub fn in_parts(&self) -> bool {
        self.passes > 1
    }

    /// The number of requests to the backend and parts of the client's request so far.
    #[must_use]
    pub fn passes(&self) -> u32 {
        self.passes
    }

    /// The client's request.
    #[must_use]
    pub fn request(&self) -> &Arc<Request> {
        &self.request
    }

    /// The time of this exchange, in milliseconds since 1970.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.now
    }

    /// The size in bytes of the policy's next input, without the facts.
    #[must_use]
    pub fn weight(&self) -> usize {
        let now = match &self.at {
            At::Deciding => self.request.body.size(),
            At::Observing(observed) => observed.continuation.len().max(observed.outcome.size()),
        };
        match &self.then {
            Then::Begin(continuation) | Then::Observe(continuation) => now.max(continuation.len()),
            _ => now,
        }
    }

    /// The observer.
    pub fn witness(&mut self) -> &mut W {
        &mut self.witness
    }

    /// Returns the observer at the end.
    pub fn into_witness(self) -> W {
        self.witness
    }

    /// The form of errors for this request.
    #[must_use]
    pub fn error_form(&self) -> ErrorForm {
        self.setup.paths.error_form(&self.request.path)
    }
}
