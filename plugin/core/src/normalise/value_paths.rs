//! Value paths that create, such as `emails[type eq "work"].value` where there is no such e-mail yet:
//! Entra sends them, RFC 7644 §3.5.2.3 has servers refuse them (`noTarget`), and what is meant is a
//! new value that satisfies the filter.

use super::patch::{Operation, Verb};
use crate::json::{Json, Member};
use crate::message::Change;
use crate::rules::normalise;
use crate::scim::filter::{Filter, Operator};
use crate::scim::schema::Attribute;
use crate::scim::shape::{Resolved, Shape};

/// Whether any of the operations can be meant to create a value.
pub(crate) fn may_create(operations: &[Operation]) -> bool {
    operations
        .iter()
        .any(|operation| conditions(operation).is_some())
}

/// Writes operations on values that neither the resource nor an earlier operation has as additions.
pub(crate) fn create_missing(
    operations: &mut [Operation],
    resource: &Json,
    shape: &Shape,
    changes: &mut Vec<Change>,
) {
    let mut created: Vec<(String, Filter)> = Vec::new();
    for (index, operation) in operations.iter_mut().enumerate() {
        let Some(wanted) = conditions(operation) else {
            continue;
        };
        let Resolved::Attribute(target) = shape.resolve(&operation.attribute) else {
            continue;
        };
        let values = attribute_of(
            resource,
            target.extension.map(|e| e.id.as_str()),
            target.attribute,
        );
        let is_there = values.iter().any(|value| {
            wanted
                .iter()
                .all(|(name, wanted)| has(value, target.attribute, name, wanted))
        });
        let filter = operation.filter.clone();
        let is_created = created.iter().any(|(attribute, other)| {
            *attribute == operation.attribute && Some(other) == filter.as_ref()
        });
        let (Some(sub), Some(filter)) = (operation.sub.clone(), filter) else {
            continue;
        };
        if is_there || is_created {
            continue;
        }
        let mut members: Vec<Member> = wanted
            .into_iter()
            .map(|(name, value)| Member::new(name, value.clone()))
            .collect();
        members.push(Member::new(
            sub,
            operation.value.take().unwrap_or(Json::Null),
        ));
        changes.push(Change {
            rule: normalise::PATH.id.to_owned(),
            path: format!("Operations[{index}]"),
            detail: format!(
                "{}[{filter}] is not there yet and was added",
                operation.attribute
            ),
        });
        created.push((operation.attribute.clone(), filter));
        operation.verb = Verb::Add;
        operation.filter = None;
        operation.sub = None;
        operation.value = Some(Json::Array(vec![Json::Object(ordered(
            members,
            target.attribute,
        ))]));
    }
}

/// What a new value has to have, if the operation can be meant to create one: the equalities of its
/// filter, none of them with the sub-attribute that is set.
fn conditions(operation: &Operation) -> Option<Vec<(&str, &Json)>> {
    if operation.verb == Verb::Remove {
        return None;
    }
    let sub = operation.sub.as_deref()?;
    let mut equalities = Vec::new();
    collect(operation.filter.as_ref()?, &mut equalities)?;
    let is_plain = equalities.iter().enumerate().all(|(index, (name, _))| {
        *name != sub
            && equalities
                .iter()
                .skip(index + 1)
                .all(|(other, _)| other != name)
    });
    is_plain.then_some(equalities)
}

/// `None` if the filter is anything but equalities joined by `and`.
fn collect<'f>(filter: &'f Filter, into: &mut Vec<(&'f str, &'f Json)>) -> Option<()> {
    match filter {
        Filter::And(all) => all.iter().try_for_each(|inner| collect(inner, into)),
        Filter::Compare(name, Operator::Equal, value) if *value != Json::Null => {
            into.push((&name.0, value));
            Some(())
        }
        _ => None,
    }
}

fn attribute_of<'r>(
    resource: &'r Json,
    extension: Option<&str>,
    attribute: &Attribute,
) -> &'r [Json] {
    let around = match extension {
        Some(urn) => super::member(resource, urn),
        None => Some(resource),
    };
    around
        .and_then(|around| super::member(around, &attribute.name))
        .and_then(Json::as_array)
        .unwrap_or_default()
}

fn has(value: &Json, attribute: &Attribute, name: &str, wanted: &Json) -> bool {
    let case_exact = attribute.sub(name).is_some_and(|sub| sub.case_exact);
    match (super::member(value, name), wanted) {
        (Some(Json::String(given)), Json::String(wanted)) if !case_exact => {
            crate::fold(given) == crate::fold(wanted)
        }
        (Some(given), wanted) => given == wanted,
        (None, _) => false,
    }
}

/// In the order of the schema.
fn ordered(mut members: Vec<Member>, attribute: &Attribute) -> Vec<Member> {
    members.sort_by_key(|member| {
        attribute
            .sub_attributes
            .iter()
            .position(|sub| sub.name == member.name)
    });
    members
}
