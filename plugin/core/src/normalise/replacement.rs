//! A PUT as a PATCH, for an application that keeps to the interoperability profile, which has no PUT:
//! what the resource has is set, what it leaves out is removed (RFC 7644 §3.5.1).

use crate::json::Json;
use crate::scim::operation::{Operation, Verb};
use crate::scim::schema::{Attribute, Mutability, Returned, Schema, Type};
use crate::scim::shape::{Shape, Target};

/// The operations that a canonical resource amounts to.
pub(crate) fn operations(resource: &Json, shape: &Shape) -> Vec<Operation> {
    let mut operations = Vec::new();
    let own = shape.attributes().map(|attribute| (None, attribute));
    let added = shape.resource.extensions.iter().flat_map(|extension| {
        extension
            .attributes
            .iter()
            .map(move |attribute| (Some(extension), attribute))
    });
    for (extension, attribute) in own.chain(added) {
        let target = Target {
            extension,
            attribute,
            sub: None,
        };
        if target.is_read_only() || !shape.is_synced(target) {
            continue;
        }
        let value = value_of(resource, extension, attribute);
        if attribute.r#type == Type::Complex && !attribute.multi_valued {
            for sub in &attribute.sub_attributes {
                let target = Target {
                    sub: Some(sub),
                    ..target
                };
                if !target.is_read_only() && shape.passes(target) {
                    operations.extend(set(target, value.and_then(|value| value.get(&sub.name))));
                }
            }
        } else {
            operations.extend(set(target, value));
        }
    }
    operations
}

fn value_of<'r>(
    resource: &'r Json,
    extension: Option<&Schema>,
    attribute: &Attribute,
) -> Option<&'r Json> {
    let around = match extension {
        Some(extension) => resource.get(&extension.id)?,
        None => resource,
    };
    around.get(&attribute.name)
}

/// What is left out is removed, unless leaving it out says nothing: a secret nobody repeats, a
/// boolean that is neither true nor false, what cannot change.
fn set(target: Target<'_>, value: Option<&Json>) -> Option<Operation> {
    let leaf = target.leaf();
    let says_nothing = leaf.returned == Returned::Never
        || leaf.r#type == Type::Boolean
        || leaf.mutability == Mutability::Immutable
        || leaf.required;
    if value.is_none() && says_nothing {
        return None;
    }
    Some(Operation {
        verb: if value.is_some() {
            Verb::Replace
        } else {
            Verb::Remove
        },
        attribute: target.without_sub().name().into_owned(),
        filter: None,
        sub: target.sub.map(|sub| sub.name.clone()),
        value: value.cloned(),
        was_pathless: false,
        origin: 0,
    })
}
