//! Where a request goes on: with the backend's answer to what was forwarded, or with its next part.

mod bulk;
mod single;

use crate::continuation::Continuation;
use crate::evaluate::Given;
use crate::known::Facts;
use crate::message::{BackendOutcome, Outcome};
use crate::policy::Policy;

use single::{invalid_continuation, judge};

/// Judges what the backend answered, or begins the next part of a request.
pub(crate) fn resume(
    policy: &Policy,
    continuation: &[u8],
    answer: &BackendOutcome,
    facts: &Facts<'_>,
    now: u64,
) -> Outcome {
    facts.budget().kept(continuation);
    match Continuation::from_bytes(continuation) {
        Some(Continuation::Bulk(bulk)) => bulk::resume(policy, *bulk, answer, facts, now),
        Some(alone) => judge(policy, alone, answer, facts, now, Given::default()),
        None => invalid_continuation(),
    }
}
