//! Observes the policy's input and answers in an exchange.

use scimguard_interface::{Given, Outcome, Verdict};

/// Observes an exchange, for a log or a test. An observer cannot change the exchange.
pub trait Witness {
    /// The policy is about to decide the request.
    fn evaluates(&mut self, given: Given<'_>) {
        let _ = given;
    }

    /// The policy has given this verdict.
    fn decided(&mut self, verdict: &Verdict) {
        let _ = verdict;
    }

    /// The policy has judged an answer or, with `begins`, the next part of the request.
    fn observed(&mut self, given: Given<'_>, begins: bool, outcome: &Outcome) {
        let _ = (given, begins, outcome);
    }

    /// The exchange itself refuses the request by this rule.
    fn refused(&mut self, rule: &str) {
        let _ = rule;
    }

    /// The policy failed or broke the protocol.
    fn trapped(&mut self, why: &str) {
        let _ = why;
    }
}

/// Observes nothing.
impl Witness for () {}
