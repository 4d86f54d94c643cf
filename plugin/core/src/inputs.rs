//! What a pass has been given, and how its stages ask for more.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;

use crate::facts::Fact;
use crate::known::{Facts, Stop};
use crate::message::{Body, Need, Request};
use crate::policy::Account;
use crate::rules::{Refusal, Stage};

/// What a pass has been given by now.
pub(crate) struct Inputs {
    pub(crate) facts: Facts,
    request: Arc<Request>,
    port: Port,
}

/// What a pass took by now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effort {
    /// Steps of its budget.
    pub steps: u64,
    /// The stages that ran, in order.
    pub stages: Vec<Stage>,
}

/// What is given to a pass at once.
#[derive(Debug)]
pub struct More {
    /// The client's request, with its body once that was read.
    pub request: Arc<Request>,
    /// Facts.
    pub facts: Arc<Vec<Fact>>,
    /// From this place on they are new.
    pub from: usize,
    /// Milliseconds since 1970.
    pub now: u64,
}

/// Between the computation and its caller.
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

    /// The request with its body, asked for if nobody has read it yet.
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

    /// What this gives once it has all the facts that it reads.
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
                    // What is only known now is counted, and not that it was looked for before.
                    self.facts.budget().reset(spent);
                    self.ask(need).await;
                }
            }
        }
    }

    /// The pass is done.
    pub(crate) fn end(&self) {
        self.port.end(self.effort());
    }

    /// What it took by now.
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
    /// Stops until there is more.
    pub(crate) async fn ask(&self, need: Need, effort: Effort) -> More {
        self.with(|slot| {
            slot.need = Some(need);
            slot.effort = effort;
        });
        poll_fn(|_| self.with(|slot| slot.more.take().map_or(Poll::Pending, Poll::Ready))).await
    }

    /// Says what the whole took.
    pub(crate) fn end(&self, effort: Effort) {
        self.with(|slot| slot.effort = effort);
    }

    /// Continues what was stopped.
    pub(crate) fn give(&self, more: More) {
        self.with(|slot| slot.more = Some(more));
    }

    /// What it took by now, and what is needed, if it was stopped.
    pub(crate) fn left(&self) -> (Effort, Option<Need>) {
        self.with(|slot| (std::mem::take(&mut slot.effort), slot.need.take()))
    }

    fn with<T>(&self, f: impl FnOnce(&mut Slot) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
