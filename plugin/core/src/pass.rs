//! A pass: one decision, or one judged answer. It stops where an input is missing and resumes
//! there, so that no stage runs twice.
//!
//! The stages that have to ask are `async` functions, and the compiler keeps their intermediate
//! results. They wait for nothing else: the caller gets a [`Need`], and polls again with the answer
//! to it.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use scimguard_interface::{Given, Observed};

use crate::evaluate::{self, Known};
use crate::inputs::{Effort, Inputs, More, Port};
use crate::message::{Need, Outcome, Verdict};
use crate::rules::{Refusal, host};
use crate::{Guard, Settings, observe, resume};

/// One decision, or one judged answer.
pub struct Pass {
    guard: Guard,
    state: State,
    /// How many of the facts were given so far.
    known: usize,
    /// What it had used when it last stopped.
    effort: Effort,
}

/// How far the pass has come.
enum State {
    /// It has not started, or is done.
    Idle,
    Evaluating(Work<Verdict>),
    Observing(Work<Outcome>),
}

/// A computation that may stop for a [`Need`].
struct Work<T> {
    port: Port,
    future: Pin<Box<dyn Future<Output = T> + Send>>,
}

// === impl Pass ===

impl Pass {
    pub(crate) fn new(guard: &Guard) -> Self {
        Self {
            guard: guard.clone(),
            state: State::Idle,
            known: 0,
            effort: Effort::default(),
        }
    }

    /// What it has used so far.
    #[must_use]
    pub fn effort(&self) -> &Effort {
        &self.effort
    }

    /// Starts to decide a request, as far as the facts suffice.
    pub fn evaluate(&mut self, more: More) -> Verdict {
        let guard = self.guard.clone();
        let work = Work::new(|port| async move {
            let request = Arc::clone(&more.request);
            let mut inputs = Inputs::new(port, more);
            let known = Known::default();
            let verdict = evaluate::evaluate(&guard.policy, request, &mut inputs, known).await;
            inputs.end();
            verdict
        });
        self.evaluating(work)
    }

    /// Resumes a decision.
    pub fn resume_evaluate(&mut self, more: More) -> Verdict {
        let State::Evaluating(work) = std::mem::replace(&mut self.state, State::Idle) else {
            return evaluate::refuse(&not_begun());
        };
        work.port.give(more);
        self.evaluating(work)
    }

    /// Starts to judge the backend's answer, or to decide the next part of a request.
    pub fn observe(&mut self, observed: Arc<Observed>, more: More) -> Outcome {
        let guard = self.guard.clone();
        let work = Work::new(|port| async move {
            let mut inputs = Inputs::new(port, more);
            let outcome = resume::resume(&guard.policy, &observed, &mut inputs).await;
            inputs.end();
            outcome
        });
        self.observing(work)
    }

    /// Resumes the judgement of an answer.
    pub fn resume_observe(&mut self, more: More) -> Outcome {
        let State::Observing(work) = std::mem::replace(&mut self.state, State::Idle) else {
            return observe::refuse(&not_begun());
        };
        work.port.give(more);
        self.observing(work)
    }

    fn more(&mut self, given: Given<'_>) -> More {
        let from = std::mem::replace(&mut self.known, given.facts.len());
        More {
            request: Arc::clone(given.request),
            facts: Arc::clone(given.facts),
            from,
            now: given.now,
        }
    }

    fn evaluating(&mut self, mut work: Work<Verdict>) -> Verdict {
        let verdict = work.go_on(&mut self.effort);
        if matches!(verdict, Verdict::Need(_)) {
            self.state = State::Evaluating(work);
        }
        verdict
    }

    fn observing(&mut self, mut work: Work<Outcome>) -> Outcome {
        let outcome = work.go_on(&mut self.effort);
        if matches!(outcome, Outcome::Need(_)) {
            self.state = State::Observing(work);
        }
        outcome
    }
}

impl scimguard_interface::Pass for Pass {
    type Fault = Infallible;

    fn evaluate(&mut self, given: Given<'_>) -> Result<Verdict, Infallible> {
        self.known = 0;
        let more = self.more(given);
        Ok(self.evaluate(more))
    }

    fn resume_evaluate(&mut self, given: Given<'_>) -> Result<Verdict, Infallible> {
        let more = self.more(given);
        Ok(self.resume_evaluate(more))
    }

    fn observe(
        &mut self,
        observed: &Arc<Observed>,
        given: Given<'_>,
    ) -> Result<Outcome, Infallible> {
        self.known = 0;
        let more = self.more(given);
        Ok(self.observe(Arc::clone(observed), more))
    }

    fn resume_observe(&mut self, given: Given<'_>) -> Result<Outcome, Infallible> {
        let more = self.more(given);
        Ok(self.resume_observe(more))
    }
}

impl scimguard_interface::Policy for Guard {
    type Fault = Infallible;
    type Pass = Pass;

    fn settings(&self) -> &Settings {
        self.settings()
    }

    fn pass(&self) -> Result<Pass, Infallible> {
        Ok(Pass::new(self))
    }
}

impl fmt::Debug for Pass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pass")
            .field("effort", &self.effort)
            .finish_non_exhaustive()
    }
}

fn not_begun() -> Refusal {
    host::FACTS_UNAVAILABLE
        .because("The guard resumed a decision that was not waiting. Repeat the request.")
}

// === impl Work ===

impl<T: From<Need>> Work<T> {
    fn new<F: Future<Output = T> + Send + 'static>(work: impl FnOnce(Port) -> F) -> Self {
        let port = Port::default();
        Self {
            future: Box::pin(work(port.clone())),
            port,
        }
    }

    fn go_on(&mut self, effort: &mut Effort) -> T {
        let polled = self
            .future
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()));
        let (took, need) = self.port.left();
        *effort = took;
        match polled {
            Poll::Ready(done) => done,
            Poll::Pending => need.unwrap_or_default().into(),
        }
    }
}
