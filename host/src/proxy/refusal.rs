//! Refusals by the host itself, in the form of the policy's own.

use scimguard_core::ErrorForm;

use super::body::Outgoing;
use super::flow::to_http;
use super::incoming::Refused;

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
