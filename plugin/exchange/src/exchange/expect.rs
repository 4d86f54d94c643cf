//! One question for the token of a write and for all else that the policy asks for then.
//!
//! A question costs a gateway a call. So the policy is first asked with the token as it was when it was
//! last good. It decides nothing by that: its questions alone count, and it is asked anew with the service's
//! answers to all of them.

use std::fmt::Display;
use std::sync::Arc;

use scimguard_core::facts::{Fact, Key};
use scimguard_core::{Need, Verdict, sha256_hex};
use scimguard_interface::{Given, Policy};
use scimguard_wire::is_read;

use super::Exchange;
use super::step::Step;
use super::steps::{Judged, call};
use crate::Witness;
use crate::trust::{Trust, opaque_token};

impl<P, W> Exchange<P, W>
where
    P: Policy<Fault: Into<crate::Refused> + Display> + ?Sized,
    W: Witness,
{
    /// What the token of this write was when it was last good, if a service is asked and that was lately.
    pub(super) fn expected_token(&self) -> Option<Fact> {
        let known = self.setup.expects.as_ref()?;
        if is_read(&self.request.method) || !self.setup.paths.is_scim(&self.request.path) {
            return None;
        }
        let token = opaque_token(&self.request)?;
        known.expected(&sha256_hex(token.as_bytes()), self.now)
    }

    /// Asks the policy what it will ask for, then the service for all of it.
    pub(super) fn foresee(&mut self, token: Key) -> Step {
        let setup = Arc::clone(&self.setup);
        let given = Given {
            request: &self.request,
            facts: &self.facts,
            now: self.now,
        };
        let judged = call(&setup.policy, &mut self.pass, &self.at, given);
        let mut need = match judged {
            Ok(Judged::Verdict(verdict)) => self.only_asks(verdict),
            // The pass with the service's answers shows what is wrong.
            Ok(Judged::Outcome(_)) | Err(_) => Need::default(),
        };
        if self.lacks_body(&need) {
            self.expects = Some(token);
            return self.provide(need);
        }
        need.keys.insert(0, token);
        self.facts = Arc::default();
        self.pass = None;
        self.wanted = need;
        self.ask()
    }

    /// What a verdict asks for, if it may.
    fn only_asks(&self, verdict: Verdict) -> Need {
        let checked = Trust::default().decided(&self.seen(&self.setup), &verdict);
        match (verdict, checked) {
            (Verdict::Need(need), Ok(())) => need,
            _ => Need::default(),
        }
    }
}
