//! Watching an exchange: what the policy was given, and what it said.

use scimguard_interface::{Given, Outcome, Verdict};

/// Observes an exchange, for a log or a test. An observer cannot change the exchange.
pub trait Witness {
    /// The policy is about to decide the request.
    fn evaluates(&mut self, given: Given<'_>) {
        let _ = given;
    }

    /// It has said this of the request.
    fn decided(&mut self, verdict: &Verdict) {
        let _ = verdict;
    }

    /// It has said this of an answer or, with `begins`, of the next part of the request.
    fn observed(&mut self, given: Given<'_>, begins: bool, outcome: &Outcome) {
        let _ = (given, begins, outcome);
    }

    /// The exchange itself refuses the request, by this rule.
    fn refused(&mut self, rule: &str) {
        let _ = rule;
    }

    /// The policy failed, or does what no policy may.
    fn trapped(&mut self, why: &str) {
        let _ = why;
    }
}

/// Observes nothing.
impl Witness for () {}
