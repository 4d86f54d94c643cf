//! Requests over HTTP: their time limit, and how results are described.

use std::time::Duration;

use crate::proxy::Reply;

/// How long one request may take.
pub(super) const TIME_LIMIT: Duration = Duration::from_secs(10);

/// Advice when something other than SCIM answers.
pub(super) const WRONG_PLACE: &str = "Check `backend`, and the application's SCIM path in the policy: `scim.upstream_base`, or \
     `scim.base` if both are the same.";

/// The request and its answer.
pub(super) fn answered(url: &str, reply: &Reply) -> String {
    let kind = reply.content_type.as_deref().unwrap_or("no content type");
    let detail = reply.detail.as_deref();
    let detail = detail.map_or_else(String::new, |detail| format!(" ({detail})"));
    format!("GET {url} answered {}, {kind}{detail}", reply.status)
}
