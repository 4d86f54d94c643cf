//! A policy that gives the answers of a script, one after the other, and keeps what it was given.
#![allow(dead_code, reason = "no suite needs all of it")]

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use scimguard_core::facts::{Answer as FactAnswer, Fact, Key, Principal, Token, Unseen, UserKey};
use scimguard_core::message::{
    AnswerBody, AnswerHandling, BackendAnswer, ForwardBody, Need, Proceed, Reject, Respond,
    ResponseBody,
};
use scimguard_core::record::{Record, ResourceKey};
use scimguard_core::{
    BackendOutcome, Body, Forward, Headers, Outcome, Request, Response, Settings, Verdict,
    sha256_hex,
};
use scimguard_exchange::{Answer, Exchange, Found, Needed, Refused, Report, Send, Setup, Step};
use scimguard_interface::{Given, Observed, Pass, Policy};

/// The account of every path, key and record of a script.
pub(crate) const ACCOUNT: &str = "A";

/// A SCIM path of the account.
pub(crate) const PATH: &str = "/scim/A/Users/u1";

/// A token of the account, and its id.
pub(crate) const TOKEN: &str = "pat.A.tok1.s3cret";
pub(crate) const TOKEN_ID: &str = "tok1";

/// One answer of the policy.
#[derive(Clone, Debug)]
pub(crate) enum Says {
    Verdict(Verdict),
    Outcome(Outcome),
    /// The policy fails for this reason.
    Fails(&'static str),
}

/// What the policy was given in one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) body: Body,
    pub(crate) facts: Vec<Key>,
    pub(crate) now: u64,
    /// The part before and its outcome, when a judgement begins.
    pub(crate) observed: Option<(Vec<u8>, BackendOutcome)>,
}

/// Why a call failed.
#[derive(Debug)]
pub(crate) struct Fault(&'static str);

/// The policy; its passes share one script.
#[derive(Clone)]
pub(crate) struct Script {
    pub(crate) settings: Settings,
    says: Arc<Mutex<VecDeque<Says>>>,
    heard: Arc<Mutex<Vec<Heard>>>,
}

// === impl Says ===

impl From<Verdict> for Says {
    fn from(verdict: Verdict) -> Self {
        Self::Verdict(verdict)
    }
}

impl From<Outcome> for Says {
    fn from(outcome: Outcome) -> Self {
        Self::Outcome(outcome)
    }
}

// === impl Fault ===

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl From<Fault> for Refused {
    fn from(_: Fault) -> Self {
        Self::trapped()
    }
}

// === impl Script ===

impl Script {
    pub(crate) fn new(says: Vec<Says>) -> Self {
        Self {
            settings: Settings {
                body_limit: 1_000,
                answer_limit: 2_000,
                rounds: 3,
                passes: 3,
                scim_base: "/scim/{account}".to_owned(),
                upstream_base: "/scim/{account}".to_owned(),
                scim_account: None,
            },
            says: Arc::new(Mutex::new(says.into())),
            heard: Arc::default(),
        }
    }

    /// What it was given so far.
    pub(crate) fn heard(&self) -> Vec<Heard> {
        lock(&self.heard).clone()
    }

    fn next(&self, given: Given<'_>, observed: Option<&Observed>) -> Result<Says, Fault> {
        lock(&self.heard).push(Heard {
            body: given.request.body.clone(),
            facts: given.facts.iter().map(|fact| fact.key.clone()).collect(),
            now: given.now,
            observed: observed.map(|it| (it.continuation.clone(), it.outcome.clone())),
        });
        match lock(&self.says).pop_front() {
            None => panic!("the script has ended"),
            Some(Says::Fails(why)) => Err(Fault(why)),
            Some(says) => Ok(says),
        }
    }

    fn verdict(&self, given: Given<'_>) -> Result<Verdict, Fault> {
        match self.next(given, None)? {
            Says::Verdict(verdict) => Ok(verdict),
            says => panic!("{says:?} is no verdict"),
        }
    }

    fn outcome(&self, given: Given<'_>, observed: Option<&Observed>) -> Result<Outcome, Fault> {
        match self.next(given, observed)? {
            Says::Outcome(outcome) => Ok(outcome),
            says => panic!("{says:?} is no outcome"),
        }
    }
}

impl Policy for Script {
    type Fault = Fault;
    type Pass = Self;

    fn settings(&self) -> &Settings {
        &self.settings
    }

    fn pass(&self) -> Result<Self, Fault> {
        Ok(self.clone())
    }
}

impl Pass for Script {
    type Fault = Fault;

    fn evaluate(&mut self, given: Given<'_>) -> Result<Verdict, Fault> {
        self.verdict(given)
    }

    fn resume_evaluate(&mut self, given: Given<'_>) -> Result<Verdict, Fault> {
        self.verdict(given)
    }

    fn observe(&mut self, observed: &Arc<Observed>, given: Given<'_>) -> Result<Outcome, Fault> {
        self.outcome(given, Some(observed))
    }

    fn resume_observe(&mut self, given: Given<'_>) -> Result<Outcome, Fault> {
        self.outcome(given, None)
    }
}

fn lock<T>(one: &Mutex<T>) -> MutexGuard<'_, T> {
    one.lock().unwrap_or_else(PoisonError::into_inner)
}

// === what a policy says ===

/// A need for these users of the account.
pub(crate) fn need(users: &[&str]) -> Need {
    Need {
        keys: users.iter().map(|user| user_key(user)).collect(),
        body_limit: None,
    }
}

pub(crate) fn user_key(user: &str) -> Key {
    Key::User(UserKey {
        account: ACCOUNT.to_owned(),
        value: user.to_owned(),
        unseen: Unseen::Absent,
    })
}

/// A request to the backend whose answer is judged.
pub(crate) fn forward() -> Forward {
    Forward {
        method: "PUT".to_owned(),
        path: PATH.to_owned(),
        headers: Vec::new(),
        body: ForwardBody::None,
        answer: AnswerHandling::Observe,
        continuation: b"then".to_vec(),
        changes: Vec::new(),
        records: Vec::new(),
        account: Some(ACCOUNT.to_owned()),
        verified_token: None,
        rule: None,
    }
}

pub(crate) fn proceed() -> Proceed {
    Proceed {
        records: Vec::new(),
        continuation: b"next".to_vec(),
        changes: Vec::new(),
        rule: None,
        account: Some(ACCOUNT.to_owned()),
        verified_token: None,
    }
}

pub(crate) fn reject(status: u16) -> Reject {
    Reject {
        rule: "some.rule".to_owned(),
        response: response(status),
        changes: Vec::new(),
        account: Some(ACCOUNT.to_owned()),
        verified_token: None,
    }
}

pub(crate) fn respond() -> Respond {
    Respond {
        response: response(204),
        records: Vec::new(),
        rule: None,
    }
}

pub(crate) fn response(status: u16) -> Response {
    Response {
        status,
        headers: Vec::new(),
        body: ResponseBody::None,
    }
}

/// Records the removal of this user from this account.
pub(crate) fn record_of(account: &str, id: &str) -> Record {
    Record::RemoveUser(ResourceKey {
        account: account.to_owned(),
        scope: String::new(),
        id: id.to_owned(),
    })
}

pub(crate) fn record(id: &str) -> Record {
    record_of(ACCOUNT, id)
}

// === what others say ===

pub(crate) fn headers(headers: &[(&str, &str)]) -> Headers {
    let headers = headers.iter();
    headers
        .map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()))
        .collect()
}

pub(crate) fn request(body: Body) -> Request {
    Request {
        method: "PUT".to_owned(),
        path: PATH.to_owned(),
        headers: Vec::new(),
        body,
        annotate: false,
    }
}

/// An answer of the backend with a body of this size.
pub(crate) fn answered(size: usize) -> BackendOutcome {
    answered_with(AnswerBody::Bytes(vec![b'x'; size]))
}

pub(crate) fn answered_with(body: AnswerBody) -> BackendOutcome {
    BackendOutcome::Answered(BackendAnswer {
        status: 200,
        headers: Vec::new(),
        body,
    })
}

/// The key of [`TOKEN`].
pub(crate) fn token_key() -> Key {
    Key::Token(sha256_hex(TOKEN.as_bytes()))
}

/// Facts that answer these keys: the token is good, and there is nobody.
pub(crate) fn found(keys: &[Key], now: u64) -> Found {
    let owner = Principal {
        account: ACCOUNT.to_owned(),
        id: "svc".to_owned(),
        active: true,
        permissions: Vec::new(),
    };
    let token = Token {
        id: Some(TOKEN_ID.to_owned()),
        account: ACCOUNT.to_owned(),
        provider: None,
        expires: None,
        revoked: false,
        principal: Some(owner),
    };
    let facts = keys.iter().map(|key| Fact {
        key: key.clone(),
        answer: match key {
            Key::Token(_) => FactAnswer::Token(token.clone()),
            _ => FactAnswer::Absent,
        },
    });
    Found {
        now,
        facts: Arc::new(facts.collect()),
    }
}

// === what an exchange asks for ===

pub(crate) fn begun(script: Script, request: Request) -> (Exchange<Script>, Step) {
    begun_with(Arc::new(Setup::new(script, false)), request)
}

pub(crate) fn begun_with(setup: Arc<Setup<Script>>, request: Request) -> (Exchange<Script>, Step) {
    let mut exchange = Exchange::new(setup, request, 0, ());
    let step = exchange.start();
    (exchange, step)
}

#[track_caller]
pub(crate) fn needed(step: Step) -> Needed {
    match step {
        Step::GetFacts(needed) => needed,
        step => panic!("{step:?}"),
    }
}

#[track_caller]
pub(crate) fn stored(step: Step) -> Report {
    match step {
        Step::Store(report) => report,
        step => panic!("{step:?}"),
    }
}

#[track_caller]
pub(crate) fn sent(step: Step) -> Send {
    match step {
        Step::Send(send) => send,
        step => panic!("{step:?}"),
    }
}

#[track_caller]
pub(crate) fn ended(step: Step) -> Answer {
    match step {
        Step::Respond(answer) => answer,
        step => panic!("{step:?}"),
    }
}

/// Stores the report of this step, and returns the next.
#[track_caller]
pub(crate) fn past_store(exchange: &mut Exchange<Script>, step: Step) -> Step {
    stored(step);
    exchange.stored(Ok(()))
}
