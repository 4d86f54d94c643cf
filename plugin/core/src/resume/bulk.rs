//! Resumes a Bulk request, with the answer to the current operation or with the next one. Each
//! operation is judged like a request of its own.

use std::sync::Arc;

use super::single::{invalid_continuation, judge};
use crate::bulk::{Bulk, UnderWay};
use crate::continuation::Continuation;
use crate::evaluate::{Known, evaluate};
use crate::inputs::Inputs;
use crate::message::{BackendOutcome, Normalisation, Outcome, Respond, Verdict};
use crate::policy::Policy;
use crate::record::Record;
use crate::rules::scim;

/// Resumes with the answer to the current operation, or else with the next operation.
pub(super) async fn resume(
    policy: &Policy,
    mut bulk: Bulk,
    answer: &BackendOutcome,
    inputs: &mut Inputs,
) -> Outcome {
    if let Some(UnderWay {
        index,
        continuation,
    }) = bulk.under_way.take()
    {
        let outcome = match Continuation::from_bytes(&continuation) {
            Some(part) => judge(policy, part, answer, inputs, known(&bulk)).await,
            None => invalid_continuation(),
        };
        return match outcome {
            Outcome::Need(need) => Outcome::Need(need),
            Outcome::Forward(forward) => Outcome::Forward(bulk.forward(index, forward)),
            Outcome::Respond(respond) => {
                bulk.answered(index, &respond);
                next(bulk, respond.records, Vec::new())
            }
            Outcome::Proceed(_) => nested(bulk, index),
        };
    }
    let Some(index) = bulk.first_ready() else {
        return Outcome::Respond(bulk.respond(Vec::new()));
    };
    let request = match bulk.request(index) {
        Ok(request) => request,
        Err(refusal) => {
            bulk.refused(index, &refusal);
            return next(bulk, Vec::new(), Vec::new());
        }
    };
    let before = inputs.facts.budget().spent_on_request();
    inputs.facts.budget().carry(bulk.spent);
    let verdict = evaluate(policy, Arc::new(request), inputs, known(&bulk)).await;
    // Each operation reads the continuation again; that cost does not count as the operation's.
    let spent = inputs.facts.budget().spent_on_request();
    bulk.spent = spent.saturating_sub(before);
    match verdict {
        Verdict::Need(need) => Outcome::Need(need),
        Verdict::Forward(forward) => Outcome::Forward(bulk.forward(index, forward)),
        Verdict::Reject(reject) => {
            bulk.answered(
                index,
                &Respond {
                    response: reject.response,
                    records: Vec::new(),
                    rule: Some(reject.rule),
                },
            );
            next(bulk, Vec::new(), reject.changes)
        }
        Verdict::Proceed(_) => nested(bulk, index),
    }
}

/// The inputs of an operation besides the request.
fn known(bulk: &Bulk) -> Known<'_> {
    Known {
        read: None,
        bulk_ids: Some(&bulk.ids),
    }
}

/// Continues after an operation: with the next one, or with the response.
fn next(bulk: Bulk, records: Vec<Record>, changes: Vec<Normalisation>) -> Outcome {
    match bulk.first_ready() {
        Some(_) => Outcome::Proceed(bulk.proceed(records, changes)),
        None => Outcome::Respond(bulk.respond(records)),
    }
}

fn nested(mut bulk: Bulk, index: usize) -> Outcome {
    let refusal = scim::BULK_INVALID.because(format!(
        "Operations[{index}].path: a Bulk request cannot hold another one."
    ));
    bulk.refused(index, &refusal);
    next(bulk, Vec::new(), Vec::new())
}
