//! Refusals by the host itself, in the form of the policy's own.

use scimguard_core::ErrorForm;

use super::backend::NoAnswer;
use super::body::Outgoing;
use super::facts::Unavailable;
use super::flow::to_http;
use super::incoming::Refused;
use super::limits;
use crate::engine::Fault;
use crate::store::Store;

/// The answer to the client, in the form that its path expects.
pub(super) fn response(refused: &Refused, form: ErrorForm) -> http::Response<Outgoing> {
    to_http(refused.response(form), None).unwrap_or_else(|_| {
        let mut bare = http::Response::new(Outgoing::empty());
        *bare.status_mut() = http::StatusCode::INTERNAL_SERVER_ERROR;
        bare
    })
}

/// The policy does what no policy may.
pub(super) fn trapped(why: &str) -> Refused {
    faulty(Fault::Trapped(why.to_owned()))
}

/// The policy gave no decision.
pub(super) fn faulty(fault: Fault) -> Refused {
    tracing::error!(%fault, "the policy gave no decision");
    match fault {
        Fault::Trapped(_) => Refused::trapped(),
        Fault::Timeout => Refused::new(
            "plugin.timeout",
            "The policy took too long for this request. Send less at once, or repeat it later.",
        ),
    }
}

/// Something that the decision depends on cannot be known now. A store that fails is logged once, not
/// with each request.
pub(super) fn unavailable(store: &Store, error: &Unavailable) -> Refused {
    match error {
        Unavailable::Store(error) => store.report(error),
        // Counted in the metrics: anybody can make very many of them.
        Unavailable::Failing(_) => {}
        error => tracing::warn!(%error, "facts are unavailable"),
    }
    match error {
        Unavailable::Failing(wait) => Refused::not_asked(limits::seconds(*wait)),
        Unavailable::Busy => Refused::new(
            "facts.unavailable",
            "Another change of the same users or groups is not finished. Repeat the request later.",
        ),
        Unavailable::TooMany => Refused::new(
            "plugin.timeout",
            "The request names too many users and groups at once. Send several requests, each with a part of them.",
        ),
        Unavailable::Store(_) => Refused::no_record(),
    }
}

/// The application said nothing that can be passed on.
pub(super) fn no_answer(error: &NoAnswer) -> Refused {
    match error {
        NoAnswer::Upgrade => Refused::upgrade(),
        _ => Refused::no_answer(),
    }
}
