//! The host's own refusals, in the form of the policy's.

use http::StatusCode;
use scimguard_core::message::ResponseBody;
use scimguard_core::{ErrorForm, Response};

use super::backend::BackendError;
use super::body::Outgoing;
use super::facts::Unavailable;
use super::incoming::Refused;
use super::{headers, limits};
use scimguard_store::Store;

/// The response to the client, in the form that its path expects.
pub(super) fn response(refused: &Refused, form: ErrorForm) -> http::Response<Outgoing> {
    to_http(refused.response(form)).unwrap_or_else(|_| bare())
}

/// A response as HTTP.
///
/// # Errors
/// If it cannot be written as one.
pub(super) fn to_http(response: Response) -> Result<http::Response<Outgoing>, &'static str> {
    let unwritable = || "it answers what cannot be written as a response";
    let mut http = http::Response::new(match response.body {
        ResponseBody::None | ResponseBody::AsReceived => Outgoing::empty(),
        ResponseBody::Bytes(bytes) => Outgoing::from(bytes),
    });
    *http.status_mut() = StatusCode::from_u16(response.status)
        .ok()
        .filter(|status| !status.is_informational())
        .ok_or_else(unwritable)?;
    *http.headers_mut() = headers::to_map(response.headers).ok_or_else(unwritable)?;
    Ok(http)
}

/// The response of last resort.
pub(super) fn bare() -> http::Response<Outgoing> {
    let mut bare = http::Response::new(Outgoing::empty());
    *bare.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    bare
}

/// The refusal when facts that the decision needs are unavailable. A failing store is logged once,
/// not with each request.
pub(super) fn unavailable(store: &Store, error: &Unavailable) -> Refused {
    match error {
        Unavailable::Store(error) => store.report(error),
        // Counted in the metrics: clients can cause very many of them.
        Unavailable::Failing(_) => {}
        error => tracing::warn!(%error, "facts are unavailable"),
    }
    match error {
        Unavailable::Failing(wait) => Refused::not_asked(limits::seconds(*wait)),
        Unavailable::Busy(_) => Refused::new(
            "facts.unavailable",
            "Another change of the same users or groups is not finished. Repeat the request later.",
        ),
        Unavailable::TooMany(_) => Refused::new(
            "plugin.timeout",
            "The request names too many users and groups at once. Send several requests, each with a part of them.",
        ),
        Unavailable::Store(_) => Refused::no_record(),
    }
}

/// The application gave no answer that can be forwarded.
pub(super) fn no_answer(error: &BackendError) -> Refused {
    match error {
        BackendError::Upgrade => Refused::upgrade(),
        _ => Refused::no_answer(),
    }
}
