//! Repairs known problems of backend answers that identity providers cannot handle, if the meaning
//! is certain. An ambiguous answer is refused (`upstream.invalid`).

use super::answer::{invalid_answer, member, urns};
use crate::json::{Json, Member};
use crate::rules::Refusal;
use crate::scim::LIST_URN;
use crate::scim::schema::Attribute;
use crate::scim::shape::{Resolved, Shape};

/// The counts of a list (RFC 7644 §3.4.2.4).
const COUNTS: [&str; 3] = ["totalResults", "itemsPerPage", "startIndex"];

/// A list of resources as RFC 7644 §3.4.2 defines it. `from_start`: the request asked for the first
/// page and not only for the count, so a list without resources must have a count of zero.
pub(super) fn list(body: Json, from_start: bool) -> Result<Json, Refusal> {
    let mut members = match body {
        Json::Array(all) if all.is_empty() && from_start => vec![
            Member::new("totalResults", Json::Number("0".to_owned())),
            Member::new("Resources", Json::Array(all)),
        ],
        Json::Object(members) => members,
        _ => return Err(invalid_answer("it is not a list of resources")),
    };
    for given in &mut members {
        if is_any(&given.name, &COUNTS) {
            count(given)?;
        }
    }
    members.retain(|given| !(is_any(&given.name, &COUNTS) && given.value == Json::Null));
    let mut list = Json::Object(members);
    let is_list = urns(&list).any(|urn| urn.eq_ignore_ascii_case(LIST_URN))
        || member(&list, "totalResults").is_some();
    if !is_list {
        return Err(invalid_answer("it is not a list of resources"));
    }
    if matches!(member(&list, "Resources"), None | Some(Json::Null)) {
        let is = |name: &str, text: &str| matches!(member(&list, name), Some(Json::Number(given)) if given == text);
        if from_start && !is("totalResults", "0") && !is("itemsPerPage", "0") {
            return Err(invalid_answer("it counts resources and lists none"));
        }
        set(&mut list, "Resources", Json::Array(Vec::new()));
    }
    if member(&list, "schemas").is_none_or(Json::is_unassigned) {
        put_first(
            &mut list,
            Member::new("schemas", Json::Array(vec![Json::string(LIST_URN)])),
        );
    }
    Ok(list)
}

/// A count that was sent as text.
fn count(given: &mut Member) -> Result<(), Refusal> {
    let number = match &given.value {
        Json::Null => return Ok(()),
        Json::Number(text) => {
            return is_count(text)
                .then_some(())
                .ok_or_else(|| no_count(&given.name));
        }
        Json::String(text) => text.trim().parse::<u64>().ok(),
        _ => None,
    };
    let number = number.ok_or_else(|| no_count(&given.name))?;
    given.value = Json::Number(number.to_string());
    Ok(())
}

fn is_count(text: &str) -> bool {
    text.parse::<f64>()
        .is_ok_and(|number| number >= 0.0 && number.fract() == 0.0)
}

fn no_count(name: &str) -> Refusal {
    invalid_answer(&format!("its {name} is not a whole number"))
}

/// Converts numeric ids to text, as RFC 7643 §3.1 requires: the resource's own id, and those of the
/// resources that it refers to.
pub(super) fn identifiers(body: &mut Json, shapes: &[&Shape]) {
    let Json::Object(members) = body else { return };
    for given in members {
        match (&mut given.value, given.name.as_str()) {
            (Json::Array(resources), name) if name.eq_ignore_ascii_case("Resources") => {
                for resource in resources {
                    identifiers(resource, shapes);
                }
            }
            (value, name) if is_any(name, &["id", "externalId"]) => as_text(value),
            (value, name) => {
                for shape in shapes {
                    match shape.resolve(name) {
                        Resolved::Attribute(target) => references(value, target.attribute),
                        Resolved::Schema(schema) => {
                            let Json::Object(inner) = &mut *value else {
                                continue;
                            };
                            for given in inner {
                                if let Some(attribute) = schema.attribute(&given.name) {
                                    references(&mut given.value, attribute);
                                }
                            }
                        }
                        Resolved::Schemas | Resolved::Unknown => {}
                    }
                }
            }
        }
    }
}

/// Converts the activity of users to a boolean if it was sent as text.
pub(super) fn activity(body: &mut Json) {
    let Json::Object(members) = body else { return };
    for given in members {
        match &mut given.value {
            Json::Array(resources) if given.name.eq_ignore_ascii_case("Resources") => {
                resources.iter_mut().for_each(activity);
            }
            Json::String(text) if given.name.eq_ignore_ascii_case("active") => {
                match text.to_ascii_lowercase().as_str() {
                    "true" => given.value = Json::Bool(true),
                    "false" => given.value = Json::Bool(false),
                    _ => {}
                }
            }
            _ => {}
        }
    }
}

fn references(value: &mut Json, attribute: &Attribute) {
    if !attribute.is_reference() {
        return;
    }
    match value {
        Json::Array(elements) => {
            for element in elements {
                references(element, attribute);
            }
        }
        Json::Object(members) => {
            for given in members {
                if given.name.eq_ignore_ascii_case("value") {
                    as_text(&mut given.value);
                }
            }
        }
        _ => {}
    }
}

fn as_text(value: &mut Json) {
    if let Json::Number(text) = value
        && text.bytes().all(|digit| digit.is_ascii_digit())
    {
        *value = Json::String(std::mem::take(text));
    }
}

/// Adds the id of the request to the answer of a PUT or PATCH that has none: some applications only
/// repeat what they were sent. `true`: it had none, so it shows what was asked for and not what is
/// stored.
pub(super) fn own_id(body: &mut Json, shape: &Shape, id: &str) -> bool {
    if !matches!(member(body, "id"), None | Some(Json::Null)) || !is_resource(body, shape) {
        return false;
    }
    put_first(body, Member::new("id", Json::string(id)));
    true
}

/// Whether a body declares this type, or has an attribute of it.
fn is_resource(body: &Json, shape: &Shape) -> bool {
    let core = &shape.resource.core;
    let has_attribute = |members: &[Member]| {
        members
            .iter()
            .any(|given| core.attribute(&given.name).is_some())
    };
    match body {
        Json::Object(members) => {
            urns(body).any(|urn| urn.eq_ignore_ascii_case(&core.id)) || has_attribute(members)
        }
        _ => false,
    }
}

fn is_any(name: &str, names: &[&str]) -> bool {
    names.iter().any(|other| name.eq_ignore_ascii_case(other))
}

/// Inserts it after `schemas`, or else at the start.
fn put_first(body: &mut Json, member: Member) {
    let Json::Object(members) = body else { return };
    members.retain(|given| !given.name.eq_ignore_ascii_case(&member.name));
    let has_schemas = members
        .first()
        .is_some_and(|first| first.name.eq_ignore_ascii_case("schemas"));
    members.insert(usize::from(has_schemas), member);
}

fn set(body: &mut Json, name: &str, value: Json) {
    let Json::Object(members) = body else { return };
    match members
        .iter_mut()
        .find(|given| given.name.eq_ignore_ascii_case(name))
    {
        Some(given) => given.value = value,
        None => members.push(Member::new(name, value)),
    }
}
