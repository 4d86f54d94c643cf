//! A policy that says what a test says.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard};

use scimguard_core::{Need, Outcome, Request, Settings, Verdict};
use scimguard_exchange::{ScimPaths, Witness};
use scimguard_interface::{Given, Observed, Pass, Policy};

use super::claims::{needs, reject, respond, user_key};

/// What the policy says at one call.
#[derive(Clone, Debug)]
pub(super) enum Says {
    /// Asks a harmless question, to be given the client's facts.
    Looks,
    Decides(Verdict),
    Judges(Outcome),
}

/// What the policy has not said yet.
#[derive(Clone)]
pub(super) struct Rest(Arc<Mutex<VecDeque<Says>>>);

/// Says what the test says, and then ends the request.
#[derive(Clone)]
pub(super) struct Script {
    settings: Settings,
    rest: Rest,
}

/// Keeps why the policy was not believed.
#[derive(Default)]
pub(super) struct Why(pub(super) Option<String>);

// === impl Rest ===

impl Rest {
    pub(super) fn len(&self) -> usize {
        self.said().len()
    }

    fn said(&self) -> MutexGuard<'_, VecDeque<Says>> {
        self.0.lock().expect("no other thread")
    }
}

// === impl Script ===

impl Script {
    /// A policy that says this, and what it has not said yet.
    pub(super) fn new(says: &[Says]) -> (Self, Rest) {
        let rest = Rest(Arc::new(Mutex::new(says.iter().cloned().collect())));
        let script = Self {
            settings: settings(),
            rest: rest.clone(),
        };
        (script, rest)
    }

    fn next(&self) -> Option<Says> {
        self.rest.said().pop_front()
    }

    /// A question about the account of the path, or else about none.
    fn looks(&self, request: &Request) -> Need {
        let account = ScimPaths::new(&self.settings).account(&request.path);
        needs(vec![user_key(&account.unwrap_or_default())])
    }
}

impl Policy for Script {
    type Fault = Infallible;
    type Pass = Self;

    fn settings(&self) -> &Settings {
        &self.settings
    }

    fn pass(&self) -> Result<Self, Infallible> {
        Ok(self.clone())
    }
}

impl Pass for Script {
    type Fault = Infallible;

    fn evaluate(&mut self, given: Given<'_>) -> Result<Verdict, Infallible> {
        self.resume_evaluate(given)
    }

    fn resume_evaluate(&mut self, given: Given<'_>) -> Result<Verdict, Infallible> {
        Ok(match self.next() {
            Some(Says::Looks) => self.looks(given.request).into(),
            Some(Says::Decides(verdict)) => verdict,
            Some(Says::Judges(outcome)) => panic!("too early: {outcome:?}"),
            None => Verdict::Reject(reject()),
        })
    }

    fn observe(&mut self, _: &Arc<Observed>, given: Given<'_>) -> Result<Outcome, Infallible> {
        self.resume_observe(given)
    }

    fn resume_observe(&mut self, given: Given<'_>) -> Result<Outcome, Infallible> {
        Ok(match self.next() {
            Some(Says::Looks) => self.looks(given.request).into(),
            Some(Says::Judges(outcome)) => outcome,
            Some(Says::Decides(verdict)) => panic!("too late: {verdict:?}"),
            None => Outcome::Respond(respond()),
        })
    }
}

// === impl Why ===

impl Witness for Why {
    fn trapped(&mut self, why: &str) {
        self.0 = Some(why.to_owned());
    }
}

fn settings() -> Settings {
    Settings {
        body_limit: 1_000,
        answer_limit: 1_000,
        rounds: 3,
        passes: 9,
        scim_base: "/scim/{account}".to_owned(),
        upstream_base: "/scim/{account}".to_owned(),
        scim_account: None,
    }
}
