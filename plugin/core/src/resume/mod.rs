//! Resumes a request, with the backend's answer to what was forwarded or with its next part.

mod bulk;
mod single;

use scimguard_interface::Observed;

use crate::continuation::Continuation;
use crate::evaluate::Known;
use crate::inputs::Inputs;
use crate::message::Outcome;
use crate::policy::Policy;

use single::{invalid_continuation, judge};

/// Judges the backend's answer, or starts the next part of a request.
pub(crate) async fn resume(policy: &Policy, observed: &Observed, inputs: &mut Inputs) -> Outcome {
    let Observed {
        continuation,
        outcome,
    } = observed;
    inputs.facts.budget().kept(continuation);
    match Continuation::from_bytes(continuation) {
        Some(Continuation::Bulk(bulk)) => bulk::resume(policy, *bulk, outcome, inputs).await,
        Some(alone) => judge(policy, alone, outcome, inputs, Known::default()).await,
        None => invalid_continuation(),
    }
}
