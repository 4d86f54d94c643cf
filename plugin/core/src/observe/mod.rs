//! Handles the backend's answer: what it means for the client and for the record.
//!
//! Answers are trusted no further than necessary: the answer to a write must have the resource that
//! was written, and the answer to a create the name that was sent and an id that no other resource
//! has. Otherwise nothing is recorded, and what was pending stays pending.

mod annotation;
mod answer;
mod discovery;
mod failure;
mod readable;
mod reading;
mod records;
mod repair;

use crate::budget::{Budget, BudgetExceeded};
use crate::continuation::{Continuation, Expected, ScimContinuation};
use crate::inputs::Inputs;
use crate::json::Json;
use crate::known::Facts;
use crate::message::{
    AnswerBody, BackendAnswer, BackendOutcome, Forward, Outcome, Respond, Response, ResponseBody,
};
use crate::plan::Effects;
use crate::policy::Policy;
use crate::refusal::ErrorForm;
use crate::rules::{Refusal, host};

use failure::{backend_error, is_definite_refusal, not_there, refused, unavailable};

pub use readable::Readable;

/// Judges the answer to a SCIM call, or sends one more read that the client or the record needs.
pub(crate) async fn scim(
    policy: &Policy,
    mut continuation: ScimContinuation,
    answer: &BackendOutcome,
    inputs: &mut Inputs,
) -> Outcome {
    if let Some(reading) = continuation.reading.take_if(|_| finds_no_target(answer)) {
        // A PATCH is done completely or not at all, so its planned records are withdrawn.
        return Outcome::Forward(reading.forward(continuation.outcome.refused));
    }
    if let Some(read) = continuation.read_created(answer) {
        return Outcome::Forward(Forward {
            continuation: Continuation::Scim(continuation).to_bytes(),
            ..read
        });
    }
    let read_back = continuation.read_back.take();
    let is_head = continuation.is_head;
    match answered(policy, continuation, answer, inputs).await {
        Ok(mut respond) => match read_back {
            Some(reading) if respond.response.status == 204 => {
                Outcome::Forward(reading.for_the_client(respond.records))
            }
            _ => {
                if is_head {
                    respond.response.body = ResponseBody::None;
                }
                Outcome::Respond(respond)
            }
        },
        Err(refusal) => refuse(&refusal),
    }
}

/// RFC 7644 §3.12: the path names no value.
fn finds_no_target(answer: &BackendOutcome) -> bool {
    let BackendOutcome::Answered(answer) = answer else {
        return false;
    };
    answer.status == 400
        && answer::read(answer).is_ok_and(|error| {
            answer::member(&error, "scimType").and_then(Json::as_str) == Some("noTarget")
        })
}

async fn answered(
    policy: &Policy,
    continuation: ScimContinuation,
    outcome: &BackendOutcome,
    inputs: &mut Inputs,
) -> Result<Respond, Refusal> {
    let now = inputs.facts.now();
    let account = policy.account(&continuation.account);
    let success = match success(policy, &continuation, outcome, now) {
        Ok(success) => success,
        Err(Unsuccessful::Answer(respond)) => return Ok(*respond),
        Err(Unsuccessful::Refused(refusal)) => return unsuccessful(refusal),
    };
    if let Expected::Created { kind, name, .. } = &continuation.expected {
        let body = &success.body;
        let check = |facts: &Facts| {
            records::check_created(*kind, name, body, &continuation, account, facts)
        };
        if let Err(refusal) = inputs.until(check).await {
            return unsuccessful(refusal);
        }
    }
    Ok(success.respond(policy, &continuation))
}

/// An answer that is not what was asked for is not a success, whatever its status.
fn unsuccessful(refusal: Refusal) -> Result<Respond, Refusal> {
    match refusal.rule == host::UPSTREAM_INVALID.id {
        true => Ok(refused(refusal, ErrorForm::Scim, Vec::new())),
        false => Err(refusal),
    }
}

/// Judges the answer to a management request. The answer itself is passed on.
pub(crate) fn management(outcome: Effects, answered: &BackendOutcome) -> Respond {
    let BackendOutcome::Answered(answer) = answered else {
        return refused(unavailable(), ErrorForm::Problem, Vec::new());
    };
    if answer.body == AnswerBody::OverLimit {
        let refusal = host::UPSTREAM_INVALID
            .because("The application's answer is larger than the guard reads. It may have acted.");
        return refused(refusal, ErrorForm::Problem, Vec::new());
    }
    let records = match answer.status {
        200..=299 => records::as_planned(outcome),
        404 if outcome.is_deletion() => records::as_planned(outcome),
        status if is_definite_refusal(status) => outcome.refused,
        _ => Vec::new(),
    };
    Respond {
        response: Response {
            status: answer.status,
            headers: answer::end_to_end(answer),
            body: ResponseBody::AsReceived,
        },
        records,
        rule: None,
    }
}

/// Why an answer is not a success with the expected body.
enum Unsuccessful {
    /// The client gets this answer.
    Answer(Box<Respond>),
    Refused(Refusal),
}

/// A success with a body.
struct Success<'a> {
    answer: &'a BackendAnswer,
    body: Json,
    /// The body repeats what was sent, and does not show what is stored.
    is_echo: bool,
}

/// Reads a success, as far as it can be judged from its answer alone.
fn success<'a>(
    policy: &Policy,
    continuation: &ScimContinuation,
    outcome: &'a BackendOutcome,
    now: u64,
) -> Result<Success<'a>, Unsuccessful> {
    let BackendOutcome::Answered(answer) = outcome else {
        let failed = records::failed(continuation, None, now);
        return Err(refused(unavailable(), ErrorForm::Scim, failed).into());
    };
    let account = policy.account(&continuation.account);
    let empty = |status, is_resource| Respond {
        response: Response {
            status,
            headers: answer::headers(answer, continuation, is_resource),
            body: ResponseBody::None,
        },
        records: Vec::new(),
        rule: None,
    };
    let nothing = || Respond {
        records: records::of(continuation, account, None),
        ..empty(204, false)
    };
    match answer.status {
        200..=299 => {}
        // The create itself was done: nothing is withdrawn.
        _ if matches!(continuation.expected, Expected::Created { at: Some(_), .. }) => {
            return Err(answer::invalid_answer("the created resource cannot be read").into());
        }
        304 => return Err(empty(304, false).into()),
        400..=599 => return Err(backend_error(answer, continuation, now).into()),
        status => {
            let refusal = host::UPSTREAM_INVALID.because(format!(
                "The application answered with status {status}, which SCIM does not define. Check the backend address of the guard."
            ));
            return Err(refusal.into());
        }
    }
    if matches!(continuation.expected, Expected::Deleted) {
        return Err(nothing().into());
    }
    if answer.body.is_blank() {
        return Err(match continuation.expected {
            _ if continuation.is_head => empty(answer.status, true).into(),
            Expected::Written(..) => nothing().into(),
            _ => answer::invalid_answer("it is empty").into(),
        });
    }
    let mut body = answer::read(answer)?;
    let mut is_echo = false;
    match &continuation.expected {
        Expected::Resource(kind, id) | Expected::Written(kind, id) => {
            let shape = &account.resource(*kind).shape;
            repair::identifiers(&mut body, &[shape]);
            is_echo = matches!(continuation.expected, Expected::Written(..))
                && repair::own_id(&mut body, shape, id);
            answer::check_resource(&body, shape, Some(id))?;
        }
        Expected::Created { kind, at, .. } => {
            let shape = &account.resource(*kind).shape;
            repair::identifiers(&mut body, &[shape]);
            answer::check_resource(&body, shape, at.as_deref())?;
        }
        Expected::List { kind, from_start } => {
            body = repair::list(body, *from_start)?;
            let shape = kind.map(|kind| &account.resource(kind).shape);
            match &shape {
                Some(shape) => repair::identifiers(&mut body, &[shape]),
                None => {
                    repair::identifiers(&mut body, &[&account.user.shape, &account.group.shape]);
                }
            }
            answer::check_list(&body, shape)?;
        }
        Expected::Discovery(document) => {
            let described = discovery::through_the_guard(*document, body, account)?;
            let not_there = || not_there(continuation, now);
            body = described.ok_or_else(not_there)?;
        }
        Expected::Deleted => {}
    }
    Ok(Success {
        answer,
        body,
        is_echo,
    })
}

// === impl Success ===

impl Success<'_> {
    /// The answer for the client, and the records that it settles.
    fn respond(mut self, policy: &Policy, continuation: &ScimContinuation) -> Respond {
        let account = policy.account(&continuation.account);
        let shown = (!self.is_echo).then_some(&self.body);
        let records = records::of(continuation, account, shown);
        let shapes = [&account.user.shape, &account.group.shape];
        answer::sanitise(&mut self.body, &shapes, &continuation.bases);
        let mut headers = answer::headers(self.answer, continuation, true);
        let mut status = self.answer.status;
        if let Expected::Created { kind, at, .. } = &continuation.expected {
            answer::locate(&mut headers, &self.body, *kind, &continuation.bases);
            if at.is_some() {
                status = 201;
            }
        }
        Respond {
            response: Response {
                status,
                headers,
                body: ResponseBody::Bytes(self.body.to_bytes()),
            },
            records,
            rule: None,
        }
    }
}

impl From<Respond> for Unsuccessful {
    fn from(respond: Respond) -> Self {
        Self::Answer(Box::new(respond))
    }
}

impl From<Refusal> for Unsuccessful {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// Counts the reading of an answer, if it is read.
pub(crate) fn affordable(
    continuation: &Continuation,
    answer: &BackendOutcome,
    budget: &Budget,
) -> Result<(), BudgetExceeded> {
    match (continuation, answer) {
        (Continuation::Management(_), _) => Ok(()),
        (
            _,
            BackendOutcome::Answered(BackendAnswer {
                body: AnswerBody::Bytes(bytes),
                ..
            }),
        ) => budget.answer(bytes),
        _ => Ok(()),
    }
}

/// The end of a request that a rule refuses after all.
pub(crate) fn refuse(refusal: &Refusal) -> Outcome {
    Outcome::Respond(refused(refusal.clone(), ErrorForm::Scim, Vec::new()))
}
