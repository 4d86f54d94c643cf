//! What the proxy needs of a policy: the interface of `wit/policy.wit`, and nothing about how it is
//! run.

use scimguard_core::facts::Fact;
use scimguard_core::{BackendOutcome, Outcome, Request, Settings, Verdict};

use crate::engine::{Engine, Fault};

/// Decides requests. A call may block for as long as a decision takes.
pub trait Policy: Send + Sync + 'static {
    /// What the face must know.
    fn settings(&self) -> &Settings;

    /// Decides a request as far as the facts reach.
    ///
    /// # Errors
    /// If there is no decision.
    fn evaluate(&self, request: &Request, facts: &[Fact], now: u64) -> Result<Verdict, Fault>;

    /// Judges the backend's answer.
    ///
    /// # Errors
    /// If there is no decision.
    fn observe(
        &self,
        continuation: &[u8],
        answer: &BackendOutcome,
        facts: &[Fact],
        now: u64,
    ) -> Result<Outcome, Fault>;
}

impl Policy for Engine {
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
