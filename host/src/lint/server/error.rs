//! Checks an answer that refuses (RFC 7644 §3.12).

use serde_json::Value;

use super::{kind as kind_of, names};
use crate::lint::exchange::{Answer, Call, Endpoint, header};
use crate::lint::findings::Findings;
use crate::lint::points::server as points;

/// RFC 7644 §3.12.
const URN: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// RFC 7644 table 9, RFC 9865 §2: each type with its statuses.
const TYPES: &[(&str, &[u16])] = &[
    ("invalidFilter", &[400]),
    ("tooMany", &[400]),
    ("uniqueness", &[409]),
    ("mutability", &[400]),
    ("invalidSyntax", &[400]),
    ("invalidPath", &[400]),
    ("noTarget", &[400]),
    ("invalidValue", &[400]),
    ("invalidVers", &[400]),
    ("sensitive", &[400, 403]),
    ("invalidCursor", &[400]),
    ("expiredCursor", &[400]),
    ("invalidCount", &[400]),
];

/// Text that only programs write.
const INTERNALS: &[&str] = &[
    "Traceback (most recent call last)",
    "\tat ",
    "at java.",
    "at org.",
    "at com.",
    "at System.",
    "Exception in thread",
    "NullPointerException",
    "NullReferenceException",
    "SQLSTATE",
    "ORA-0",
    "PG::",
    "ActiveRecord::",
    "sqlalchemy",
    "psycopg2",
    "SequelizeDatabaseError",
    "INSERT INTO ",
    "SELECT * FROM",
    "node_modules/",
    "goroutine ",
    "panicked at",
];

/// Checks an error.
pub(super) fn look(call: &Call<'_>, answer: &Answer, found: &mut Findings) {
    let is_query = matches!(
        (call.entry.method.as_str(), &call.endpoint),
        ("GET", Endpoint::Collection(_)) | ("POST", Endpoint::Search(Some(_)))
    );
    if answer.status == 404 && is_query {
        found.at(
            &points::LIST_NOT_FOUND,
            "status",
            "404; expected 200 with an empty list",
        );
    }
    let missing = |name: &str| header(&answer.headers, name).is_none();
    if answer.status == 429 && missing("retry-after") {
        found.at(&points::RETRY_AFTER, "header Retry-After", "it is missing");
    }
    if answer.status == 401 && missing("www-authenticate") {
        found.at(
            &points::CHALLENGE,
            "header WWW-Authenticate",
            "it is missing",
        );
    }
    let text = answer.body.as_deref().map(String::from_utf8_lossy);
    if text.is_some_and(|text| INTERNALS.iter().any(|sign| unescaped(&text).contains(sign))) {
        found.at(
            &points::ERROR_INTERNALS,
            "body",
            "a stack trace or an SQL statement",
        );
    }
    match &call.answered {
        Some(body) if names(body, URN) => message(answer.status, body, found),
        Some(_) => found.at(&points::ERROR_FORM, "schemas", format!("expected {URN}")),
        None => {
            let given = if answer.body.is_some() {
                "no JSON"
            } else {
                "no body"
            };
            found.at(
                &points::ERROR_FORM,
                "body",
                format!("{given}; expected a SCIM error"),
            );
        }
    }
}

/// The tabs and quotes that a JSON string stands for.
fn unescaped(text: &str) -> String {
    text.replace("\\t", "\t").replace("\\n", "\n")
}

fn message(status: u16, body: &Value, found: &mut Findings) {
    let given = body.get("status");
    if given.and_then(Value::as_str) != Some(status.to_string().as_str()) {
        let what = match given {
            Some(Value::String(_)) => "another one",
            other => kind_of(other),
        };
        found.at(
            &points::ERROR_STATUS,
            "status",
            format!("{what}; expected \"{status}\""),
        );
    }
    let scim_type = body.get("scimType");
    let known = scim_type
        .and_then(Value::as_str)
        .and_then(|given| TYPES.iter().find(|(name, _)| *name == given));
    match (scim_type, known) {
        (None, _) => {}
        (Some(_), None) => found.at(&points::ERROR_TYPE, "scimType", "not a defined type"),
        (Some(_), Some((name, statuses))) if !statuses.contains(&status) => found.at(
            &points::ERROR_TYPE,
            "scimType",
            format!("{name} does not belong to {status}"),
        ),
        _ => {}
    }
    if status == 409 && known.is_none_or(|(name, _)| *name != "uniqueness") {
        found.at(&points::DUPLICATE_TYPE, "scimType", "expected uniqueness");
    }
}
