//! Turns a PUT into a PATCH for applications of the interoperability profile, which has no PUT.
//! Attributes in the resource are set, missing ones removed (RFC 7644 §3.5.1).

use crate::json::Json;
use crate::scim::operation::{Operation, Verb};
use crate::scim::schema::{Attribute, Mutability, Returned, Schema, Type};
use crate::scim::shape::{Shape, Target};

/// Returns the operations that are equivalent to a canonical resource.
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

/// Removes a missing attribute, unless its absence means nothing: secrets, booleans, immutable and
/// required attributes.
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
