//! Checks the form of a client's messages beyond what the guard rewrites: paths, filters, keys.

use scimguard_core::facts::ResourceKind;
use serde_json::Value;

use super::inside;
use crate::lint::exchange::Endpoint;
use crate::lint::findings::Findings;
use crate::lint::points::client as points;

/// Operators that the profile's filters do not use (RFC 7644 §3.4.2.2, tables 3 and 4).
const OPERATORS: &[&str] = &[
    "ne", "co", "sw", "ew", "pr", "gt", "ge", "lt", "le", "or", "not",
];

/// RFC 7643 §4.3.
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// Checks a message. `within`: its place in another.
pub(super) fn message(
    method: &str,
    endpoint: &Endpoint,
    sent: &Value,
    within: &str,
    found: &mut Findings,
) {
    match (method, endpoint) {
        ("POST", Endpoint::Collection(_)) | ("PUT", Endpoint::Resource(..)) => {
            attributes(sent, within, found);
        }
        ("PATCH", Endpoint::Resource(kind, _)) => patch(*kind, sent, within, found),
        _ => {}
    }
}

/// Checks the keys of a resource, or of a value that stands for one.
fn attributes(sent: &Value, within: &str, found: &mut Findings) {
    for (name, value) in sent.as_object().into_iter().flatten() {
        let place = inside(within, name);
        if name.eq_ignore_ascii_case("password") {
            found.at(&points::PASSWORD, &place, "leave it out");
        }
        let is_extension = name.to_ascii_lowercase().starts_with("urn:") && value.is_object();
        if is_extension {
            extension(value, &place, found);
        } else if is_path(name) {
            found.at(
                &points::KEY_IS_PATH,
                &place,
                "write sub-attributes and extensions as objects",
            );
        }
    }
}

fn extension(value: &Value, place: &str, found: &mut Findings) {
    let of_enterprise = place
        .get(place.len().saturating_sub(ENTERPRISE.len())..)
        .is_some_and(|end| end.eq_ignore_ascii_case(ENTERPRISE));
    for (name, value) in value.as_object().into_iter().flatten() {
        let place = format!("{place}.{name}");
        if name.contains(['.', '[']) {
            found.at(
                &points::KEY_IS_PATH,
                &place,
                "write sub-attributes as objects",
            );
        }
        if of_enterprise && name.eq_ignore_ascii_case("manager") {
            manager(value, &place, found);
        }
    }
}

fn manager(value: &Value, place: &str, found: &mut Findings) {
    if value.is_string() {
        found.at(
            &points::PLAIN_MANAGER,
            place,
            "a string; expected an object with a value",
        );
    }
}

/// Whether a key is more than the name of an attribute.
fn is_path(name: &str) -> bool {
    name.contains(['[', ':']) || name.contains('.')
}

fn patch(kind: ResourceKind, sent: &Value, within: &str, found: &mut Findings) {
    // The guard reports keys in another case.
    let operations = sent
        .as_object()
        .into_iter()
        .flatten()
        .find(|(name, _)| name.eq_ignore_ascii_case("Operations"))
        .and_then(|(_, operations)| operations.as_array());
    let mut paths: Vec<String> = Vec::new();
    for (index, operation) in operations.into_iter().flatten().enumerate() {
        let place = inside(within, &format!("Operations[{index}]"));
        let op = operation
            .get("op")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_ascii_lowercase();
        let Some(path) = operation.get("path").and_then(Value::as_str) else {
            if op != "remove" && operation.is_object() {
                found.at(
                    &points::WITHOUT_PATH,
                    &place,
                    "no path; expected one operation with a path for each attribute",
                );
            }
            if let Some(value) = operation.get("value") {
                attributes(value, &format!("{place}.value"), found);
            }
            continue;
        };
        with_path(kind, &op, path, operation, &place, found);
        // Members are added and removed in several operations, each with its own value.
        let folded = path.to_ascii_lowercase();
        if folded != "members" && paths.contains(&folded) {
            found.at(
                &points::REPEATED_PATH,
                format!("{place}.path"),
                "an operation before it has the same path",
            );
        }
        paths.push(folded);
    }
}

/// The schemas of RFC 7643 §8.7.1 whose attributes clients write.
const SCHEMAS: [&str; 3] = [
    "urn:ietf:params:scim:schemas:core:2.0:User",
    "urn:ietf:params:scim:schemas:core:2.0:Group",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
];

fn with_path(
    kind: ResourceKind,
    op: &str,
    path: &str,
    operation: &Value,
    place: &str,
    found: &mut Findings,
) {
    let lower = path.to_ascii_lowercase();
    if let Some(urn) = SCHEMAS.iter().find(|urn| {
        let behind = lower.strip_prefix(&urn.to_ascii_lowercase());
        behind.is_some_and(|behind| behind.starts_with('.'))
    }) {
        found.at(
            &points::DOTTED_URN,
            format!("{place}.path"),
            format!("a dot behind {urn}; expected a colon"),
        );
    }
    let attribute = lower.split(['[', '.']).next().unwrap_or_default();
    let of_members = kind == ResourceKind::Group && attribute.rsplit(':').next() == Some("members");
    if let Some((_, expression)) = path.split_once('[') {
        filter(expression, &format!("{place}.path"), found);
        if lower.trim_end().ends_with(']') && !(of_members && op == "remove") {
            found.at(
                &points::ELEMENT,
                format!("{place}.path"),
                "a filter and no sub-attribute; expected a path such as emails[type eq …].value",
            );
        }
    }
    let value = operation.get("value");
    if op == "remove" && value.is_some_and(|value| !value.is_null()) {
        found.at(
            &points::REMOVE_WITH_VALUE,
            format!("{place}.value"),
            "expected only a path",
        );
    }
    if op == "replace" && of_members {
        found.at(
            &points::REPLACED_MEMBERS,
            format!("{place}.op"),
            "replace; expected add and remove",
        );
    }
    if lower.ends_with("password") {
        found.at(&points::PASSWORD, format!("{place}.path"), "leave it out");
    }
    if let Some(value) = value
        && lower == format!("{}:manager", ENTERPRISE.to_ascii_lowercase())
    {
        manager(value, &format!("{place}.value"), found);
    }
    if lower == ENTERPRISE.to_ascii_lowercase()
        && let Some(value) = value
    {
        attributes(value, &format!("{place}.value"), found);
    }
}

/// Checks the operators of a filter. Quoted text is a value.
pub(super) fn filter(expression: &str, place: &str, found: &mut Findings) {
    let mut outside = String::new();
    let mut characters = expression.chars();
    while let Some(c) = characters.next() {
        if c != '"' {
            outside.push(c);
            continue;
        }
        outside.push('"');
        let mut escaped = false;
        for c in characters.by_ref() {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => break,
                _ => {}
            }
        }
    }
    for word in outside.split(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | '[' | ']')) {
        if let Some(operator) = OPERATORS
            .iter()
            .find(|operator| operator.eq_ignore_ascii_case(word))
        {
            found.at(
                &points::OPERATOR,
                place,
                format!("{operator}; expected eq and and only"),
            );
        }
    }
}
