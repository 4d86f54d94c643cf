//! The body of a search (RFC 7644 §3.4.3): the parameters of a query, with the same rules.

use super::message_schemas;
use super::query::{attribute_name, one_way_of_paging, parameter, starts};
use crate::json::{Json, Member, Source};
use crate::message::Normalisation;
use crate::rules::{Refusal, Rule, normalise, scim};
use crate::scim::SEARCH_URN;
use crate::scim::shape::Shape;

/// The members of a SearchRequest, in the order in which they are written.
const KNOWN: &[&str] = &[
    "schemas",
    "attributes",
    "excludedAttributes",
    "filter",
    "sortBy",
    "sortOrder",
    "startIndex",
    "count",
    "cursor",
];

/// Returns the canonical SearchRequest.
pub(crate) fn canonical(
    body: Json,
    reading: Source<'_>,
    shapes: &[&Shape],
    changes: &mut Vec<Normalisation>,
) -> Result<Json, Refusal> {
    let Json::Object(members) = body else {
        return Err(scim::SCHEMA_INVALID_TYPE
            .because(format!("The body must be an object, not {}.", body.kind())));
    };
    let mut change = |rule: &'static Rule, name: &str, detail: String| {
        changes.push(rule.normalisation(name, &detail));
    };
    let mut written: Vec<(usize, Member)> = Vec::new();
    for given in members {
        let known = KNOWN
            .iter()
            .position(|name| name.eq_ignore_ascii_case(&given.name));
        let Some((index, name)) = known.and_then(|index| Some((index, *KNOWN.get(index)?))) else {
            change(
                &normalise::QUERY,
                &given.name,
                "the parameter is unknown".to_owned(),
            );
            continue;
        };
        if written.iter().any(|(other, _)| *other == index) {
            return Err(reading
                .duplicate(&given.name, given.end_of_key as usize)
                .into());
        }
        if name != given.name {
            change(
                &normalise::NAME,
                name,
                format!("{} is written {name}", given.name),
            );
        }
        if given.value.is_unassigned() && name != "schemas" {
            continue;
        }
        let value = member(name, &given.value, shapes)?;
        if value != given.value {
            change(&normalise::QUERY, name, format!("written as {value}"));
        }
        written.push((index, Member::new(name, value)));
    }
    if written.iter().all(|(index, _)| *index != 0) {
        return Err(scim::SCHEMA_MISSING_URN
            .because(format!("schemas is missing. Send [\"{SEARCH_URN}\"].")));
    }
    one_way_of_paging(written.iter().map(|(_, member)| member.name.as_str()))?;
    written.sort_by_key(|(index, _)| *index);
    Ok(Json::Object(
        written.into_iter().map(|(_, member)| member).collect(),
    ))
}

/// Whether a canonical search asks for the first page of results, and not only for their number.
pub(crate) fn is_from_start(search: &Json) -> bool {
    let Json::Object(members) = search else {
        return true;
    };
    members.iter().all(|given| match &given.value {
        Json::Number(text) | Json::String(text) => starts(&given.name, text),
        _ => true,
    })
}

fn member(name: &str, value: &Json, shapes: &[&Shape]) -> Result<Json, Refusal> {
    let wrong = |expected: &str| {
        scim::SCHEMA_INVALID_TYPE
            .because(format!("{name} must be {expected}, not {}.", value.kind()))
    };
    match (name, value) {
        ("schemas", value) => {
            message_schemas(value, SEARCH_URN, "a search")?;
            Ok(Json::Array(vec![Json::string(SEARCH_URN)]))
        }
        ("attributes" | "excludedAttributes", Json::Array(names)) => names
            .iter()
            .map(|one| {
                one.as_str()
                    .map(|one| Json::String(attribute_name(one, shapes)))
                    .ok_or_else(|| wrong("a list of attribute names"))
            })
            .collect::<Result<_, _>>()
            .map(Json::Array),
        ("attributes" | "excludedAttributes", _) => Err(wrong("a list of attribute names")),
        ("startIndex" | "count", Json::Number(text)) => {
            parameter(name, text, shapes).map(Json::Number)
        }
        ("startIndex" | "count", _) => Err(wrong("a whole number")),
        (_, Json::String(text)) => parameter(name, text, shapes).map(Json::String),
        _ => Err(wrong("a string")),
    }
}
