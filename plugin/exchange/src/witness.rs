//! Watching an exchange: what the policy was shown, and what it said.

use std::sync::Arc;

use scimguard_core::facts::Fact;
use scimguard_core::{Outcome, Request, Verdict};

/// What the policy is shown.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The client's request, with its body once that was read.
    pub request: &'a Arc<Request>,
    /// The facts of this pass.
    pub facts: &'a Arc<Vec<Fact>>,
    /// Milliseconds since 1970.
    pub now: u64,
}

/// Somebody who watches an exchange, for a log or a test. Nothing that it does changes the exchange.
pub trait Witness {
    /// The policy is about to decide the request.
    fn evaluates(&mut self, view: View<'_>) {
        let _ = view;
    }

    /// It has said this of the request.
    fn decided(&mut self, verdict: &Verdict) {
        let _ = verdict;
    }

    /// It has said this of an answer or, with `begins`, of the next part of the request.
    fn observed(&mut self, view: View<'_>, begins: bool, outcome: &Outcome) {
        let _ = (view, begins, outcome);
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

/// Nobody watches.
impl Witness for () {}
