//! Answers to the client if the backend fails, or its answer cannot be trusted.

use super::{answer, records};
use crate::continuation::{Expected, ScimContinuation};
use crate::json::Json;
use crate::message::{AnswerBody, BackendAnswer, Respond, Response, ResponseBody};
use crate::record::Record;
use crate::refusal::{ErrorForm, scim_error};
use crate::rules::{Refusal, host};

/// The application has the document, but none of it applies behind the guard.
pub(super) fn not_there(continuation: &ScimContinuation, now: u64) -> Respond {
    let answer = BackendAnswer {
        status: 404,
        headers: Vec::new(),
        body: AnswerBody::None,
    };
    backend_error(&answer, continuation, now)
}

/// A backend's error keeps its status. An answer that is not a SCIM error is replaced with one,
/// without the backend's internal details.
pub(super) fn backend_error(
    answer: &BackendAnswer,
    continuation: &ScimContinuation,
    now: u64,
) -> Respond {
    let given = answer::read(answer).ok().filter(answer::is_error);
    let text = |name: &str| {
        given
            .as_ref()
            .and_then(|error| answer::member(error, name))
            .and_then(Json::as_str)
    };
    let gone = answer.status == 404 && matches!(continuation.expected, Expected::Deleted);
    let failed = match is_definite_refusal(answer.status) {
        true => Vec::new(),
        false => records::failed(continuation, Some(answer.status), now),
    };
    let detail = text("detail").unwrap_or(answer::failure(answer.status));
    let detail = match failed.is_empty() {
        true => detail.to_owned(),
        false => format!(
            "{} The change of members was saved for a retry: repeat it later.",
            answer::sentence(detail)
        ),
    };
    // RFC 7644 §3.3: a create conflicts with an existing resource.
    let is_taken =
        answer.status == 409 && matches!(continuation.expected, Expected::Created { .. });
    let scim_type = text("scimType").or(is_taken.then_some("uniqueness"));
    let body = scim_error(answer.status, scim_type, &detail);
    let records: Vec<Record> = if gone {
        records::as_planned(continuation.outcome.clone())
    } else if is_definite_refusal(answer.status)
        && !(answer.status == 409 && continuation.outcome.may_exist)
    {
        continuation.outcome.refused.clone()
    } else {
        failed
    };
    let mut headers = answer::headers(answer, continuation, true);
    if answer.status == 503 && headers.iter().all(|(name, _)| name != "retry-after") {
        headers.push(("retry-after".to_owned(), b"5".to_vec()));
    }
    Respond {
        response: Response {
            status: answer.status,
            headers,
            body: ResponseBody::Bytes(body.to_bytes()),
        },
        records,
        rule: None,
    }
}

/// Whether the backend certainly did nothing: a 4xx, except those that ask to retry.
pub(super) fn is_definite_refusal(status: u16) -> bool {
    (400..=499).contains(&status) && !matches!(status, 408 | 425 | 429)
}

/// The backend did not answer.
pub(super) fn unavailable() -> Refusal {
    host::UPSTREAM_UNAVAILABLE.because(
        "The application did not answer. It may or may not have acted; repeat the request later.",
    )
}

/// The end of a request that a rule refuses, with an error in the form of its API.
pub(super) fn refused(refusal: Refusal, form: ErrorForm, records: Vec<Record>) -> Respond {
    Respond {
        response: refusal.response(form),
        records,
        rule: Some(refusal.rule.to_owned()),
    }
}
