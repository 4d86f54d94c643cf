//! Observes the policy's input and answers in an exchange.

use scimguard_interface::{Given, Outcome, Verdict};

/// Observes an exchange, for a log or a test. An observer cannot change the exchange.
pub trait Witness {
    /// The policy is about to decide the request.
    fn evaluates(&mut self, _: Given<'_>) {}

    /// The policy has given this verdict.
    fn decided(&mut self, _: &Verdict) {}

    /// The policy has judged an answer or, with `begins`, the next part of the request.
    fn observed(&mut self, _: Given<'_>, _begins: bool, _: &Outcome) {}

    /// The exchange itself refuses the request by this rule.
    fn refused(&mut self, _rule: &str) {}

    /// The policy failed or broke the protocol.
    fn trapped(&mut self, _why: &str) {}
}

/// Observes nothing.
impl Witness for () {}
