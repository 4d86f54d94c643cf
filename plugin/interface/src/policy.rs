//! The interface of policies, compiled in or as components in a sandbox.

use std::sync::Arc;

use crate::{BackendOutcome, Fact, Outcome, Request, Settings, Verdict};

/// A configured policy.
pub trait Policy {
    /// Why a call failed.
    type Fault;

    /// One decision, or one judged answer.
    type Pass: Pass<Fault = Self::Fault>;

    /// The settings that a caller needs.
    fn settings(&self) -> &Settings;

    /// Prepares a pass.
    ///
    /// # Errors
    /// The policy failed.
    fn pass(&self) -> Result<Self::Pass, Self::Fault>;
}

/// One decision, or one judged answer. It begins once, and resumes as long as it needs something.
pub trait Pass {
    /// See [`Policy::Fault`].
    type Fault;

    /// Begins a decision: decides a request as far as the facts reach.
    ///
    /// # Errors
    /// The policy failed.
    fn evaluate(&mut self, given: Given<'_>) -> Result<Verdict, Self::Fault>;

    /// Resumes a decision.
    ///
    /// # Errors
    /// The policy failed.
    fn resume_evaluate(&mut self, given: Given<'_>) -> Result<Verdict, Self::Fault>;

    /// Begins a judgement: judges the backend's answer, or decides the next part of a request.
    ///
    /// # Errors
    /// The policy failed.
    fn observe(
        &mut self,
        observed: &Arc<Observed>,
        given: Given<'_>,
    ) -> Result<Outcome, Self::Fault>;

    /// Resumes the judgement of an answer.
    ///
    /// # Errors
    /// The policy failed.
    fn resume_observe(&mut self, given: Given<'_>) -> Result<Outcome, Self::Fault>;
}

/// The input of a pass so far. When it resumes, its earlier facts come first in the list, unchanged.
#[derive(Clone, Copy, Debug)]
pub struct Given<'a> {
    /// The client's request, with its body once read.
    pub request: &'a Arc<Request>,
    /// The facts of this pass.
    pub facts: &'a Arc<Vec<Fact>>,
    /// Milliseconds since 1970.
    pub now: u64,
}

/// The outcome of one part of an exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// The continuation that the policy returned with that part.
    pub continuation: Vec<u8>,
    /// Its outcome.
    pub outcome: BackendOutcome,
}

impl<P: Policy + ?Sized> Policy for &P {
    type Fault = P::Fault;
    type Pass = P::Pass;

    fn settings(&self) -> &Settings {
        (**self).settings()
    }

    fn pass(&self) -> Result<Self::Pass, Self::Fault> {
        (**self).pass()
    }
}

impl<P: Pass + ?Sized> Pass for Box<P> {
    type Fault = P::Fault;

    fn evaluate(&mut self, given: Given<'_>) -> Result<Verdict, Self::Fault> {
        (**self).evaluate(given)
    }

    fn resume_evaluate(&mut self, given: Given<'_>) -> Result<Verdict, Self::Fault> {
        (**self).resume_evaluate(given)
    }

    fn observe(
        &mut self,
        observed: &Arc<Observed>,
        given: Given<'_>,
    ) -> Result<Outcome, Self::Fault> {
        (**self).observe(observed, given)
    }

    fn resume_observe(&mut self, given: Given<'_>) -> Result<Outcome, Self::Fault> {
        (**self).resume_observe(given)
    }
}
