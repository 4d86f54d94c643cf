//! The policy that requests are decided by.

use std::sync::Arc;

use scimguard_core::facts::Fact;
use scimguard_core::{BackendOutcome, Outcome, Request, Settings, Verdict};
use scimguard_exchange::Refused;

use crate::engine::{Engine, Fault};

/// A policy that threads share. A call may block for as long as a decision takes.
pub trait Policy: scimguard_exchange::Policy<Fault = Fault> + Send + Sync + 'static {}

/// A policy, whichever it is.
pub(super) type AnyPolicy = Arc<dyn Policy>;

impl<P: scimguard_exchange::Policy<Fault = Fault> + Send + Sync + 'static> Policy for P {}

impl scimguard_exchange::Policy for Engine {
    type Fault = Fault;

    fn settings(&self) -> &Settings {
        self.settings()
    }

    fn evaluate(&self, request: &Request, facts: &[Fact], now: u64) -> Result<Verdict, Fault> {
        self.evaluate(request, facts, now)
    }

    fn observe(
        &self,
        continuation: &[u8],
        answer: &BackendOutcome,
        facts: &[Fact],
        now: u64,
    ) -> Result<Outcome, Fault> {
        self.observe(continuation, answer, facts, now)
    }
}

impl From<Fault> for Refused {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Trapped(_) => Self::trapped(),
            Fault::Timeout => Self::new(
                "plugin.timeout",
                "The policy took too long for this request. Send less at once, or repeat it later.",
            ),
        }
    }
}
