//! How a refusal is answered.
//!
//! SCIM routes get an error of RFC 7644 §3.12, management routes a problem of RFC 9457. A header of
//! both names the rule.

use crate::json::Json;
use crate::message::{Response, ResponseBody};
use crate::rules::{self, Refusal};

/// RFC 7644 §3.12.
pub(crate) const ERROR_URN: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// Seconds after which a client may retry a request that failed because something did not answer.
const RETRY_AFTER: &str = "5";

/// The two forms of an error body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum ErrorForm {
    /// `application/scim+json`, RFC 7644 §3.12.
    Scim,
    /// `application/problem+json`, RFC 9457.
    Problem,
}

/// The answer of a host that refuses by a rule itself, such as `plugin.trapped`. `None` if there is
/// no such refusing rule.
#[must_use]
pub fn refusal(rule_id: &str, detail: &str, form: ErrorForm) -> Option<Response> {
    let rule = rules::by_id(rule_id).filter(|rule| rule.status.is_some())?;
    Some(Refusal::new(rule, detail.to_owned()).response(form))
}

// === impl Refusal ===

impl Refusal {
    /// The answer to the client.
    pub(crate) fn response(&self, form: ErrorForm) -> Response {
        let (content_type, body) = match form {
            ErrorForm::Scim => (
                "application/scim+json",
                scim_error(self.status, self.scim_type, &self.detail),
            ),
            ErrorForm::Problem => (
                "application/problem+json",
                Json::object([
                    (
                        "type",
                        Json::string(format!("urn:scimguard:rule:{}", self.rule)),
                    ),
                    ("title", Json::string(title(self.status))),
                    ("status", Json::Number(self.status.to_string())),
                    ("detail", Json::string(&self.detail)),
                ]),
            ),
        };
        let mut headers = vec![
            header("content-type", content_type),
            header("cache-control", "no-store"),
            header("scimguard-rule", self.rule),
        ];
        if self.status == 401 {
            headers.push(header("www-authenticate", "Bearer realm=\"scim\""));
        }
        if self.status == 503 {
            headers.push(header("retry-after", RETRY_AFTER));
        }
        if let Some(methods) = self.allow {
            headers.push(header("allow", methods));
        }
        Response {
            status: self.status,
            headers,
            body: ResponseBody::Bytes(body.to_bytes()),
        }
    }
}

/// An error message of RFC 7644 §3.12.
pub(crate) fn scim_error(status: u16, scim_type: Option<&str>, detail: &str) -> Json {
    let mut error = vec![
        ("schemas", Json::Array(vec![Json::string(ERROR_URN)])),
        ("status", Json::string(status.to_string())),
    ];
    if let Some(scim_type) = scim_type {
        error.push(("scimType", Json::string(scim_type)));
    }
    error.push(("detail", Json::string(detail)));
    Json::Object(
        error
            .into_iter()
            .map(|(name, value)| crate::json::Member::new(name, value))
            .collect(),
    )
}

fn header(name: &str, value: &str) -> (String, Vec<u8>) {
    (name.to_owned(), value.as_bytes().to_vec())
}

/// RFC 9110 §15.
fn title(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        409 => "Conflict",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        _ => "Service Unavailable",
    }
}
