//! What a pass has been given, and how its stages ask for more.

use std::sync::Arc;

use crate::known::{Facts, Stop};
use crate::message::{Body, Need, Request};
use crate::pass::{Effort, More, Port};
use crate::policy::Account;
use crate::rules::Refusal;

/// What a pass has been given by now.
pub(crate) struct Inputs {
    pub(crate) facts: Facts,
    request: Arc<Request>,
    port: Port,
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
