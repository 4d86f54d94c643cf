//! Checks a server's description of itself (RFC 7643 §5 to §7, RFC 7644 §4).

use serde_json::Value;

use super::kind as kind_of;
use crate::lint::findings::Findings;
use crate::lint::points::server as points;

/// RFC 7643 §5: the members of a ServiceProviderConfig that say whether something is supported.
const FEATURES: &[&str] = &["patch", "bulk", "filter", "changePassword", "sort", "etag"];

/// RFC 7643 §5.
const NUMBERS: &[(&str, &str)] = &[
    ("bulk", "maxOperations"),
    ("bulk", "maxPayloadSize"),
    ("filter", "maxResults"),
];

/// RFC 7643 §7: the values that a characteristic may have.
const CHARACTERISTICS: &[(&str, &[&str])] = &[
    (
        "type",
        &[
            "string",
            "boolean",
            "decimal",
            "integer",
            "dateTime",
            "binary",
            "reference",
            "complex",
        ],
    ),
    (
        "mutability",
        &["readOnly", "readWrite", "immutable", "writeOnly"],
    ),
    ("returned", &["always", "never", "default", "request"]),
    ("uniqueness", &["none", "server", "global"]),
];

/// Definitions nest once (RFC 7643 §2.3.8).
const DEPTH: usize = 2;

/// The ServiceProviderConfig.
pub(super) fn config(body: &Value, found: &mut Findings) {
    for feature in FEATURES {
        let given = body.get(feature).and_then(|one| one.get("supported"));
        if !matches!(given, Some(Value::Bool(_))) {
            let what = format!("{}; expected a boolean", kind_of(given));
            found.at(&points::CONFIG, format!("{feature}.supported"), what);
        }
    }
    for (feature, limit) in NUMBERS {
        let given = body.get(feature).and_then(|one| one.get(limit));
        if given.and_then(Value::as_u64).is_none() {
            let what = format!("{}; expected a number", kind_of(given));
            found.at(&points::CONFIG, format!("{feature}.{limit}"), what);
        }
    }
    if let Some(pagination) = body.get("pagination") {
        paging(pagination, found);
    }
    let schemes = body.get("authenticationSchemes");
    if !matches!(schemes, Some(Value::Array(_))) {
        let what = format!("{}; expected a list", kind_of(schemes));
        found.at(&points::CONFIG, "authenticationSchemes", what);
    }
    for (index, scheme) in schemes
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .enumerate()
    {
        for name in ["type", "name", "description"] {
            text(
                scheme,
                name,
                &format!("authenticationSchemes[{index}]"),
                &points::CONFIG,
                found,
            );
        }
    }
    if body.get("interopProfileConformant") != Some(&Value::Bool(true)) {
        found.at(
            &points::CONFORMANT,
            "interopProfileConformant",
            "true for a server that conforms to the profile",
        );
    }
}

/// RFC 9865 §4.
fn paging(pagination: &Value, found: &mut Findings) {
    for way in ["cursor", "index"] {
        let given = pagination.get(way);
        if !matches!(given, Some(Value::Bool(_))) {
            let what = format!("{}; expected a boolean", kind_of(given));
            found.at(&points::CONFIG, format!("pagination.{way}"), what);
        }
    }
    let given = pagination.get("defaultPaginationMethod");
    if given.is_some_and(|given| !matches!(given.as_str(), Some("cursor" | "index"))) {
        let what = "expected cursor or index";
        found.at(&points::CONFIG, "pagination.defaultPaginationMethod", what);
    }
}

/// Applies a check to each definition in an answer that is one, or a list of them.
pub(super) fn each(body: &Value, found: &mut Findings, look: fn(&Value, &str, &mut Findings)) {
    match body.get("Resources").and_then(Value::as_array) {
        Some(definitions) => {
            for (index, definition) in definitions.iter().enumerate() {
                look(definition, &format!("Resources[{index}]."), found);
            }
        }
        // Some servers answer with a bare list.
        None => match body.as_array() {
            Some(_) => found.at(
                &points::LIST_SCHEMAS,
                "body",
                "a list; expected a ListResponse",
            ),
            None => look(body, "", found),
        },
    }
}

/// A schema.
pub(super) fn definition(schema: &Value, within: &str, found: &mut Findings) {
    text(
        schema,
        "id",
        within.trim_end_matches('.'),
        &points::DEFINITION,
        found,
    );
    let given = schema.get("attributes");
    match given.and_then(Value::as_array) {
        Some(attributes) => {
            all(attributes, &format!("{within}attributes"), DEPTH, found);
        }
        None => found.at(
            &points::DEFINITION,
            format!("{within}attributes"),
            format!("{}; expected a list", kind_of(given)),
        ),
    }
}

fn all(attributes: &[Value], place: &str, depth: usize, found: &mut Findings) {
    for (index, one) in attributes.iter().enumerate() {
        attribute(one, &format!("{place}[{index}]"), depth, found);
    }
}

fn attribute(attribute: &Value, place: &str, depth: usize, found: &mut Findings) {
    text(attribute, "name", place, &points::DEFINITION, found);
    for (name, values) in CHARACTERISTICS {
        let given = attribute.get(name);
        // What is omitted has a default, except the type.
        let fits = match given {
            None => *name != "type",
            Some(value) => value.as_str().is_some_and(|value| values.contains(&value)),
        };
        if !fits {
            let what = format!("expected one of {}", values.join(", "));
            found.at(&points::DEFINITION, format!("{place}.{name}"), what);
        }
    }
    for name in ["multiValued", "required", "caseExact"] {
        let given = attribute.get(name);
        if !matches!(given, None | Some(Value::Bool(_))) {
            let what = format!("{}; expected a boolean", kind_of(given));
            found.at(&points::DEFINITION, format!("{place}.{name}"), what);
        }
    }
    let is_complex = attribute.get("type").and_then(Value::as_str) == Some("complex");
    let subs = attribute.get("subAttributes").and_then(Value::as_array);
    if is_complex && subs.is_none_or(Vec::is_empty) {
        found.at(
            &points::DEFINITION,
            format!("{place}.subAttributes"),
            "a complex attribute without them",
        );
    }
    if let Some(subs) = subs.filter(|_| depth > 1) {
        all(subs, &format!("{place}.subAttributes"), depth - 1, found);
    }
    types(attribute, subs, place, found);
}

/// The possible values of a multi-valued attribute's `type`.
fn types(attribute: &Value, subs: Option<&Vec<Value>>, place: &str, found: &mut Findings) {
    let is_list = attribute.get("multiValued") == Some(&Value::Bool(true));
    let read_only = attribute.get("mutability").and_then(Value::as_str) == Some("readOnly");
    if !is_list || read_only {
        return;
    }
    for (index, sub) in subs.into_iter().flatten().enumerate() {
        let is_type = sub.get("name").and_then(Value::as_str) == Some("type");
        let values = sub.get("canonicalValues").and_then(Value::as_array);
        if is_type && values.is_none_or(Vec::is_empty) {
            found.at(
                &points::CANONICAL_VALUES,
                format!("{place}.subAttributes[{index}].canonicalValues"),
                "expected the possible values",
            );
        }
    }
}

/// A resource type.
pub(super) fn resource_type(resource: &Value, within: &str, found: &mut Findings) {
    for name in ["name", "endpoint", "schema"] {
        text(
            resource,
            name,
            within.trim_end_matches('.'),
            &points::TYPE_DEFINITION,
            found,
        );
    }
    if resource.get("id") != resource.get("name") {
        found.at(&points::TYPE_ID, format!("{within}id"), "expected the name");
    }
}

fn text(holder: &Value, name: &str, place: &str, row: &super::Row, found: &mut Findings) {
    let given = holder.get(name);
    if given.and_then(Value::as_str).is_none() {
        let place = match place {
            "" => name.to_owned(),
            place => format!("{place}.{name}"),
        };
        found.at(row, place, format!("{}; expected a string", kind_of(given)));
    }
}
