//! A request, or an operation of a Bulk request, that is one request to the backend. Its answer is
//! judged; if it waited for a read, it is decided now.

use std::sync::Arc;

use crate::continuation::Continuation;
use crate::evaluate::{Known, evaluate};
use crate::inputs::Inputs;
use crate::message::{AnswerBody, BackendAnswer, BackendOutcome, Outcome, Respond, Verdict};
use crate::observe;
use crate::plan::Effects;
use crate::policy::Policy;
use crate::rules::host;

/// Judges the answer to a request, or to an operation of a Bulk request, that is one request to the
/// backend.
pub(super) async fn judge(
    policy: &Policy,
    continuation: Continuation,
    answer: &BackendOutcome,
    inputs: &mut Inputs,
    known: Known<'_>,
) -> Outcome {
    let unread;
    let answer = match (
        observe::affordable(&continuation, answer, inputs.facts.budget()),
        &continuation,
    ) {
        (Ok(()), _) => answer,
        // Passes the answer on as it came, without annotation.
        (Err(_), Continuation::Described(_)) => {
            return Outcome::Respond(observe::management(Effects::default(), answer));
        }
        (Err(exceeded), _) => match answer {
            BackendOutcome::Answered(error) if error.status >= 400 => {
                unread = BackendOutcome::Answered(BackendAnswer {
                    status: error.status,
                    headers: error.headers.clone(),
                    body: AnswerBody::OverLimit,
                });
                &unread
            }
            _ => return observe::refuse(&exceeded.into()),
        },
    };
    match continuation {
        Continuation::Scim(continuation) => {
            observe::scim(policy, continuation, answer, inputs).await
        }
        Continuation::Management(planned) => Outcome::Respond(observe::management(planned, answer)),
        Continuation::Described(described) => described.answered(policy, answer, inputs).await,
        Continuation::PendingRead(reading) => {
            match reading.answered(policy, answer, inputs.facts.now()) {
                Err(respond) => Outcome::Respond(*respond),
                Ok((request, resource)) => {
                    let known = Known {
                        read: Some(&resource),
                        ..known
                    };
                    match Box::pin(evaluate(policy, Arc::new(request), inputs, known)).await {
                        Verdict::Need(need) => Outcome::Need(need),
                        Verdict::Forward(forward) => Outcome::Forward(forward),
                        Verdict::Proceed(proceed) => Outcome::Proceed(proceed),
                        Verdict::Reject(reject) => Outcome::Respond(Respond {
                            response: reject.response,
                            records: Vec::new(),
                            rule: Some(reject.rule),
                        }),
                    }
                }
            }
        }
        Continuation::Bulk(_) => invalid_continuation(),
    }
}

/// The end of a request whose continuation was changed by the host.
pub(super) fn invalid_continuation() -> Outcome {
    observe::refuse(
        &host::PLUGIN_TRAPPED.because("The state that the guard kept of the request is not valid."),
    )
}
