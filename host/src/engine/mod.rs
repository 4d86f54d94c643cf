//! Where decisions are made: the policy as native code, or as a component in its sandbox.

use scimguard_core::facts::Fact;
use scimguard_core::{BackendOutcome, Guard, Outcome, Request, Settings, Verdict};

/// A configured policy. Cheap to share; every call is independent of every other.
pub enum Engine {
    /// Compiled into this program.
    Native(Guard),
}

/// Why the sandbox gave no decision. The request is refused, and no other is touched.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The plugin trapped or ran out of memory.
    #[error("the plugin trapped: {0}")]
    Trapped(String),
    /// The plugin used more than its time.
    #[error("the plugin used more than its time")]
    Timeout,
}

impl Engine {
    /// What the face must know of the policy.
    pub fn settings(&self) -> &Settings {
        match self {
            Self::Native(guard) => guard.settings(),
        }
    }

    /// See `evaluate` in `wit/policy.wit`.
    pub fn evaluate(
        &self,
        request: &Request,
        facts: &[Fact],
        now: u64,
    ) -> Result<Verdict, Fault> {
        match self {
            Self::Native(guard) => Ok(guard.evaluate(request, facts, now)),
        }
    }

    /// See `observe` in `wit/policy.wit`.
    pub fn observe(
        &self,
        continuation: &[u8],
        answer: &BackendOutcome,
        facts: &[Fact],
        now: u64,
    ) -> Result<Outcome, Fault> {
        match self {
            Self::Native(guard) => Ok(guard.observe(continuation, answer, facts, now)),
        }
    }
}
