//! The accounts that a request names. The policy's routes know the exact places; this looks at what every
//! request has: path segments, and values of the query, headers and JSON body.

use percent_encoding::percent_decode_str;
use scimguard_core::{Body, Request};
use serde_json::Value;

/// Whether a request contains this account somewhere as a whole value.
pub(super) fn names(request: &Request, account: &str) -> bool {
    let (path, _) = request.path.split_once('?').unwrap_or((&request.path, ""));
    path.split('/').any(|segment| decoded(segment) == account)
        || query(request).any(|(_, value)| {
            // Some servers read `+` as a space, others literally.
            decoded(value) == account || decoded(&value.replace('+', " ")) == account
        })
        || request
            .headers
            .iter()
            .any(|(_, value)| value.trim_ascii() == account.as_bytes())
        || body(request).is_some_and(|body| holds(&body, account))
}

/// Whether the request names no account except this one.
pub(super) fn all_are(request: &Request, account: &str) -> bool {
    let other = |name: &str, value: &str| is_account(name) && !value.is_empty() && value != account;
    let in_query = query(request).any(|(name, value)| other(&decoded(name), &decoded(value)));
    let in_headers = request.headers.iter().any(|(name, value)| {
        let value = String::from_utf8_lossy(value.trim_ascii());
        other(name, &value)
    });
    let in_body = || body(request).is_some_and(|body| names_other(&body, false, account));
    !in_query && !in_headers && !in_body()
}

/// Whether a field for the account, at any depth, has another value. `is_named`: the value is that of
/// such a field.
fn names_other(value: &Value, is_named: bool, account: &str) -> bool {
    match value {
        Value::String(it) => is_named && !it.is_empty() && it != account,
        Value::Number(it) => is_named && it.to_string() != account,
        Value::Array(elements) => {
            let mut elements = elements.iter();
            elements.any(|it| names_other(it, is_named, account))
        }
        Value::Object(members) => {
            let mut members = members.iter();
            members.any(|(name, it)| names_other(it, is_account(name), account))
        }
        Value::Null | Value::Bool(_) => false,
    }
}

/// Whether the value contains this text as a string.
pub(super) fn holds(value: &Value, text: &str) -> bool {
    match value {
        Value::String(it) => it == text,
        Value::Array(elements) => elements.iter().any(|it| holds(it, text)),
        Value::Object(members) => members.values().any(|it| holds(it, text)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Whether this field names the account itself, unlike `serviceaccount`.
fn is_account(name: &str) -> bool {
    let plain: String = name
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    let plain = plain.strip_prefix('x').unwrap_or(&plain);
    let plain = plain.strip_prefix("harness").unwrap_or(plain);
    matches!(
        plain,
        "account" | "accountid" | "accountidentifier" | "routingid"
    )
}

fn query(request: &Request) -> impl Iterator<Item = (&str, &str)> {
    let (_, query) = request.path.split_once('?').unwrap_or_default();
    query.split('&').filter_map(|pair| pair.split_once('='))
}

fn body(request: &Request) -> Option<Value> {
    match &request.body {
        Body::Bytes(bytes) => serde_json::from_slice(bytes).ok(),
        Body::Unread | Body::None | Body::OverLimit => None,
    }
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}
