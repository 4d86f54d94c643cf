//! The policy, with the work of all passes of an exchange counted.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use scimguard_core::{Guard, Outcome, Settings, Verdict};
use scimguard_interface::{Given, Observed, Pass, Policy};

/// A policy whose passes add what they do.
#[derive(Clone)]
pub(crate) struct Counted {
    pub(crate) guard: Guard,
    pub(crate) steps: Arc<AtomicU64>,
    pub(crate) passes: Arc<AtomicU64>,
}

pub(crate) struct CountedPass {
    pass: scimguard_core::Pass,
    steps: Arc<AtomicU64>,
    /// What is added already.
    before: u64,
}

impl Counted {
    pub(crate) fn new(guard: &Guard) -> Self {
        Self {
            guard: guard.clone(),
            steps: Arc::default(),
            passes: Arc::default(),
        }
    }
}

impl Policy for Counted {
    type Fault = Infallible;
    type Pass = CountedPass;

    fn settings(&self) -> &Settings {
        self.guard.settings()
    }

    fn pass(&self) -> Result<CountedPass, Infallible> {
        self.passes.fetch_add(1, Ordering::Relaxed);
        Ok(CountedPass {
            pass: self.guard.pass(),
            steps: Arc::clone(&self.steps),
            before: 0,
        })
    }
}

impl CountedPass {
    fn count<T>(&mut self, gives: T) -> T {
        let now = self.pass.effort().steps;
        let more = now.saturating_sub(self.before);
        self.steps.fetch_add(more, Ordering::Relaxed);
        self.before = now;
        gives
    }
}

impl Pass for CountedPass {
    type Fault = Infallible;

    fn evaluate(&mut self, given: Given<'_>) -> Result<Verdict, Infallible> {
        let verdict = Pass::evaluate(&mut self.pass, given);
        self.count(verdict)
    }

    fn resume_evaluate(&mut self, given: Given<'_>) -> Result<Verdict, Infallible> {
        let verdict = Pass::resume_evaluate(&mut self.pass, given);
        self.count(verdict)
    }

    fn observe(
        &mut self,
        observed: &Arc<Observed>,
        given: Given<'_>,
    ) -> Result<Outcome, Infallible> {
        let outcome = Pass::observe(&mut self.pass, observed, given);
        self.count(outcome)
    }

    fn resume_observe(&mut self, given: Given<'_>) -> Result<Outcome, Infallible> {
        let outcome = Pass::resume_observe(&mut self.pass, given);
        self.count(outcome)
    }
}
