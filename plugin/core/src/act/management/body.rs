//! Reads the body of a management request, and finds what in it no part of the route names.

use std::collections::BTreeSet;

use super::super::BodyField;
use crate::fold::same_key;
use crate::json::{Json, pointer_tokens};
use crate::policy::{Free, Route, Source};
use crate::rules::{Refusal, body as body_rules};

/// The values at a JSON Pointer (RFC 6901), in which `*` stands for every element of a list: one
/// for each element. A name that matches only in another case is refused.
pub(super) fn values<'b>(body: &'b Json, pointer: &str) -> Result<Vec<&'b Json>, Refusal> {
    let mut found = vec![body];
    let mut in_list = false;
    for token in pointer_tokens(pointer) {
        let mut next = Vec::new();
        for value in found {
            match value {
                Json::Array(elements) if token == "*" => next.extend(elements),
                // After a `*`, every element must have what the rest of the pointer names.
                Json::Null if !in_list => {}
                value => match step(value, &token, pointer)? {
                    Some(value) => next.push(value),
                    None if in_list => return Err(incomplete(pointer)),
                    None => {}
                },
            }
        }
        in_list |= token == "*";
        found = next;
    }
    match in_list && found.contains(&&Json::Null) {
        true => Err(incomplete(pointer)),
        false => Ok(found),
    }
}

fn step<'b>(value: &'b Json, token: &str, pointer: &str) -> Result<Option<&'b Json>, Refusal> {
    match value {
        Json::Object(members) if token != "*" => {
            if let Some(other) = members
                .iter()
                .find(|member| member.name != token && same_key(&member.name, token))
            {
                return Err(body_rules::SYNTAX.because(format!(
                    "The body has {:?} where {token:?} belongs.",
                    other.name
                )));
            }
            Ok(value.get(token))
        }
        Json::Array(elements) => Ok(token
            .parse::<usize>()
            .ok()
            .and_then(|index| elements.get(index))),
        other => {
            let expected = match token {
                "*" => "a list",
                _ => "an object",
            };
            Err(body_rules::SYNTAX.because(format!(
                "{pointer} in the body lies inside {}, not {expected}.",
                other.kind()
            )))
        }
    }
}

fn incomplete(pointer: &str) -> Refusal {
    body_rules::SYNTAX.because(format!(
        "An element of a list in the body has no {pointer}. Send it for each element, or leave the element out."
    ))
}

/// The JSON Pointers among some sources.
pub(super) fn pointers(sources: &[Source]) -> impl Iterator<Item = &str> {
    sources.iter().filter_map(|source| match source {
        Source::Body(pointer) => Some(pointer.as_str()),
        _ => None,
    })
}

/// The part of the body that counts as a change of a managed resource although the route does not
/// name it: a required member that is missing, or a member that is neither named nor free.
pub(super) fn unlisted_field(route: &Route, body: &Json) -> Option<BodyField> {
    missing(route, body).or_else(|| unlisted(route, body).map(BodyField::Unlisted))
}

fn missing(route: &Route, body: &Json) -> Option<BodyField> {
    let says =
        |pointer: &str, value: &serde_json::Value| at(body, pointer) == Some(&Json::from(value));
    let (pointer, value) = route
        .required
        .iter()
        .find(|(pointer, value)| !says(pointer, value))?;
    Some(BodyField::Required {
        pointer: pointer.clone(),
        value: value.to_string(),
    })
}

/// A value that the body may have only for a resource that a provider owns.
pub(super) fn reserved(route: &Route, body: &Json) -> Option<String> {
    let claims =
        |pointer: &str, value: &serde_json::Value| at(body, pointer) == Some(&Json::from(value));
    let mut reserved = route.reserved.iter();
    let (pointer, _) = reserved.find(|(pointer, value)| claims(pointer, value))?;
    Some(pointer.clone())
}

fn at<'b>(body: &'b Json, pointer: &str) -> Option<&'b Json> {
    let tokens: Vec<String> = pointer_tokens(pointer).collect();
    body.at(&tokens)
}

/// The first member of the body that no source names and that is not free.
fn unlisted(route: &Route, body: &Json) -> Option<String> {
    let parts = route.parts().into_iter();
    let sources = parts.flat_map(|(_, sources)| pointers(sources));
    let named: BTreeSet<&str> = sources
        .chain(route.required.keys().map(String::as_str))
        .collect();
    let mut found = None;
    walk(body, "", "", &mut |pointer, pattern, value| {
        if named.contains(pointer) || named.contains(pattern) || is_free(route, pattern, value) {
            return Walk::Done;
        }
        let may_hold_more = match value {
            Json::Object(members) => !members.is_empty(),
            // A list counts as one value, unless a source names a place in it.
            Json::Array(_) => [pointer, pattern].into_iter().any(|place| {
                let inside = format!("{place}/");
                named.iter().any(|named| named.starts_with(&inside))
            }),
            _ => false,
        };
        if may_hold_more {
            return Walk::Inside;
        }
        // One is enough: collecting all of them would build every pointer.
        found = Some(pointer.to_owned());
        Walk::Over
    });
    found
}

fn is_free(route: &Route, pointer: &str, value: &Json) -> bool {
    let reserved = route.reserved.iter();
    let only = reserved.map(|(pointer, value)| (pointer, Some(value)));
    let free = route.free.iter().map(|free| match free {
        Free::Any(pointer) => (pointer, None),
        Free::Only { pointer, value } => (pointer, Some(value)),
    });
    only.chain(free).any(|(free, only)| {
        free == pointer
            && only.is_none_or(|only| {
                // An empty value counts as absent.
                let empty = only.is_null() && *value == Json::String(String::new());
                empty || Json::from(only) == *value
            })
    })
}

enum Walk {
    Inside,
    Done,
    Over,
}

/// Visits each value with its pointer, and with the pointer that has `*` for every index of a list,
/// until the visitor returns `Over`.
fn walk(
    value: &Json,
    pointer: &str,
    pattern: &str,
    visit: &mut dyn FnMut(&str, &str, &Json) -> Walk,
) -> Walk {
    let mut step = |name: &str, any: &str, value: &Json| {
        let pointer = format!("{pointer}/{name}");
        let pattern = format!("{pattern}/{any}");
        match visit(&pointer, &pattern, value) {
            Walk::Inside => walk(value, &pointer, &pattern, visit),
            other => other,
        }
    };
    match value {
        Json::Object(members) => {
            for member in members {
                let name = member.name.replace('~', "~0").replace('/', "~1");
                if matches!(step(&name, &name, &member.value), Walk::Over) {
                    return Walk::Over;
                }
            }
        }
        Json::Array(elements) => {
            for (index, element) in elements.iter().enumerate() {
                if matches!(step(&index.to_string(), "*", element), Walk::Over) {
                    return Walk::Over;
                }
            }
        }
        _ => {}
    }
    Walk::Done
}
