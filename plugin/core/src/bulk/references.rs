//! References between the operations of a Bulk request (RFC 7644 §3.7.2): `bulkId:X` stands for the
//! id of the resource that the operation with that `bulkId` creates, and may be used only in place
//! of an id.

use std::collections::{BTreeMap, BTreeSet};

use percent_encoding::utf8_percent_encode;

use super::Operation;
use crate::json::Json;
use crate::normalise::query::RESERVED;
use crate::rules::{Refusal, scim};
use crate::scim::filter::Filter;
use crate::scim::operation;
use crate::scim::schema::Attribute;
use crate::scim::shape::{Resolved, Shape};

const MARK: &str = "bulkId:";

/// The ids of created resources, by `bulkId`.
type Ids = BTreeMap<String, String>;

/// Every `bulkId` that an operation refers to, in its path or data.
pub(super) fn named(path: &str, data: Option<&Json>) -> Vec<String> {
    let mut found = BTreeSet::new();
    if let Some(bulk_id) = path.split('/').nth(2).and_then(|id| id.strip_prefix(MARK)) {
        found.insert(bulk_id.to_owned());
    }
    if let Some(data) = data {
        collect(data, &mut found);
    }
    found.into_iter().collect()
}

fn collect(value: &Json, found: &mut BTreeSet<String>) {
    match value {
        Json::String(text) => match text.strip_prefix(MARK) {
            Some(bulk_id) => {
                found.insert(bulk_id.to_owned());
            }
            // In the filter of a path, such as `members[value eq "bulkId:X"]`.
            None => found.extend(
                text.split('"')
                    .skip(1)
                    .step_by(2)
                    .filter_map(|quoted| quoted.strip_prefix(MARK))
                    .map(str::to_owned),
            ),
        },
        Json::Array(elements) => elements.iter().for_each(|inner| collect(inner, found)),
        Json::Object(members) => members
            .iter()
            .for_each(|member| collect(&member.value, found)),
        _ => {}
    }
}

/// Checks that every reference names one operation that creates something, and that there are no
/// circles.
pub(super) fn check(operations: &[Operation]) -> Result<(), Refusal> {
    let mut by_id = BTreeMap::new();
    for (index, operation) in operations.iter().enumerate() {
        let Some(bulk_id) = operation.bulk_id.as_deref() else {
            continue;
        };
        if let Some(first) = by_id.insert(bulk_id, index) {
            return Err(scim::BULK_INVALID.because(format!(
                "Operations[{first}] and Operations[{index}] have the same bulkId {bulk_id:?}."
            )));
        }
    }
    for (index, operation) in operations.iter().enumerate() {
        for bulk_id in &operation.refers_to {
            let creates = by_id
                .get(bulk_id.as_str())
                .and_then(|other| operations.get(*other))
                .is_some_and(|other| other.method == "POST");
            if !creates {
                return Err(scim::BULK_REFERENCE.because(format!(
                    "Operations[{index}] refers to bulkId {bulk_id:?}, which no POST of this request has."
                )));
            }
        }
    }
    // An operation is settled if everything that it refers to is settled; the rest form circles.
    let mut waits_for: Vec<usize> = operations
        .iter()
        .map(|operation| operation.refers_to.len())
        .collect();
    let mut referrers: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (index, operation) in operations.iter().enumerate() {
        let targets = operation.refers_to.iter();
        for target in targets.filter_map(|id| by_id.get(id.as_str())) {
            referrers.entry(*target).or_default().push(index);
        }
    }
    let mut ready: Vec<usize> = (0..operations.len())
        .filter(|index| waits_for.get(*index) == Some(&0))
        .collect();
    while let Some(settled) = ready.pop() {
        for referrer in referrers.remove(&settled).unwrap_or_default() {
            let Some(left) = waits_for.get_mut(referrer) else {
                continue;
            };
            *left = left.saturating_sub(1);
            if *left == 0 {
                ready.push(referrer);
            }
        }
    }
    let circle: Vec<String> = (0..operations.len())
        .filter(|index| waits_for.get(*index).is_some_and(|left| *left > 0))
        .map(|index| format!("Operations[{index}]"))
        .collect();
    if circle.is_empty() {
        return Ok(());
    }
    Err(scim::BULK_REFERENCE.because(format!(
        "{} refer to each other in a circle. Create them first, and refer to them afterwards.",
        circle.join(", ")
    )))
}

/// The path of an operation with the id in place of its `bulkId`.
pub(super) fn resolved_path(path: &str, ids: &Ids) -> String {
    let known = path.split_once(&format!("/{MARK}"));
    match known.and_then(|(before, bulk_id)| Some((before, ids.get(bulk_id)?))) {
        Some((before, id)) => {
            format!("{before}/{}", utf8_percent_encode(id, RESERVED))
        }
        None => path.to_owned(),
    }
}

/// Replaces the references in a canonical resource with ids.
pub(crate) fn resolve_resource(
    resource: &mut Json,
    shape: &Shape,
    ids: &Ids,
) -> Result<(), Refusal> {
    let Json::Object(members) = resource else {
        return Ok(());
    };
    for member in members {
        match shape.resolve(&member.name) {
            Resolved::Attribute(target) => {
                resolve_value(&mut member.value, target.attribute, &member.name, ids)?;
            }
            Resolved::Schema(schema) => {
                let Json::Object(inner) = &mut member.value else {
                    continue;
                };
                for member in inner {
                    let attribute = schema.attribute(&member.name);
                    if let Some(attribute) = attribute {
                        resolve_value(&mut member.value, attribute, &member.name, ids)?;
                    }
                }
            }
            Resolved::Schemas | Resolved::Unknown => {}
        }
    }
    Ok(())
}

/// Replaces the references in canonical operations with ids.
pub(crate) fn resolve_operations(
    operations: &mut [operation::Operation],
    shape: &Shape,
    ids: &Ids,
) -> Result<(), Refusal> {
    for operation in operations {
        let name = operation.path();
        let Resolved::Attribute(target) = shape.resolve(&operation.attribute) else {
            continue;
        };
        if let Some(filter) = &mut operation.filter {
            resolve_filter(filter, target.attribute, &name, ids)?;
        }
        match (&mut operation.value, &operation.sub) {
            (None, _) => {}
            (Some(value), None) => resolve_value(value, target.attribute, &name, ids)?,
            (Some(value), Some(sub)) => {
                resolve_sub(value, target.attribute, sub, &name, ids)?;
            }
        }
    }
    Ok(())
}

fn resolve_value(
    value: &mut Json,
    attribute: &Attribute,
    place: &str,
    ids: &Ids,
) -> Result<(), Refusal> {
    match value {
        Json::Array(elements) => elements
            .iter_mut()
            .try_for_each(|element| resolve_value(element, attribute, place, ids)),
        Json::Object(members) => members.iter_mut().try_for_each(|member| {
            resolve_sub(&mut member.value, attribute, &member.name, place, ids)
        }),
        Json::String(text) => nowhere_else(text, place),
        _ => Ok(()),
    }
}

fn resolve_sub(
    value: &mut Json,
    attribute: &Attribute,
    sub: &str,
    place: &str,
    ids: &Ids,
) -> Result<(), Refusal> {
    let Json::String(text) = value else {
        return Ok(());
    };
    if attribute.is_reference() && sub == "value" {
        resolve_text(text, ids);
        return Ok(());
    }
    nowhere_else(text, &format!("{place}.{sub}"))
}

fn resolve_filter(
    filter: &mut Filter,
    attribute: &Attribute,
    place: &str,
    ids: &Ids,
) -> Result<(), Refusal> {
    match filter {
        Filter::And(all) | Filter::Or(all) => all
            .iter_mut()
            .try_for_each(|inner| resolve_filter(inner, attribute, place, ids)),
        Filter::Not(inner) | Filter::Within(_, inner) => {
            resolve_filter(inner, attribute, place, ids)
        }
        Filter::Compare(name, _, value) => resolve_sub(value, attribute, &name.0, place, ids),
        Filter::Present(_) => Ok(()),
    }
}

fn resolve_text(text: &mut String, ids: &Ids) {
    if let Some(id) = text.strip_prefix(MARK).and_then(|bulk_id| ids.get(bulk_id)) {
        *text = id.clone();
    }
}

fn nowhere_else(text: &str, place: &str) -> Result<(), Refusal> {
    if text.starts_with(MARK) {
        return Err(scim::BULK_REFERENCE.because(format!(
            "{place}: a bulkId can be used only in place of an id, such as in members."
        )));
    }
    Ok(())
}
