//! The single pass of this instance.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use scimguard_core::{Guard, More, Pass};
use scimguard_interface::{BackendOutcome, Body, Fact, Observed, Outcome, Request, Verdict};

/// The state kept between calls.
struct Begun {
    pass: Pass,
    request: Arc<Request>,
}

static BEGUN: Mutex<Option<Begun>> = Mutex::new(None);

/// Begins a decision.
pub(crate) fn evaluate(guard: &Guard, request: Request, facts: Vec<Fact>, now: u64) -> Verdict {
    let mut begun = Begun {
        pass: guard.pass(),
        request: Arc::new(request),
    };
    let verdict = begun.pass.evaluate(more(&begun.request, facts, now));
    keep(begun, matches!(verdict, Verdict::Need(_)));
    verdict
}

/// Resumes the decision; `None` if there is none.
pub(crate) fn resume_evaluate(body: Option<Body>, facts: Vec<Fact>, now: u64) -> Option<Verdict> {
    let mut begun = begun().take()?;
    if let Some(body) = body {
        Arc::make_mut(&mut begun.request).body = body;
    }
    let verdict = begun.pass.resume_evaluate(more(&begun.request, facts, now));
    keep(begun, matches!(verdict, Verdict::Need(_)));
    Some(verdict)
}

/// Begins the judgement of an answer.
pub(crate) fn observe(
    guard: &Guard,
    continuation: Vec<u8>,
    outcome: BackendOutcome,
    facts: Vec<Fact>,
    now: u64,
) -> Outcome {
    let mut begun = Begun {
        pass: guard.pass(),
        // Judging an answer needs only the continuation.
        request: Arc::default(),
    };
    let observed = Arc::new(Observed {
        continuation,
        outcome,
    });
    let outcome = begun
        .pass
        .observe(observed, more(&begun.request, facts, now));
    keep(begun, matches!(outcome, Outcome::Need(_)));
    outcome
}

/// Resumes the judgement; `None` if there is none.
pub(crate) fn resume_observe(facts: Vec<Fact>, now: u64) -> Option<Outcome> {
    let mut begun = begun().take()?;
    let outcome = begun.pass.resume_observe(more(&begun.request, facts, now));
    keep(begun, matches!(outcome, Outcome::Need(_)));
    Some(outcome)
}

fn more(request: &Arc<Request>, facts: Vec<Fact>, now: u64) -> More {
    More {
        request: Arc::clone(request),
        facts: Arc::new(facts),
        from: 0,
        now,
    }
}

fn keep(pass: Begun, waits: bool) {
    *begun() = waits.then_some(pass);
}

fn begun() -> MutexGuard<'static, Option<Begun>> {
    BEGUN.lock().unwrap_or_else(PoisonError::into_inner)
}
