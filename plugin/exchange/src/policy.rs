//! What an exchange needs of a policy: the two calls of `wit/policy.wit`, and nothing about how they are
//! made.

use std::convert::Infallible;
use std::fmt;

use scimguard_core::facts::Fact;
use scimguard_core::{BackendOutcome, Guard, Outcome, Request, Settings, Verdict};

use crate::Refused;

/// A policy: the core itself, or a component in a sandbox.
pub trait Policy {
    /// Why a call gives no answer. The client is refused with it.
    type Fault: Into<Refused> + fmt::Display;

    /// What has to be known of it before it is called.
    fn settings(&self) -> &Settings;

    /// Decides a request as far as the facts reach. `now`: milliseconds since 1970.
    ///
    /// # Errors
    /// The policy failed.
    fn evaluate(&self, request: &Request, facts: &[Fact], now: u64)
    -> Result<Verdict, Self::Fault>;

    /// Judges the backend's answer, or decides the next part of a request.
    ///
    /// # Errors
    /// The policy failed.
    fn observe(
        &self,
        continuation: &[u8],
        answer: &BackendOutcome,
        facts: &[Fact],
        now: u64,
    ) -> Result<Outcome, Self::Fault>;
}

impl Policy for Guard {
    type Fault = Infallible;

    fn settings(&self) -> &Settings {
        self.settings()
    }

    fn evaluate(&self, request: &Request, facts: &[Fact], now: u64) -> Result<Verdict, Infallible> {
        Ok(self.evaluate(request, facts, now))
    }

    fn observe(
        &self,
        continuation: &[u8],
        answer: &BackendOutcome,
        facts: &[Fact],
        now: u64,
    ) -> Result<Outcome, Infallible> {
        Ok(self.observe(continuation, answer, facts, now))
    }
}

impl<P: Policy + ?Sized> Policy for &P {
    type Fault = P::Fault;

    fn settings(&self) -> &Settings {
        (**self).settings()
    }

    fn evaluate(
        &self,
        request: &Request,
        facts: &[Fact],
        now: u64,
    ) -> Result<Verdict, Self::Fault> {
        (**self).evaluate(request, facts, now)
    }

    fn observe(
        &self,
        continuation: &[u8],
        answer: &BackendOutcome,
        facts: &[Fact],
        now: u64,
    ) -> Result<Outcome, Self::Fault> {
        (**self).observe(continuation, answer, facts, now)
    }
}

impl From<Infallible> for Refused {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}
