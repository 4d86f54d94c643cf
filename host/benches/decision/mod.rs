//! One decision, call by call, as a driver makes it.

use std::sync::Arc;

use scimguard_core::facts::Fact;
use scimguard_core::{Body, Need, Request, Verdict};
use scimguard_interface::{Given, Pass as _, Policy};

use crate::sample::NOW;

/// A request whose body is unread, and its facts so far.
pub(crate) struct Decision<'a, P: Policy> {
    policy: &'a P,
    sent: &'a Request,
    pass: Option<P::Pass>,
    request: Arc<Request>,
    facts: Arc<Vec<Fact>>,
}

// === impl Decision ===

impl<'a, P: Policy> Decision<'a, P> {
    pub(crate) fn of(policy: &'a P, sent: &'a Request) -> Self {
        Self {
            policy,
            sent,
            pass: None,
            request: Arc::new(Request {
                body: Body::Unread,
                ..sent.clone()
            }),
            facts: Arc::default(),
        }
    }

    /// Begins the pass, or resumes it.
    pub(crate) fn call(&mut self) -> Result<Verdict, P::Fault> {
        let given = Given {
            request: &self.request,
            facts: &self.facts,
            now: NOW,
        };
        match &mut self.pass {
            Some(pass) => pass.resume_evaluate(given),
            None => self.pass.insert(self.policy.pass()?).evaluate(given),
        }
    }

    /// Provides what was needed.
    pub(crate) fn give(&mut self, need: &Need, facts: impl IntoIterator<Item = Fact>) {
        if need.body_limit.is_some() {
            Arc::make_mut(&mut self.request)
                .body
                .clone_from(&self.sent.body);
        }
        Arc::make_mut(&mut self.facts).extend(facts);
    }
}
