//! Checks a resource in an answer. The guard judges its content as if a client had sent it.

use scimguard_core::facts::ResourceKind;
use serde_json::Value;

use super::kind as kind_of;
use crate::lint::exchange::{Answer, Call, header};
use crate::lint::findings::Findings;
use crate::lint::judge::{Judge, Message};
use crate::lint::points::{Row, server as points};

/// The guard's rules, and the points that apply when a server violates them.
const RULES: &[(&str, &Row)] = &[
    ("normalise.name", &points::NAME),
    ("normalise.boolean", &points::BOOLEAN),
    ("normalise.list", &points::LIST),
    ("schema.missing-urn", &points::SCHEMAS),
    ("schema.wrong-urn", &points::SCHEMAS),
    ("schema.invalid-type", &points::TYPE),
    ("schema.invalid-value", &points::TYPE),
    ("schema.multiple-primary", &points::PRIMARY),
    ("schema.unknown-attribute", &points::UNKNOWN),
    ("schema.missing-attribute", &points::REQUIRED),
    ("body.duplicate-key", &points::DUPLICATE_KEY),
];

/// Rules that only apply if the client requested whole resources.
const WHOLE: &[&str] = &["schema.missing-attribute"];

/// Checks the resource that is a whole answer. `bytes`: as sent.
pub(super) fn one(
    call: &Call<'_>,
    kind: ResourceKind,
    body: &Value,
    bytes: Option<&[u8]>,
    judge: &Judge,
    found: &mut Findings,
) -> anyhow::Result<()> {
    look(call, kind, body, bytes, "", judge, found)
}

/// Checks a resource of a list.
pub(super) fn element(
    call: &Call<'_>,
    kind: ResourceKind,
    body: &Value,
    place: &str,
    judge: &Judge,
    found: &mut Findings,
) -> anyhow::Result<()> {
    let bytes = body.to_string().into_bytes();
    look(call, kind, body, Some(&bytes), place, judge, found)
}

fn look(
    call: &Call<'_>,
    kind: ResourceKind,
    body: &Value,
    bytes: Option<&[u8]>,
    within: &str,
    judge: &Judge,
    found: &mut Findings,
) -> anyhow::Result<()> {
    let at = |name: &str| match within {
        "" => name.to_owned(),
        within => format!("{within}.{name}"),
    };
    if body
        .get("id")
        .and_then(Value::as_str)
        .is_none_or(str::is_empty)
    {
        let given = kind_of(body.get("id"));
        found.at(&points::ID, at("id"), format!("{given}; expected a string"));
    }
    if !call.asks_for_part() {
        let meta = body.get("meta");
        let text = |name| meta.and_then(|meta| meta.get(name)).and_then(Value::as_str);
        let expected = match kind {
            ResourceKind::User => "User",
            ResourceKind::Group => "Group",
        };
        if text("resourceType") != Some(expected) {
            found.at(
                &points::RESOURCE_TYPE,
                at("meta.resourceType"),
                format!("expected {expected}"),
            );
        }
        if text("location").is_none() {
            found.at(
                &points::LOCATION,
                at("meta.location"),
                "expected the URL of the resource",
            );
        }
    }
    for name in body.as_object().into_iter().flat_map(|all| all.keys()) {
        if name.eq_ignore_ascii_case("password") {
            found.at(&points::NEVER_RETURNED, at(name), "omit it");
        }
    }
    judged(call, kind, bytes, &at, judge, found)
}

fn judged(
    call: &Call<'_>,
    kind: ResourceKind,
    bytes: Option<&[u8]>,
    at: &impl Fn(&str) -> String,
    judge: &Judge,
    found: &mut Findings,
) -> anyhow::Result<()> {
    let headers = vec![("content-type".to_owned(), b"application/scim+json".to_vec())];
    let message = Message {
        method: "POST",
        target: match kind {
            ResourceKind::User => "/Users",
            ResourceKind::Group => "/Groups",
        },
        headers: &headers,
        body: bytes,
    };
    for fault in judge.faults(&message)? {
        if fault.is_about_an_extension()
            || (call.asks_for_part() && WHOLE.contains(&fault.rule.as_str()))
        {
            continue;
        }
        if let Some((_, row)) = RULES.iter().find(|(rule, _)| *rule == fault.rule) {
            // What follows the first sentence is advice for a client.
            let what = fault.what.split(". ").next().unwrap_or_default();
            found.at(row, at(&fault.place), what);
        }
    }
    Ok(())
}

/// RFC 7644 §3.14: the version is in both the header and `meta`, or in neither.
pub(super) fn versions(call: &Call<'_>, answer: &Answer, body: &Value, found: &mut Findings) {
    let etag = header(&answer.headers, "etag");
    let version = body.get("meta").and_then(|meta| meta.get("version"));
    match (etag, version.and_then(Value::as_str)) {
        (Some(_), None) if !call.asks_for_part() => {
            found.at(&points::VERSION, "meta.version", "an ETag without it")
        }
        (None, Some(_)) => found.at(&points::VERSION, "header ETag", "meta.version without it"),
        (Some(etag), Some(version)) if etag != version => found.at(
            &points::VERSION,
            "meta.version",
            "a different version than in the ETag",
        ),
        _ => {}
    }
    if etag.is_some() {
        found.at(
            &points::ETAG,
            "header ETag",
            "no client of the profile needs it",
        );
    }
}

/// RFC 7644 §3.3: the URL of what was created is in both places.
pub(super) fn location(answer: &Answer, body: &Value, found: &mut Findings) {
    let named = body.get("meta").and_then(|meta| meta.get("location"));
    if let (Some(header), Some(named)) = (
        header(&answer.headers, "location"),
        named.and_then(Value::as_str),
    ) && header != named
    {
        found.at(
            &points::OTHER_LOCATION,
            "meta.location",
            "a different URL than in the header Location",
        );
    }
}
