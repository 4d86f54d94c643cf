//! What a policy is, however it is called: compiled in, or a component in a sandbox.

use std::sync::Arc;

use crate::{BackendOutcome, Fact, Outcome, Request, Settings, Verdict};

/// A configured policy.
pub trait Policy {
    /// Why a call gives no answer.
    type Fault;

    /// One decision, or one judged answer.
    type Pass: Pass<Fault = Self::Fault>;

    /// What has to be known of it before it is called.
    fn settings(&self) -> &Settings;

    /// Prepares a pass.
    ///
    /// # Errors
    /// The policy failed.
    fn pass(&self) -> Result<Self::Pass, Self::Fault>;
}

/// One decision, or one judged answer. It is begun once, and resumed as long as it needs something.
pub trait Pass {
    /// See [`Policy::Fault`].
    type Fault;

    /// Begins it: decides a request as far as the facts reach.
    ///
    /// # Errors
    /// The policy failed.
    fn evaluate(&mut self, given: Given<'_>) -> Result<Verdict, Self::Fault>;

    /// Resumes a decision.
    ///
    /// # Errors
    /// The policy failed.
    fn resume_evaluate(&mut self, given: Given<'_>) -> Result<Verdict, Self::Fault>;

    /// Begins it: judges the backend's answer, or decides the next part of a request.
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

/// What a pass has been given by now. When it is resumed, the facts that it had are the first of the
/// list, as they were.
#[derive(Clone, Copy, Debug)]
pub struct Given<'a> {
    /// The client's request, with its body once that was read.
    pub request: &'a Arc<Request>,
    /// The facts of this pass.
    pub facts: &'a Arc<Vec<Fact>>,
    /// Milliseconds since 1970.
    pub now: u64,
}

/// What became of a part of an exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// What the policy gave along with the part before.
    pub continuation: Vec<u8>,
    /// What came of it.
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
