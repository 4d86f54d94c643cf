//! The inputs of a pass, and how its stages ask for more.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;

use crate::facts::Fact;
use crate::known::{Facts, Stop};
use crate::message::{Body, Need, Request};
use crate::policy::Account;
use crate::rules::{Refusal, Stage};

/// The inputs of a pass so far.
pub(crate) struct Inputs {
    pub(crate) facts: Facts,
    request: Arc<Request>,
    port: Port,
}

/// What a pass has used so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effort {
    /// Steps of its budget.
    pub steps: u64,
    /// The stages that ran, in order.
    pub stages: Vec<Stage>,
}

/// Inputs that are given to a pass together.
#[derive(Debug)]
pub struct More {
    /// The client's request, with its body once it was read.
    pub request: Arc<Request>,
    /// Facts.
    pub facts: Arc<Vec<Fact>>,
    /// The index of the first new fact.
    pub from: usize,
    /// Milliseconds since 1970.
    pub now: u64,
}

/// Connects the computation with its caller.
#[derive(Clone, Default)]
pub(crate) struct Port(Arc<Mutex<Slot>>);

#[derive(Default)]
struct Slot {
    need: Option<Need>,
    more: Option<More>,
    effort: Effort,
}

// === impl Inputs ===

impl Inputs {
    pub(crate) fn new(port: Port, more: More) -> Self {
        let mut inputs = Self {
            facts: Facts::default(),
            request: Arc::clone(&more.request),
            port,
        };
        inputs.take(more);
        inputs
    }

    /// The request with its body, which is asked for if it was not read yet.
    pub(crate) async fn with_body(
        &mut self,
        request: &Arc<Request>,
        account: &Account,
    ) -> Arc<Request> {
        let mut request = Arc::clone(request);
        while request.body == Body::Unread {
            self.ask(Need {
                keys: Vec::new(),
                body_limit: Some(account.limits.body_bytes),
            })
            .await;
            request = Arc::clone(&self.request);
        }
        request
    }

    /// Runs `read` until it has all the facts that it needs.
    pub(crate) async fn until<T>(
        &mut self,
        mut read: impl FnMut(&Facts) -> Result<T, Stop>,
    ) -> Result<T, Refusal> {
        loop {
            let spent = self.facts.budget().spent();
            match read(&self.facts) {
                Ok(value) => return Ok(value),
                Err(Stop::Refuse(refusal)) => return Err(refusal),
                Err(Stop::Need(need)) => {
                    // Counts the run that has all facts, and not the ones that stopped before.
                    self.facts.budget().reset(spent);
                    self.ask(need).await;
                }
            }
        }
    }

    /// Ends the pass.
    pub(crate) fn end(&self) {
        self.port.end(self.effort());
    }

    /// What it has used so far.
    fn effort(&self) -> Effort {
        Effort {
            steps: self.facts.budget().spent(),
            stages: self.facts.budget().stages(),
        }
    }

    async fn ask(&mut self, need: Need) {
        let more = self.port.ask(need, self.effort()).await;
        self.take(more);
    }

    fn take(&mut self, more: More) {
        self.facts.add(more.facts, more.from, more.now);
        self.request = more.request;
    }
}

// === impl Port ===

impl Port {
    /// Waits for more inputs.
    pub(crate) async fn ask(&self, need: Need, effort: Effort) -> More {
        self.with(|slot| {
            slot.need = Some(need);
            slot.effort = effort;
        });
        poll_fn(|_| self.with(|slot| slot.more.take().map_or(Poll::Pending, Poll::Ready))).await
    }

    /// Stores what the pass has used in all.
    pub(crate) fn end(&self, effort: Effort) {
        self.with(|slot| slot.effort = effort);
    }

    /// Provides more inputs.
    pub(crate) fn give(&self, more: More) {
        self.with(|slot| slot.more = Some(more));
    }

    /// What it has used so far, and what it needs if it is waiting.
    pub(crate) fn left(&self) -> (Effort, Option<Need>) {
        self.with(|slot| (std::mem::take(&mut slot.effort), slot.need.take()))
    }

    fn with<T>(&self, f: impl FnOnce(&mut Slot) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
