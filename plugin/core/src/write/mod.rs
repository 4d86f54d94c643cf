//! The bytes for the backend: the permitted message in the backend's dialect, with only the headers
//! that it needs.

use std::borrow::Cow;

use crate::act::{Act, Edit, MembersWrite};
use crate::canonical::Message;
use crate::header_names;
use crate::json::{Json, Member};
use crate::known::Stop;
use crate::message::{Headers, Normalisation, Request};
use crate::normalise::members::equals;
use crate::permit::{Context, Permitted};
use crate::policy::{Dialect, Resource};
use crate::route::ScimCall;
use crate::rules::{Stage, normalise};
use crate::scim::operation::{Operation, Verb};
use crate::scim::schema::Type;
use crate::scim::shape::Resolved;
use crate::scim::{PATCH_URN, Profile};
use crate::token::Authorised;

/// The headers of a client's SCIM request that are forwarded.
const FORWARDED: &[&str] = &[
    "accept",
    "accept-language",
    "if-match",
    "if-none-match",
    "user-agent",
    "traceparent",
    "tracestate",
    "x-request-id",
];

/// The headers of a SCIM request.
pub(crate) fn scim_headers(
    request: &Request,
    authorised: &Authorised,
    profile: Profile,
) -> Headers {
    let mut headers: Headers = request
        .headers
        .iter()
        .filter(|(name, value)| FORWARDED.contains(&name.as_str()) && is_clean(value))
        .cloned()
        .collect();
    if profile == Profile::Interop {
        headers.retain(|(name, _)| !name.starts_with("if-"));
        if headers.iter().all(|(name, _)| name != "user-agent") {
            headers.push(("user-agent".to_owned(), b"scimguard".to_vec()));
        }
    }
    headers.push(authorised.header.clone());
    headers
}

/// The header of a request with a body (RFC 7644 §3.1).
pub(crate) fn json_content() -> (String, Vec<u8>) {
    ("content-type".to_owned(), b"application/scim+json".to_vec())
}

/// The headers of a management request, except those that change the meaning of the request, claim
/// its origin, or are reserved for the guard.
pub(crate) fn management_headers(request: &Request) -> Headers {
    let named = header_names::named_by_connection(&request.headers);
    request
        .headers
        .iter()
        .filter(|(name, value)| {
            !header_names::is_never_forwarded(name)
                && !named.contains(&header_names::spelling(name))
                && is_clean(value)
        })
        .cloned()
        .collect()
}

fn is_clean(value: &[u8]) -> bool {
    value
        .iter()
        .all(|byte| *byte == b'\t' || (*byte >= 0x20 && *byte != 0x7f))
}

/// A message in the backend's dialect.
pub(crate) enum Written {
    /// Keeps the client's method.
    AsAsked(Option<Vec<u8>>),
    Patch(Vec<u8>),
    /// Nothing is left to change: the resource is read instead.
    Read,
}

/// Writes a permitted message in the backend's dialect.
pub(crate) fn write(
    permitted: &Permitted<'_>,
    call: &ScimCall,
    context: &Context<'_>,
    changes: &mut Vec<Normalisation>,
) -> Result<Written, Stop> {
    context.facts.budget().enter(Stage::Write);
    let canonical = permitted.canonical();
    let (operations, kind) = match (canonical.message(), call.changed()) {
        (Message::Resource(message) | Message::Search(message), _) => {
            return Ok(Written::AsAsked(Some(message.to_bytes())));
        }
        (Message::Patch(operations), Some((kind, _))) => (operations, kind),
        _ => return Ok(Written::AsAsked(None)),
    };
    let resource = context.account.resource(kind);
    let operations = in_dialect(operations, resource, canonical.act(), context, changes)?;
    if operations.is_empty() {
        if changes.iter().all(|c| c.rule != normalise::NO_EFFECT.id) {
            changes.push(normalise::NO_EFFECT.normalisation(
                "Operations",
                "no operation is left: the resource is read instead",
            ));
        }
        return Ok(Written::Read);
    }
    let message = patch_message(&operations, resource, changes);
    Ok(Written::Patch(message.to_bytes()))
}

/// Translates operations to the backend's dialect.
fn in_dialect<'o>(
    operations: &'o [Operation],
    resource: &Resource,
    act: &Act,
    context: &Context<'_>,
    changes: &mut Vec<Normalisation>,
) -> Result<Vec<Cow<'o, Operation>>, Stop> {
    let mut written = Vec::with_capacity(operations.len());
    let mut replaced = false;
    for operation in operations {
        let dialect = resource.dialect(&operation.attribute);
        if dialect == Dialect::Omitted {
            changes.push(Normalisation {
                rule: normalise::NOT_SYNCED.id.to_owned(),
                path: operation.path(),
                detail: "the application does not accept it in a PATCH".to_owned(),
            });
            continue;
        }
        let by_difference = dialect == Dialect::Difference;
        match absolute(act).filter(|_| by_difference) {
            None => written.push(Cow::Borrowed(operation)),
            // All operations on the list are written as one replacement, in the place of the first.
            Some(_) if replaced => {}
            Some(change) => {
                replaced = true;
                let (add, remove) = replacement(change, context)?;
                if add.is_empty() && remove.is_empty() {
                    changes.push(Normalisation {
                        rule: normalise::NO_EFFECT.id.to_owned(),
                        path: operation.attribute.clone(),
                        detail: "the group already has exactly these members".to_owned(),
                    });
                }
                let operations = difference(operation, add, remove);
                written.extend(operations.into_iter().map(Cow::Owned));
            }
        }
    }
    Ok(written)
}

/// The change of an act that replaces the members of a group.
fn absolute(act: &Act) -> Option<&crate::act::GroupChange> {
    act.edits.iter().find_map(|edit| match edit {
        Edit::ChangeGroup(change) if matches!(change.members.net(), MembersWrite::Replace(_)) => {
            Some(change)
        }
        _ => None,
    })
}

/// The members that a replacement adds and removes. Unconfirmed additions are repeated.
fn replacement(
    change: &crate::act::GroupChange,
    context: &Context<'_>,
) -> Result<(Vec<String>, Vec<String>), Stop> {
    if let Some(replacement) = context.completed_replacement(change) {
        return Ok(replacement);
    }
    let group = &change.group;
    let Some(key) = context.net_members_key(group, &change.members) else {
        return Ok((Vec::new(), Vec::new()));
    };
    let difference = context.facts.difference(&key)?;
    let ids = |members: &[crate::facts::Member]| {
        members
            .iter()
            .map(|member| member.reference.clone())
            .collect()
    };
    Ok((ids(&difference.added), ids(&difference.removed)))
}

fn difference(like: &Operation, add: Vec<String>, remove: Vec<String>) -> Vec<Operation> {
    let part = |verb, filter, value| Operation {
        verb,
        attribute: like.attribute.clone(),
        filter,
        sub: None,
        value,
        was_pathless: like.was_pathless,
        origin: like.origin,
    };
    let mut operations: Vec<Operation> = remove
        .into_iter()
        .map(|id| part(Verb::Remove, Some(equals(id)), None))
        .collect();
    if !add.is_empty() {
        let list = add
            .into_iter()
            .map(|id| Json::object([("value", Json::String(id))]))
            .collect();
        operations.push(part(Verb::Add, None, Some(Json::Array(list))));
    }
    operations
}

// === impl Resource ===

impl Resource {
    /// Whether an operation is on a single-valued attribute without sub-attributes.
    fn has_one_value(&self, operation: &Operation) -> bool {
        match self.shape.resolve(&operation.attribute) {
            Resolved::Attribute(target) => {
                let leaf = target.leaf();
                operation.sub.is_none() && !leaf.multi_valued && leaf.r#type != Type::Complex
            }
            _ => false,
        }
    }
}

/// The PatchOp message (RFC 7644 §3.5.2).
fn patch_message(
    operations: &[Cow<'_, Operation>],
    resource: &Resource,
    changes: &mut Vec<Normalisation>,
) -> Json {
    let written = operations
        .iter()
        .map(|operation| operation_message(operation, resource, changes))
        .collect();
    Json::object([
        ("schemas", Json::Array(vec![Json::string(PATCH_URN)])),
        ("Operations", Json::Array(written)),
    ])
}

fn operation_message(
    operation: &Operation,
    resource: &Resource,
    changes: &mut Vec<Normalisation>,
) -> Json {
    let dialect = resource.dialect(&operation.attribute);
    let plain = operation.filter.is_none() && operation.verb != Verb::Remove;
    let pathless = dialect == Dialect::Value && plain;
    let verb = match operation.verb {
        // RFC 7644 §3.5.2.1: adding a single value means replacing it. Not every application knows
        // this when there is no path.
        Verb::Add if pathless && resource.has_one_value(operation) => {
            changes.push(Normalisation {
                rule: normalise::OP.id.to_owned(),
                path: operation.path(),
                detail: "add is written as replace, as the application expects".to_owned(),
            });
            Verb::Replace
        }
        verb => verb,
    };
    let mut members = vec![Member::new("op", Json::string(verb.text()))];
    if pathless != operation.was_pathless {
        changes.push(Normalisation {
            rule: normalise::PATH.id.to_owned(),
            path: operation.path(),
            detail: if pathless {
                "written without a path, as the application expects".to_owned()
            } else {
                "written as a separate operation with a path".to_owned()
            },
        });
    }
    if pathless {
        let value = operation.value.clone().unwrap_or(Json::Null);
        let value = match &operation.sub {
            Some(sub) => Json::Object(vec![Member::new(sub, value)]),
            None => value,
        };
        members.push(Member::new(
            "value",
            Json::Object(vec![Member::new(&operation.attribute, value)]),
        ));
        return Json::Object(members);
    }
    match (&operation.filter, dialect) {
        (Some(filter), Dialect::ValueList) if operation.verb == Verb::Remove => {
            let list = filter
                .values()
                .unwrap_or_default()
                .into_iter()
                .map(|id| Json::object([("value", Json::string(id))]))
                .collect();
            members.push(Member::new("path", Json::string(&operation.attribute)));
            members.push(Member::new("value", Json::Array(list)));
        }
        _ => {
            members.push(Member::new("path", Json::string(operation.path())));
            if let Some(value) = &operation.value {
                members.push(Member::new("value", value.clone()));
            }
        }
    }
    Json::Object(members)
}
