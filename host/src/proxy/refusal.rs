//! Refusals by the host itself, in the form of the policy's own.

use scimguard_core::ErrorForm;

use super::backend::NoAnswer;
use super::body::Outgoing;
use super::facts::Unavailable;
use super::flow::to_http;
use super::incoming::Refused;
use crate::engine::Fault;

/// The answer to the client, in the form that its path expects.
pub(super) fn response(refused: &Refused, form: ErrorForm) -> http::Response<Outgoing> {
    let mut response = scimguard_core::refusal(refused.rule, &refused.detail, form)
        .and_then(|response| to_http(response, None).ok())
        .unwrap_or_else(|| {
            // Only a rule that nobody knows has no form.
            let mut bare = http::Response::new(Outgoing::empty());
            *bare.status_mut() = http::StatusCode::INTERNAL_SERVER_ERROR;
            bare
        });
    if let Some(seconds) = refused.retry_after {
        let headers = response.headers_mut();
        headers.insert(http::header::RETRY_AFTER, seconds.into());
    }
    response
}

/// The policy does what no policy may.
pub(super) fn trapped(why: &str) -> Refused {
    faulty(Fault::Trapped(why.to_owned()))
}

/// The policy gave no decision.
pub(super) fn faulty(fault: Fault) -> Refused {
    tracing::error!(%fault, "the policy gave no decision");
    match fault {
        Fault::Trapped(_) => Refused::new(
            "plugin.trapped",
            "The policy broke off at this request. Tell the operator of the guard; its log says more.",
        ),
        Fault::Timeout => Refused::new(
            "plugin.timeout",
            "The policy took too long for this request. Send less at once, or repeat it later.",
        ),
    }
}

/// Something that the decision depends on cannot be known now.
pub(super) fn unavailable(error: &Unavailable) -> Refused {
    tracing::warn!(%error, "facts are unavailable");
    Refused::new(
        "facts.unavailable",
        match error {
            Unavailable::Busy => {
                "Another change of the same users or groups is not finished. Repeat the request later."
            }
            Unavailable::Store(_) => {
                "The guard's record cannot be used now. Repeat the request later."
            }
        },
    )
}

/// The application said nothing that can be passed on.
pub(super) fn no_answer(error: &NoAnswer) -> Refused {
    match error {
        NoAnswer::Upgrade => Refused::new(
            "upstream.invalid",
            "The application answered with another protocol.",
        ),
        _ => Refused::new(
            "upstream.unavailable",
            "The application gave no answer; it may or may not have acted. Repeat the request later.",
        ),
    }
}
