//! Reads, checks and cleans the answers of a backend.

use percent_encoding::utf8_percent_encode;

use crate::continuation::ScimContinuation;
use crate::facts::ResourceKind;
use crate::header_names;
use crate::json::{self, Json, Member};
use crate::message::{AnswerBody, BackendAnswer, Headers};
use crate::plain::is_plain_name;
use crate::refusal::ERROR_URN;
use crate::rules::{Refusal, host};
use crate::scim::location::Bases;
use crate::scim::schema::{Attribute, Returned};
use crate::scim::shape::{Resolved, Shape};
use crate::scim::{CORE_URN_PREFIX, MESSAGE_URN_PREFIX, Profile};

pub(crate) use crate::normalise::member;
use crate::normalise::query::RESERVED;

/// Levels of nesting that an answer may have.
const MAX_DEPTH: usize = 64;

/// Headers of a SCIM answer that reach the client.
const PASSED: &[&str] = &[
    "cache-control",
    "etag",
    "last-modified",
    "location",
    "retry-after",
    "vary",
    "www-authenticate",
    "x-request-id",
];

/// The refusal of an answer that is not what was asked for.
pub(crate) fn invalid_answer(why: &str) -> Refusal {
    host::UPSTREAM_INVALID.because(format!(
        "The application's answer is not what was asked for: {why}. None of it was recorded."
    ))
}

/// The body as JSON.
pub(crate) fn read(answer: &BackendAnswer) -> Result<Json, Refusal> {
    match &answer.body {
        AnswerBody::Bytes(bytes) => json::read(without_mark(bytes), MAX_DEPTH)
            .map(|(body, _)| body)
            .map_err(|_| invalid_answer("it is not JSON")),
        AnswerBody::None => Err(invalid_answer("it is empty")),
        AnswerBody::OverLimit => Err(invalid_answer("it is larger than the guard reads")),
    }
}

/// RFC 8259 §8.1: JSON parsers may ignore a byte order mark.
fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes)
}

/// Checks for a resource of this shape, and of this id if it is known.
pub(crate) fn check_resource(body: &Json, shape: &Shape, id: Option<&str>) -> Result<(), Refusal> {
    if !matches!(body, Json::Object(_)) {
        return Err(invalid_answer("it is not a resource"));
    }
    if is_foreign(body, shape) {
        return Err(invalid_answer(
            "it is a resource or message of another type",
        ));
    }
    match member(body, "id").and_then(Json::as_str) {
        None => Err(invalid_answer("it has no id")),
        Some(given) if !is_plain_name(given) => Err(invalid_answer("its id is not valid")),
        Some(given) if id.is_some_and(|id| id != given) => {
            Err(invalid_answer("it is a resource with another id"))
        }
        Some(_) => Ok(()),
    }
}

/// Checks for a list of resources, all of one shape if it is given (RFC 7644 §3.4.2).
pub(crate) fn check_list(body: &Json, shape: Option<&Shape>) -> Result<(), Refusal> {
    let are_resources = match member(body, "Resources") {
        Some(Json::Array(all)) => all.iter().all(|one| {
            matches!(one, Json::Object(_)) && shape.is_none_or(|shape| !is_foreign(one, shape))
        }),
        _ => false,
    };
    if are_resources {
        Ok(())
    } else {
        Err(invalid_answer("it is not a list of resources"))
    }
}

/// Whether a body declares that it is a resource or message of another type.
fn is_foreign(body: &Json, shape: &Shape) -> bool {
    urns(body).any(|urn| {
        let urn = urn.to_ascii_lowercase();
        (urn.starts_with(CORE_URN_PREFIX) || urn.starts_with(MESSAGE_URN_PREFIX))
            && !urn.eq_ignore_ascii_case(&shape.resource.core.id)
    })
}

/// Whether a body is an error of RFC 7644 §3.12.
pub(crate) fn is_error(body: &Json) -> bool {
    urns(body).any(|urn| urn.eq_ignore_ascii_case(ERROR_URN))
}

pub(super) fn urns(body: &Json) -> impl Iterator<Item = &str> {
    member(body, "schemas")
        .and_then(Json::as_array)
        .unwrap_or_default()
        .iter()
        .filter_map(Json::as_str)
}

/// Removes what is never returned, and makes references point to the guard.
pub(crate) fn sanitise(body: &mut Json, shapes: &[&Shape], bases: &Bases) {
    conceal(body, shapes);
    body.each_text(&mut |name, text| {
        if name == "$ref" {
            *text = bases.outward(text);
        }
    });
    locations(body, bases);
}

/// Makes `meta.location` point to the guard, in a resource or in each resource of a list. An
/// attribute of another schema may have the same name.
fn locations(body: &mut Json, bases: &Bases) {
    let Json::Object(members) = body else { return };
    for given in members {
        match &mut given.value {
            Json::Array(resources) if given.name.eq_ignore_ascii_case("Resources") => {
                for resource in resources {
                    locations(resource, bases);
                }
            }
            Json::Object(meta) if given.name.eq_ignore_ascii_case("meta") => {
                for inner in meta {
                    if let ("location", Json::String(text)) =
                        (inner.name.to_ascii_lowercase().as_str(), &mut inner.value)
                    {
                        *text = bases.outward(text);
                    }
                }
            }
            _ => {}
        }
    }
}

/// Removes what is never returned from a resource, or from each resource of a list.
fn conceal(body: &mut Json, shapes: &[&Shape]) {
    let Json::Object(members) = body else { return };
    members.retain_mut(|given| shapes.iter().all(|shape| may_be_shown(given, shape)));
    for given in members {
        if given.name.eq_ignore_ascii_case("Resources")
            && let Json::Array(resources) = &mut given.value
        {
            resources
                .iter_mut()
                .for_each(|inner| conceal(inner, shapes));
        }
    }
}

/// Whether an attribute may be returned; removes the parts that may not.
fn may_be_shown(given: &mut Member, shape: &Shape) -> bool {
    match shape.resolve(&given.name) {
        Resolved::Attribute(target) => {
            without_secrets(&mut given.value, &target.leaf().sub_attributes);
            target.leaf().returned != Returned::Never
                && target.attribute.returned != Returned::Never
        }
        Resolved::Schema(schema) => {
            without_secrets(&mut given.value, &schema.attributes);
            true
        }
        Resolved::Schemas | Resolved::Unknown => true,
    }
}

fn without_secrets(value: &mut Json, attributes: &[Attribute]) {
    match value {
        Json::Array(elements) => {
            for element in elements {
                without_secrets(element, attributes);
            }
        }
        Json::Object(members) => members.retain_mut(|given| {
            let found = attributes
                .iter()
                .find(|attribute| attribute.name.eq_ignore_ascii_case(&given.name));
            found.is_none_or(|attribute| {
                without_secrets(&mut given.value, &attribute.sub_attributes);
                attribute.returned != Returned::Never
            })
        }),
        _ => {}
    }
}

/// The headers of a SCIM answer to the client.
pub(crate) fn headers(
    answer: &BackendAnswer,
    continuation: &ScimContinuation,
    has_body: bool,
) -> Headers {
    let passes = |name: &str| {
        PASSED.contains(&name) && !(name == "etag" && continuation.profile == Profile::Interop)
    };
    let mut headers: Headers = answer
        .headers
        .iter()
        .filter(|(name, _)| passes(name))
        .map(
            |(name, value)| match (name.as_str(), std::str::from_utf8(value)) {
                ("location", Ok(location)) => (
                    name.clone(),
                    continuation.bases.outward(location).into_bytes(),
                ),
                _ => (name.clone(), value.clone()),
            },
        )
        .collect();
    if has_body {
        headers.push(("content-type".to_owned(), b"application/scim+json".to_vec()));
    }
    headers
}

/// RFC 7644 §3.3: the answer to a create says where the resource is.
pub(crate) fn locate(headers: &mut Headers, body: &Json, kind: ResourceKind, bases: &Bases) {
    if headers.iter().any(|(name, _)| name == "location") {
        return;
    }
    let told = member(body, "meta").and_then(|meta| member(meta, "location"));
    let location = match (told, member(body, "id")) {
        (Some(Json::String(location)), _) => location.clone(),
        (_, Some(Json::String(id))) => {
            let collection = match kind {
                ResourceKind::User => "Users",
                ResourceKind::Group => "Groups",
            };
            format!(
                "{}/{collection}/{}",
                bases.client,
                utf8_percent_encode(id, RESERVED)
            )
        }
        _ => return,
    };
    headers.push(("location".to_owned(), location.into_bytes()));
}

/// The headers of a management answer, as they came.
pub(crate) fn end_to_end(answer: &BackendAnswer) -> Headers {
    answer
        .headers
        .iter()
        .filter(|(name, _)| !header_names::is_of_connection(name))
        .cloned()
        .collect()
}

/// The meaning of the application's failure, if the application does not describe it.
pub(super) fn failure(status: u16) -> &'static str {
    match status {
        404 => "The application does not know this resource.",
        409 => "The application refused: the resource exists already.",
        408 | 425 | 429 => "The application is busy. Try again later.",
        400..=499 => "The application refused the request.",
        _ => "The application failed. Try again later.",
    }
}

/// The application's text, ended with a full stop so that another sentence can follow.
pub(super) fn sentence(text: &str) -> String {
    match text.ends_with(['.', '!', '?']) {
        true => text.to_owned(),
        false => format!("{text}."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_byte_order_mark_in_front_is_passed_over() {
        let answer = |text: &str| BackendAnswer {
            status: 200,
            headers: Vec::new(),
            body: AnswerBody::Bytes(text.as_bytes().to_vec()),
        };
        assert!(read(&answer("\u{feff}{}")).is_ok());
        for text in ["\u{feff}\u{feff}{}", "{}\u{feff}", "\u{feff}"] {
            assert!(read(&answer(text)).is_err(), "{text:?}");
        }
    }
}
