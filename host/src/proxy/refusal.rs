//! Refusals by the host itself.

use scimguard_core::Response;
use scimguard_core::message::ResponseBody;

use super::body::Outgoing;
use super::flow::to_http;
use super::incoming::Refused;

/// The answer to the client, in the form that its path expects.
pub(super) fn response(refused: &Refused, scim: bool) -> http::Response<Outgoing> {
    let response = Response {
        status: match refused.rule {
            "route.method" => 405,
            "route.unknown" => 404,
            "facts.unavailable" | "plugin.timeout" | "upstream.unavailable" => 503,
            "upstream.invalid" => 502,
            "plugin.trapped" => 500,
            _ => 400,
        },
        headers: vec![
            (
                "content-type".to_owned(),
                if scim {
                    b"application/scim+json".to_vec()
                } else {
                    b"application/problem+json".to_vec()
                },
            ),
            (
                "scimguard-rule".to_owned(),
                refused.rule.as_bytes().to_vec(),
            ),
        ],
        body: ResponseBody::Bytes(
            serde_json::json!({"detail": refused.detail})
                .to_string()
                .into(),
        ),
    };
    to_http(response, None).unwrap_or_else(|_| {
        let mut bare = http::Response::new(Outgoing::empty());
        *bare.status_mut() = http::StatusCode::INTERNAL_SERVER_ERROR;
        bare
    })
}
