//! A pass of a component: one instance, kept while the pass waits, as long as there are enough for
//! all. Otherwise the pass starts again with everything that is known by then.

use std::sync::Arc;

use scimguard_core::{Outcome, Verdict};
use scimguard_interface::{Given, Observed, Pass};

use super::Fault;
use super::instance::Instance;
use super::sandbox::Sandbox;

/// One decision, or one judged answer, in the sandbox.
pub(super) struct SandboxPass {
    sandbox: Arc<Sandbox>,
    /// Kept while the pass waits.
    instance: Option<Instance>,
    /// The answer, if one is judged.
    observed: Option<Arc<Observed>>,
}

// === impl SandboxPass ===

impl SandboxPass {
    pub(super) fn new(sandbox: &Arc<Sandbox>) -> Self {
        Self {
            sandbox: Arc::clone(sandbox),
            instance: None,
            observed: None,
        }
    }

    fn keep(&mut self, instance: Instance, waits: bool) {
        self.instance = (waits && !instance.is_crowded()).then_some(instance);
    }
}

impl Pass for SandboxPass {
    type Fault = Fault;

    fn evaluate(&mut self, given: Given<'_>) -> Result<Verdict, Fault> {
        let mut instance = self.sandbox.instance()?;
        let verdict = instance.evaluate(given)?;
        self.keep(instance, matches!(verdict, Verdict::Need(_)));
        Ok(verdict)
    }

    fn resume_evaluate(&mut self, given: Given<'_>) -> Result<Verdict, Fault> {
        let Some(mut instance) = self.instance.take() else {
            return self.evaluate(given);
        };
        let verdict = instance.resume_evaluate(given)?;
        self.keep(instance, matches!(verdict, Verdict::Need(_)));
        Ok(verdict)
    }

    fn observe(&mut self, observed: &Arc<Observed>, given: Given<'_>) -> Result<Outcome, Fault> {
        let mut instance = self.sandbox.instance()?;
        let outcome = instance.observe(observed, given)?;
        self.keep(instance, matches!(outcome, Outcome::Need(_)));
        self.observed = Some(Arc::clone(observed));
        Ok(outcome)
    }

    fn resume_observe(&mut self, given: Given<'_>) -> Result<Outcome, Fault> {
        let Some(mut instance) = self.instance.take() else {
            return match self.observed.take() {
                Some(observed) => self.observe(&observed, given),
                None => Err(Fault::Trapped("no call preceded".to_owned())),
            };
        };
        let outcome = instance.resume_observe(given)?;
        self.keep(instance, matches!(outcome, Outcome::Need(_)));
        Ok(outcome)
    }
}
