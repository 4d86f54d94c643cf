//! The second half of the way: what the backend's answer means for the client and for the record.
//!
//! Answers are not believed more than they must be: a write is answered with the resource that it
//! was for, a create with the name that was sent and an id that is nobody else's. Otherwise nothing
//! is recorded, and what was pending stays so.

mod annotation;
pub(crate) mod answer;
mod created;
mod discovery;
mod failure;
mod readable;
mod reading;
mod records;
mod repair;

use serde::{Deserialize, Serialize};

use crate::budget::{Budget, BudgetExceeded};
use crate::bulk::{self, Bulk};
use crate::evaluate::{Given, evaluate};
use crate::facts::ResourceKind;
use crate::json::Json;
use crate::known::{Facts, Stop};
use crate::message::{
    AnswerBody, BackendAnswer, BackendOutcome, Forward, Outcome, Respond, Response, ResponseBody,
    Verdict,
};
use crate::plan::Outcome as Planned;
use crate::policy::Policy;
use crate::refusal::ErrorForm;
use crate::route::Discovery;
use crate::route::management::Described;
use crate::rules::{Refusal, face};
use crate::scim::Profile;
use crate::scim::location::Bases;

use failure::{backend_error, is_definite_refusal, not_there, refused, unavailable};

pub(crate) use created::CreatedRead;
pub use readable::Readable;
pub(crate) use reading::Reading;

/// What a forwarded request takes along until its answer comes.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Continuation {
    Scim(ScimContinuation),
    Management(Planned),
    Described(Described),
    Reading(Box<Reading>),
    Bulk(Box<Bulk>),
}

/// Of a SCIM call.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ScimContinuation {
    pub(crate) account: String,
    pub(crate) bases: Bases,
    pub(crate) profile: Profile,
    pub(crate) expected: Expected,
    /// The id of the identity provider's token, if it asked: what it is shown settles its unclear
    /// creates, and what fails of its membership changes is repeated.
    pub(crate) provisioner: Option<String>,
    pub(crate) outcome: Planned,
    /// What to read, and go on, if the backend finds no value at a value path.
    pub(crate) reading: Option<Box<Reading>>,
    /// What to read for an answer with nothing in it, since the client expects the resource.
    pub(crate) read_back: Option<Box<Reading>>,
    /// How to read what a create made, if its answer says only where that is.
    pub(crate) created: Option<Box<CreatedRead>>,
    /// The client asked by HEAD: its answer has no body (RFC 9110 §9.3.2).
    pub(crate) is_head: bool,
}

// === impl Continuation ===

impl Continuation {
    /// As the face keeps it. Plain data with string keys: writing it cannot fail.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// What a success looks like.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Expected {
    /// The resource of this id.
    Resource(ResourceKind, String),
    /// The resource of this id, or nothing.
    Written(ResourceKind, String),
    /// A new resource of this name; of this id, if it is read where the application says that it is.
    Created {
        kind: ResourceKind,
        name: String,
        at: Option<String>,
    },
    /// Resources of this type, or of any; from the first that is found, or a later page or the count.
    List {
        kind: Option<ResourceKind>,
        from_start: bool,
    },
    /// Nothing.
    Deleted,
    /// `/Schemas` and the like.
    Discovery(Discovery),
}

/// Judges what the backend answered, or begins the next part of a request.
pub(crate) fn observe(
    policy: &Policy,
    continuation: &[u8],
    answer: &BackendOutcome,
    facts: &Facts<'_>,
    now: u64,
) -> Outcome {
    facts.budget().kept(continuation);
    match serde_json::from_slice(continuation) {
        Ok(Continuation::Bulk(bulk)) => bulk::resume(policy, *bulk, answer, facts, now),
        Ok(alone) => single(policy, alone, answer, facts, now, Given::default()),
        Err(_) => forgotten(),
    }
}

/// The same for a request, or an operation of a Bulk request, that is one request to the backend.
pub(crate) fn one(
    policy: &Policy,
    continuation: &[u8],
    answer: &BackendOutcome,
    facts: &Facts<'_>,
    now: u64,
    given: Given<'_>,
) -> Outcome {
    match serde_json::from_slice(continuation) {
        Ok(alone) => single(policy, alone, answer, facts, now, given),
        Err(_) => forgotten(),
    }
}

fn single(
    policy: &Policy,
    continuation: Continuation,
    answer: &BackendOutcome,
    facts: &Facts<'_>,
    now: u64,
    given: Given<'_>,
) -> Outcome {
    let unread;
    let answer = match (
        affordable(&continuation, answer, facts.budget()),
        &continuation,
    ) {
        (Ok(()), _) => answer,
        // The answer passes as it came, and nothing is said of it.
        (Err(_), Continuation::Described(_)) => {
            return Outcome::Respond(management(Planned::default(), answer));
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
            _ => return refuse(&exceeded.into()),
        },
    };
    match continuation {
        Continuation::Scim(mut continuation) => {
            if let Some(reading) = continuation.reading.take_if(|_| finds_no_target(answer)) {
                // A PATCH is done whole or not at all: what was planned of it is taken back.
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
            match scim(policy, continuation, answer, facts, now) {
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
                Err(Stop::Need(need)) => Outcome::Need(need),
                Err(Stop::Refuse(refusal)) => refuse(&refusal),
            }
        }
        Continuation::Management(planned) => Outcome::Respond(management(planned, answer)),
        Continuation::Described(described) => described.answered(policy, answer, facts),
        Continuation::Reading(reading) => match reading.answered(policy, answer, now) {
            Err(respond) => Outcome::Respond(*respond),
            Ok((request, resource)) => {
                let given = Given {
                    read: Some(&resource),
                    ..given
                };
                match evaluate(policy, &request, facts, now, given) {
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
        },
        Continuation::Bulk(_) => forgotten(),
    }
}

/// Counts the reading of an answer, if it is read.
fn affordable(
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

fn forgotten() -> Outcome {
    refuse(&face::PLUGIN_TRAPPED.because("What the guard kept of the request is not what it was."))
}

/// The end of a request that a rule refuses after all.
fn refuse(refusal: &Refusal) -> Outcome {
    Outcome::Respond(refused(refusal.clone(), ErrorForm::Scim, Vec::new()))
}

/// Judges the answer to a SCIM call.
fn scim(
    policy: &Policy,
    continuation: ScimContinuation,
    outcome: &BackendOutcome,
    facts: &Facts<'_>,
    now: u64,
) -> Result<Respond, Stop> {
    let BackendOutcome::Answered(answer) = outcome else {
        let failed = records::failed(&continuation, None, now);
        return Ok(refused(unavailable(), ErrorForm::Scim, failed));
    };
    match answer.status {
        200..=299 => {}
        // It was created before: nothing is taken back.
        _ if matches!(continuation.expected, Expected::Created { at: Some(_), .. }) => {
            let refusal = answer::nonsense("what it created cannot be read");
            return Ok(refused(refusal, ErrorForm::Scim, Vec::new()));
        }
        304 => {
            return Ok(Respond {
                response: Response {
                    status: 304,
                    headers: answer::headers(answer, &continuation, false),
                    body: ResponseBody::None,
                },
                records: Vec::new(),
                rule: None,
            });
        }
        400..=599 => return Ok(backend_error(answer, &continuation, now)),
        status => {
            let refusal = face::UPSTREAM_INVALID.because(format!(
                "The application answered with status {status}, which SCIM does not know. Check the backend address of the guard."
            ));
            return Ok(refused(refusal, ErrorForm::Scim, Vec::new()));
        }
    }
    match success(policy, &continuation, answer, facts, now) {
        Ok(respond) => Ok(respond),
        Err(Stop::Refuse(refusal)) if refusal.rule == face::UPSTREAM_INVALID.id => {
            Ok(refused(refusal, ErrorForm::Scim, Vec::new()))
        }
        Err(stop) => Err(stop),
    }
}

/// Judges the answer to a management request. The answer itself passes.
fn management(outcome: Planned, answered: &BackendOutcome) -> Respond {
    let BackendOutcome::Answered(answer) = answered else {
        return refused(unavailable(), ErrorForm::Problem, Vec::new());
    };
    if answer.body == AnswerBody::OverLimit {
        let refusal = face::UPSTREAM_INVALID
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

fn success(
    policy: &Policy,
    continuation: &ScimContinuation,
    answer: &BackendAnswer,
    facts: &Facts<'_>,
    now: u64,
) -> Result<Respond, Stop> {
    let account = policy.account(&continuation.account);
    let nothing = |records| Respond {
        response: Response {
            status: 204,
            headers: answer::headers(answer, continuation, false),
            body: ResponseBody::None,
        },
        records,
        rule: None,
    };
    if matches!(continuation.expected, Expected::Deleted) {
        return Ok(nothing(records::of(continuation, account, None, false)));
    }
    if answer.body.is_blank() {
        return match continuation.expected {
            _ if continuation.is_head => Ok(Respond {
                response: Response {
                    status: answer.status,
                    headers: answer::headers(answer, continuation, true),
                    body: ResponseBody::None,
                },
                records: Vec::new(),
                rule: None,
            }),
            Expected::Written(..) => Ok(nothing(records::of(continuation, account, None, false))),
            _ => Err(answer::nonsense("it is empty").into()),
        };
    }
    let mut body = answer::read(answer)?;
    let shapes = [&account.user.shape, &account.group.shape];
    let mut is_newer = false;
    // What was sent and comes back tells nothing of what is stored.
    let mut is_echo = false;
    let mut status = answer.status;
    match &continuation.expected {
        Expected::Resource(kind, id) | Expected::Written(kind, id) => {
            let shape = &account.resource(*kind).shape;
            repair::identifiers(&mut body, &[shape]);
            is_echo = matches!(continuation.expected, Expected::Written(..))
                && repair::own_id(&mut body, shape, id);
            answer::check_resource(&body, shape, Some(id))?;
        }
        Expected::Created { kind, name, at } => {
            let shape = &account.resource(*kind).shape;
            repair::identifiers(&mut body, &[shape]);
            answer::check_resource(&body, shape, at.as_deref())?;
            is_newer = records::check_created(*kind, name, &body, continuation, account, facts)?;
            if at.is_some() {
                status = 201;
            }
        }
        Expected::List { kind, from_start } => {
            body = repair::list(body, *from_start)?;
            let shape = kind.map(|kind| &account.resource(kind).shape);
            match &shape {
                Some(shape) => repair::identifiers(&mut body, &[shape]),
                None => repair::identifiers(&mut body, &shapes),
            }
            answer::check_list(&body, shape)?;
        }
        Expected::Discovery(document) => {
            let Some(described) = discovery::through_the_guard(*document, body, account)? else {
                return Ok(not_there(continuation, now));
            };
            body = described;
        }
        Expected::Deleted => {}
    }
    let shown = (!is_echo).then_some(&body);
    let records = records::of(continuation, account, shown, is_newer);
    answer::sanitise(&mut body, &shapes, &continuation.bases);
    let mut headers = answer::headers(answer, continuation, true);
    if let Expected::Created { kind, .. } = &continuation.expected {
        answer::locate(&mut headers, &body, *kind, &continuation.bases);
    }
    Ok(Respond {
        response: Response {
            status,
            headers,
            body: ResponseBody::Bytes(body.to_bytes()),
        },
        records,
        rule: None,
    })
}
