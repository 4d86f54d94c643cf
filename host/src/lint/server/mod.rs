//! Checks the server of one exchange: status, headers and content of an answer.

mod discovery;
mod error;
mod history;
mod list;
mod resource;

use serde_json::Value;

use super::exchange::{Answer, BYTE_ORDER_MARK, Call, Endpoint, header, media_type};
use super::findings::Findings;
use super::judge::Judge;
use super::points::{Row, server as points};
pub(super) use history::History;

/// Checks the answer of a call, after the client was checked.
pub(super) fn look(
    call: &Call<'_>,
    judge: &Judge,
    history: &mut History,
    found: &mut Findings,
) -> anyhow::Result<()> {
    let Some(answer) = &call.entry.answer else {
        return Ok(());
    };
    form(call, answer, found);
    history.look(call, answer.status, found);
    match answer.status {
        200..=299 => {
            status(call, answer, found);
            accepted(call, found);
            body(call, answer, judge, found)
        }
        400..=599 => {
            error::look(call, answer, found);
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Checks the body as such, and its media type.
fn form(call: &Call<'_>, answer: &Answer, found: &mut Findings) {
    if answer.body.is_none() {
        return;
    }
    if answer
        .body
        .as_deref()
        .is_some_and(|body| body.starts_with(BYTE_ORDER_MARK))
    {
        found.at(&points::BYTE_ORDER_MARK, "body", "send UTF-8 without one");
    }
    if call.answered.is_none() {
        found.at(&points::JSON, "body", "it is not JSON");
    }
    match media_type(&answer.headers).as_deref() {
        Some("application/scim+json") => {}
        Some("application/json") => found.at(
            &points::CONTENT_TYPE,
            "header Content-Type",
            "application/json; expected application/scim+json",
        ),
        declared => found.at(
            &points::MEDIA_TYPE,
            "header Content-Type",
            format!(
                "{}; expected application/scim+json",
                declared.unwrap_or("it is missing")
            ),
        ),
    }
}

/// Checks the status of a success (RFC 7644 §3.3 to §3.6).
fn status(call: &Call<'_>, answer: &Answer, found: &mut Findings) {
    let has_body = answer.body.is_some();
    let shown = |expected: &str| {
        let body = if has_body { "with" } else { "without" };
        format!("{} {body} a body; expected {expected}", answer.status)
    };
    let mut expect = |row: &Row, fits: bool, expected: &str| {
        if !fits {
            found.at(row, "status", shown(expected));
        }
    };
    let ok = answer.status == 200 && has_body;
    match (call.entry.method.as_str(), &call.endpoint) {
        ("POST", Endpoint::Collection(_)) => {
            expect(&points::CREATED_STATUS, answer.status == 201, "201");
            if !has_body {
                found.at(&points::CREATED_BODY, "body", "it is missing");
            }
            if header(&answer.headers, "location").is_none() {
                found.at(
                    &points::CREATED_LOCATION,
                    "header Location",
                    "it is missing",
                );
            }
        }
        ("PUT", Endpoint::Resource(..)) => {
            expect(&points::REPLACED_STATUS, ok, "200 with the resource");
        }
        ("PATCH", Endpoint::Resource(..)) => {
            let nothing = answer.status == 204 && !has_body;
            expect(
                &points::PATCHED_STATUS,
                ok || nothing,
                "200 with the resource, or 204 without",
            );
        }
        ("DELETE", Endpoint::Resource(..)) => {
            let nothing = answer.status == 204 && !has_body;
            expect(&points::DELETED_STATUS, nothing, "204 without a body");
        }
        ("GET", _) | ("POST", Endpoint::Search(_)) => {
            expect(&points::READ_STATUS, ok, "200 with a body");
        }
        _ => {}
    }
}

/// Checks that the server refused what a server of the profile refuses.
fn accepted(call: &Call<'_>, found: &mut Findings) {
    // Each operation of a bulk request has its own status.
    if call.endpoint == Endpoint::Bulk {
        return;
    }
    for (sent, row, expected) in [
        (
            "patch.without-path",
            &points::ACCEPTED_WITHOUT_PATH,
            "invalidSyntax",
        ),
        (
            "schema.unknown-attribute",
            &points::ACCEPTED_UNKNOWN,
            "invalidSyntax",
        ),
        ("filter.invalid", &points::ACCEPTED_FILTER, "invalidFilter"),
    ] {
        if found.has(sent) {
            let what = format!("accepted; expected 400 {expected}");
            found.at(row, "status", what);
        }
    }
}

fn body(
    call: &Call<'_>,
    answer: &Answer,
    judge: &Judge,
    found: &mut Findings,
) -> anyhow::Result<()> {
    let Some(body) = &call.answered else {
        return Ok(());
    };
    match (call.entry.method.as_str(), &call.endpoint) {
        ("GET", Endpoint::Collection(_)) | ("POST", Endpoint::Search(_)) => {
            list::look(call, body, judge, found)
        }
        ("POST", Endpoint::Collection(kind)) => {
            resource::versions(call, answer, body, found);
            resource::location(answer, body, found);
            resource::one(call, *kind, body, answer.body.as_deref(), judge, found)
        }
        ("GET" | "PUT" | "PATCH", Endpoint::Resource(kind, id)) => {
            resource::versions(call, answer, body, found);
            if let Some(given) = body.get("id").and_then(Value::as_str)
                && given != id
            {
                found.at(&points::OTHER_ID, "id", "a different id than in the URL");
            }
            resource::one(call, *kind, body, answer.body.as_deref(), judge, found)
        }
        ("POST", Endpoint::Bulk) => {
            bulk(call, body, found);
            Ok(())
        }
        ("GET", Endpoint::ServiceProviderConfig) => {
            discovery::config(body, found);
            Ok(())
        }
        ("GET", Endpoint::Schemas) => {
            discovery::each(body, found, discovery::definition);
            Ok(())
        }
        ("GET", Endpoint::ResourceTypes) => {
            discovery::each(body, found, discovery::resource_type);
            Ok(())
        }
        _ => Ok(()),
    }
}

/// RFC 7644 §3.7.3.
fn bulk(call: &Call<'_>, body: &Value, found: &mut Findings) {
    const URN: &str = "urn:ietf:params:scim:api:messages:2.0:BulkResponse";
    if !names(body, URN) {
        found.at(&points::BULK, "schemas", format!("expected {URN}"));
    }
    let Some(operations) = body.get("Operations").and_then(Value::as_array) else {
        found.at(&points::BULK, "Operations", "expected a list");
        return;
    };
    for (index, operation) in operations.iter().enumerate() {
        let is_status = operation
            .get("status")
            .and_then(Value::as_str)
            .is_some_and(is_status);
        if !is_status {
            found.at(
                &points::BULK,
                format!("Operations[{index}].status"),
                "expected an HTTP status as a string",
            );
        }
    }
    let sent = call.sent.as_ref().and_then(|sent| sent.get("Operations"));
    let sent = sent.and_then(Value::as_array).map_or(0, Vec::len);
    if operations.len() > sent {
        found.at(&points::BULK, "Operations", "more answers than operations");
    }
}

fn is_status(text: &str) -> bool {
    text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether `schemas` names this URN.
fn names(body: &Value, urn: &str) -> bool {
    body.get("schemas")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .any(|named| named.as_str() == Some(urn))
}

/// Describes a value, for messages.
fn kind(value: Option<&Value>) -> &'static str {
    match value {
        None => "it is missing",
        Some(Value::Null) => "null",
        Some(Value::Bool(_)) => "a boolean",
        Some(Value::Number(_)) => "a number",
        Some(Value::String(_)) => "a string",
        Some(Value::Array(_)) => "a list",
        Some(Value::Object(_)) => "an object",
    }
}
