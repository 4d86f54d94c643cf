//! Value paths that create a value, such as `emails[type eq "work"].value` when no such e-mail
//! exists. Entra sends them to add a value that satisfies the filter; RFC 7644 §3.5.2.3 has servers
//! refuse them (`noTarget`).

use std::collections::BTreeMap;

use crate::json::{Json, Member};
use crate::message::Normalisation;
use crate::rules::{Refusal, normalise, scim};
use crate::scim::filter::{Filter, Operator};
use crate::scim::operation::{Operation, Verb};
use crate::scim::schema::Attribute;
use crate::scim::shape::{Resolved, Shape};

/// Whether any of the operations may intend to create a value.
pub(crate) fn may_create(operations: &[Operation]) -> bool {
    operations
        .iter()
        .any(|operation| conditions(operation).is_some())
}

/// Rewrites operations on missing values as additions. Each operation sees the result of those
/// before it (RFC 7644 §3.5.2). Returns the first one that must not create: a filter on `value`
/// selects an existing value and never creates one (§3.5.2.3).
pub(crate) fn create_missing(
    operations: &mut [Operation],
    resource: &Json,
    shape: &Shape,
    changes: &mut Vec<Normalisation>,
) -> Option<NoTarget> {
    let mut no_target = None;
    let mut lists: BTreeMap<String, List> = BTreeMap::new();
    for (index, operation) in operations.iter_mut().enumerate() {
        let Resolved::Attribute(target) = shape.resolve(&operation.attribute) else {
            continue;
        };
        if !target.attribute.multi_valued {
            continue;
        }
        let urn = target.extension.map(|extension| extension.id.as_str());
        let list = lists
            .entry(operation.attribute.clone())
            .or_insert_with(|| List {
                attribute: target.attribute,
                values: Some(values_of(resource, urn, target.attribute).to_vec()),
            });
        if let Some(wanted) = conditions(operation)
            && list.lacks(&wanted)
        {
            if wanted.iter().any(|(name, _)| *name == "value") {
                no_target.get_or_insert(NoTarget {
                    operation: operation.origin,
                    path: operation.path(),
                });
            }
            let value = created(&wanted, operation, target.attribute);
            changes.push(normalise::PATH.normalisation(
                &format!("Operations[{index}]"),
                &format!("{} is not there yet and was added", operation.path()),
            ));
            operation.verb = Verb::Add;
            operation.filter = None;
            operation.sub = None;
            operation.value = Some(Json::Array(vec![value]));
        }
        list.apply(operation);
    }
    no_target
}

/// An operation on a missing value that it must not create.
pub(crate) struct NoTarget {
    operation: usize,
    path: String,
}

// === impl NoTarget ===

impl NoTarget {
    /// Returns the refusal (RFC 7644 §3.5.2.3).
    pub(crate) fn refusal(&self) -> Refusal {
        scim::PATCH_NO_TARGET.because(format!(
            "Operations[{}]: nothing matches {}. Add the value first, with op add.",
            self.operation, self.path
        ))
    }
}

/// The values of one attribute after the operations so far.
struct List<'s> {
    attribute: &'s Attribute,
    /// `None` once they are unknown.
    values: Option<Vec<Json>>,
}

impl List<'_> {
    /// Whether it is certain that no value satisfies the conditions.
    fn lacks(&self, conditions: &Conditions<'_>) -> bool {
        self.values.as_ref().is_some_and(|values| {
            values
                .iter()
                .all(|value| !satisfies(value, self.attribute, conditions))
        })
    }

    fn apply(&mut self, operation: &Operation) {
        let given = operation.value.as_ref().and_then(Json::as_array);
        let Some(values) = &mut self.values else {
            return;
        };
        let Some(filter) = &operation.filter else {
            match (operation.verb, &operation.sub, given) {
                (Verb::Add, None, Some(given)) => values.extend_from_slice(given),
                (Verb::Replace, None, Some(given)) => *values = given.to_vec(),
                (Verb::Remove, None, _) => values.clear(),
                _ => self.values = None,
            }
            return;
        };
        let mut conditions = Vec::new();
        if collect(filter, &mut conditions).is_none() {
            self.values = None;
            return;
        }
        let attribute = self.attribute;
        if let (Verb::Remove, None) = (operation.verb, &operation.sub) {
            values.retain(|value| !satisfies(value, attribute, &conditions));
            return;
        }
        for value in values.iter_mut() {
            if !satisfies(value, attribute, &conditions) {
                continue;
            }
            match (&operation.sub, &operation.value, value) {
                (Some(sub), given, Json::Object(members)) => {
                    members.retain(|member| !member.name.eq_ignore_ascii_case(sub));
                    members.extend(given.clone().map(|given| Member::new(sub, given)));
                }
                (None, Some(given), value) if operation.verb == Verb::Replace => {
                    *value = given.clone();
                }
                _ => {
                    self.values = None;
                    return;
                }
            }
        }
    }
}

/// Builds the value that an operation creates.
fn created(conditions: &Conditions<'_>, operation: &Operation, attribute: &Attribute) -> Json {
    let set = operation.sub.clone().zip(operation.value.clone());
    let members = conditions
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).clone()))
        .chain(set)
        .map(|(name, value)| Member::new(name, value))
        .collect();
    Json::Object(ordered(members, attribute))
}

/// Sub-attributes and the values they must have.
type Conditions<'f> = Vec<(&'f str, &'f Json)>;

/// If the operation may intend to create a value, returns what that value must contain: the
/// equalities of its filter, none of which may concern the sub-attribute that is set.
fn conditions(operation: &Operation) -> Option<Conditions<'_>> {
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

/// Returns `None` unless the filter consists of equalities joined by `and`.
fn collect<'f>(filter: &'f Filter, into: &mut Conditions<'f>) -> Option<()> {
    match filter {
        Filter::And(all) => all.iter().try_for_each(|inner| collect(inner, into)),
        Filter::Compare(name, Operator::Equal, value) if *value != Json::Null => {
            into.push((&name.0, value));
            Some(())
        }
        _ => None,
    }
}

fn values_of<'r>(resource: &'r Json, extension: Option<&str>, attribute: &Attribute) -> &'r [Json] {
    let around = match extension {
        Some(urn) => super::member(resource, urn),
        None => Some(resource),
    };
    around
        .and_then(|around| super::member(around, &attribute.name))
        .and_then(Json::as_array)
        .unwrap_or_default()
}

fn satisfies(value: &Json, attribute: &Attribute, conditions: &Conditions<'_>) -> bool {
    conditions
        .iter()
        .all(|(name, wanted)| has(value, attribute, name, wanted))
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

/// Sorts members into schema order.
fn ordered(mut members: Vec<Member>, attribute: &Attribute) -> Vec<Member> {
    members.sort_by_key(|member| {
        attribute
            .sub_attributes
            .iter()
            .position(|sub| sub.name == member.name)
    });
    members
}
