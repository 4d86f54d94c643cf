//! A policy that gives the answers of a script, one after the other, and keeps what it was given.

pub(crate) mod facts;
pub(crate) mod says;
pub(crate) mod steps;

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use scimguard_core::facts::Key;
use scimguard_core::message::Need;
use scimguard_core::{BackendOutcome, Body, Outcome, Reject, Request, Settings, Verdict};
use scimguard_exchange::{Refused, ScimPaths};
use scimguard_interface::{Given, Observed, Pass, Policy};

use self::facts::user_key_of;
use self::says::{need_keys, reject, respond};

/// The account of every path, key and record of a script.
pub(crate) const ACCOUNT: &str = "ACC1";

/// A SCIM path of the account.
pub(crate) const PATH: &str = "/scim/ACC1/Users/u1";

/// One answer of the policy.
#[derive(Clone, Debug)]
pub(crate) enum Says {
    Decides(Verdict),
    Judges(Outcome),
    /// Asks a harmless question, to be given facts.
    Looks,
    /// Ends the request and names nothing, whether it decides or judges.
    Ends,
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
        Self::Decides(verdict)
    }
}

impl From<Outcome> for Says {
    fn from(outcome: Outcome) -> Self {
        Self::Judges(outcome)
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

    /// How much it has left to say before it ends the request.
    pub(crate) fn left(&self) -> usize {
        let says = lock(&self.says);
        says.iter().filter(|it| !matches!(it, Says::Ends)).count()
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
            Says::Decides(verdict) => Ok(verdict),
            Says::Looks => Ok(self.looks(given.request).into()),
            Says::Ends => Ok(Verdict::Reject(Reject {
                account: None,
                ..reject(204)
            })),
            says => panic!("{says:?} is no verdict"),
        }
    }

    fn outcome(&self, given: Given<'_>, observed: Option<&Observed>) -> Result<Outcome, Fault> {
        match self.next(given, observed)? {
            Says::Judges(outcome) => Ok(outcome),
            Says::Looks => Ok(self.looks(given.request).into()),
            Says::Ends => Ok(Outcome::Respond(respond())),
            says => panic!("{says:?} is no outcome"),
        }
    }

    /// A question about the account of the path, or else about none.
    fn looks(&self, request: &Request) -> Need {
        let account = ScimPaths::new(&self.settings).account(&request.path);
        need_keys(&[user_key_of(&account.unwrap_or_default(), "u1")])
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
