//! Translates a canonical SCIM message into its effect.

use super::{
    Act, Activity, ActivityWrites, Edit, EmailUse, FieldWrite, GroupChange, GroupRef,
    MembersWrites, NameWrite, NewGroup, NewUser, Profile, UserChange, UserGroups, UserRef, Writes,
};
use crate::facts::ResourceKind;
use crate::json::Json;
use crate::normalise::members::referenced;
use crate::scim::filter::{Filter, Operator};
use crate::scim::operation::{Operation, Verb};

/// A POST of a canonical resource.
pub(crate) fn create(kind: ResourceKind, resource: &Json) -> Act {
    let text = |name: &str| resource.get(name).and_then(Json::as_str);
    let edit = match kind {
        ResourceKind::User => Edit::CreateUser(NewUser {
            user_name: text("userName").unwrap_or_default().to_owned(),
            profile: profile(resource),
            active: resource.get("active").and_then(Json::as_bool),
            groups: Vec::new(),
        }),
        ResourceKind::Group => Edit::CreateGroup(NewGroup {
            scope: String::new(),
            id: None,
            name: text("displayName").map(str::to_owned),
            external_id: identifier(text("externalId")).map_or_else(Writes::default, Writes::one),
            members: resource.get("members").map(referenced).unwrap_or_default(),
            unlisted_field: None,
        }),
    };
    Act { edits: vec![edit] }
}

/// A PUT of a canonical resource. It clears what it leaves out (RFC 7644 §3.5.1).
pub(crate) fn replace(kind: ResourceKind, id: &str, resource: &Json) -> Act {
    let text = |name: &str| resource.get(name).and_then(Json::as_str);
    let edit = match kind {
        ResourceKind::User => Edit::ChangeUser(UserChange {
            user: scim_user(id),
            profile: replaced(profile(resource)),
            active: ActivityWrites::one(
                resource
                    .get("active")
                    .and_then(Json::as_bool)
                    .map_or(Activity::LeftOut, Activity::To),
            ),
            groups: UserGroups::Untouched,
        }),
        ResourceKind::Group => {
            let mut members = MembersWrites::default();
            members.replace(resource.get("members").map(referenced).unwrap_or_default());
            Edit::ChangeGroup(GroupChange {
                group: scim_group(id),
                name: Writes::replaced(text("displayName")),
                external_id: Writes::one(
                    identifier(text("externalId")).unwrap_or(FieldWrite::Clear),
                ),
                members,
                unlisted_field: None,
            })
        }
    };
    Act { edits: vec![edit] }
}

/// A PATCH of canonical operations.
pub(crate) fn patch(kind: ResourceKind, id: &str, operations: &[Operation]) -> Act {
    let edit = match kind {
        ResourceKind::User => {
            let mut change = UserChange {
                user: scim_user(id),
                profile: Profile::default(),
                active: ActivityWrites::default(),
                groups: UserGroups::Untouched,
            };
            for operation in operations {
                patch_user(&mut change, operation);
            }
            Edit::ChangeUser(change)
        }
        ResourceKind::Group => {
            let mut change = GroupChange {
                group: scim_group(id),
                name: Writes::default(),
                external_id: Writes::default(),
                members: MembersWrites::default(),
                unlisted_field: None,
            };
            for operation in operations {
                patch_group(&mut change, operation);
            }
            Edit::ChangeGroup(change)
        }
    };
    Act { edits: vec![edit] }
}

/// A DELETE.
pub(crate) fn delete(kind: ResourceKind, id: &str) -> Act {
    let edit = match kind {
        ResourceKind::User => Edit::DeleteUser(scim_user(id)),
        ResourceKind::Group => Edit::DeleteGroup(scim_group(id)),
    };
    Act { edits: vec![edit] }
}

fn scim_user(id: &str) -> UserRef {
    UserRef {
        reference: id.to_owned(),
        may_be_name: false,
    }
}

fn scim_group(id: &str) -> GroupRef {
    GroupRef {
        scope: String::new(),
        id: id.to_owned(),
    }
}

/// The parts of a name that rules compare with the record.
const KNOWN_NAMES: &[&str] = &["formatted", "givenName", "familyName"];

/// What the rules know of a whole resource's profile.
fn profile(resource: &Json) -> Profile {
    const READ: &[&str] = &[
        "schemas",
        "userName",
        "externalId",
        "name",
        "displayName",
        "emails",
        "active",
    ];
    let text = |name: &str| resource.get(name).and_then(Json::as_str);
    let name = |sub: &str| {
        let name = resource.get("name")?.get(sub)?.as_str()?;
        Some(FieldWrite::Set(name.to_owned()))
    };
    let other_names = match resource.get("name") {
        Some(Json::Object(parts)) => parts.iter().any(|part| !KNOWN_NAMES.contains(&&*part.name)),
        _ => false,
    };
    let (given, family) = (name("givenName"), name("familyName"));
    let writes_name = given.is_some() || family.is_some();
    Profile {
        user_name: Writes::set(text("userName")),
        email: resource
            .get("emails")
            .map_or_else(Writes::default, |list| Writes::one(email(list))),
        display_name: Writes::set(text("displayName")),
        names: writes_name
            .then_some(NameWrite {
                given,
                family,
                operation: 0,
            })
            .into_iter()
            .collect(),
        formatted_name: name("formatted").map_or_else(Writes::default, Writes::one),
        other_names,
        external_id: identifier(text("externalId")).map_or_else(Writes::default, Writes::one),
        email_use: EmailUse::Given,
        unlisted_field: None,
        others: match resource {
            Json::Object(members) => members
                .iter()
                .any(|member| !READ.contains(&member.name.as_str())),
            _ => false,
        },
    }
}

/// The profile of a PUT, which clears what it leaves out.
fn replaced(mut profile: Profile) -> Profile {
    for part in [&mut profile.email, &mut profile.external_id] {
        if part.is_empty() {
            part.push(FieldWrite::Clear);
        }
    }
    // The record stores a full name as the display name.
    let is_whole = profile.names.iter().any(|name| name.full().is_some());
    if profile.display_name.is_empty() && profile.formatted_name.is_empty() && !is_whole {
        profile.display_name.push(FieldWrite::Clear);
    }
    profile
}

/// A write of an identifier. An empty one clears it.
fn identifier(text: Option<&str>) -> Option<FieldWrite> {
    Some(match text? {
        "" => FieldWrite::Clear,
        text => FieldWrite::Set(text.to_owned()),
    })
}

/// The only e-mail of a list; the effect of several is unknown.
fn email(list: &Json) -> FieldWrite {
    let addresses = addresses(list);
    match (list.as_array(), addresses.as_slice()) {
        (Some([_]), [address]) => FieldWrite::Set(address.clone()),
        (Some([]), _) => FieldWrite::Clear,
        _ => FieldWrite::Unknown(addresses),
    }
}

/// Every e-mail in a list of them, or in one of its elements.
fn addresses(value: &Json) -> Vec<String> {
    let elements = value.as_array().unwrap_or(std::slice::from_ref(value));
    elements
        .iter()
        .filter_map(|element| element.get("value").and_then(Json::as_str))
        .map(str::to_owned)
        .collect()
}

fn patch_user(change: &mut UserChange, operation: &Operation) {
    let profile = &mut change.profile;
    match (operation.attribute.as_str(), operation.sub.as_deref()) {
        ("userName", _) => profile.user_name.push(text(operation)),
        ("displayName", _) => profile.display_name.push(text(operation)),
        ("externalId", _) => profile.external_id.push(patched_identifier(operation)),
        ("name", Some("formatted")) => profile.formatted_name.push(text(operation)),
        ("name", Some("givenName")) => {
            patch_name(&mut profile.names, operation, |name| &mut name.given);
        }
        ("name", Some("familyName")) => {
            patch_name(&mut profile.names, operation, |name| &mut name.family);
        }
        ("name", _) => profile.other_names = true,
        ("active", _) => {
            let value = operation.value.as_ref().and_then(Json::as_bool);
            let write = value.map_or(Activity::Removed, Activity::To);
            change.active.push(write);
        }
        ("emails", sub) => profile.email.push(patched_email(operation, sub)),
        _ => profile.others = true,
    }
}

/// The text that an operation writes.
fn text(operation: &Operation) -> FieldWrite {
    match (operation.verb, &operation.value) {
        (Verb::Remove, _) => FieldWrite::Clear,
        (_, Some(Json::String(text))) => FieldWrite::Set(text.clone()),
        _ => FieldWrite::Unknown(Vec::new()),
    }
}

fn patched_identifier(operation: &Operation) -> FieldWrite {
    match text(operation) {
        FieldWrite::Set(text) if text.is_empty() => FieldWrite::Clear,
        write => write,
    }
}

/// The parts of a name that one operation of the client writes belong together.
fn patch_name(
    names: &mut Vec<NameWrite>,
    operation: &Operation,
    part: impl Fn(&mut NameWrite) -> &mut Option<FieldWrite>,
) {
    let write = Some(text(operation));
    if let Some(last) = names.last_mut()
        && last.operation == operation.origin
        && part(last).is_none()
    {
        *part(last) = write;
        return;
    }
    let mut name = NameWrite {
        operation: operation.origin,
        ..NameWrite::default()
    };
    *part(&mut name) = write;
    names.push(name);
}

fn patched_email(operation: &Operation, sub: Option<&str>) -> FieldWrite {
    match (operation.verb, sub, &operation.value) {
        (Verb::Remove, ..) => FieldWrite::Clear,
        (Verb::Replace, None, Some(list)) if operation.filter.is_none() => email(list),
        (_, Some("value"), Some(Json::String(address))) => match &operation.filter {
            Some(filter) if is_known_email(filter) => FieldWrite::Set(address.clone()),
            // Any other e-mail is on no record: even the known address may be a change of it.
            _ => FieldWrite::Unknown(vec![address.clone()]),
        },
        (_, None, Some(value)) => FieldWrite::Unknown(addresses(value)),
        _ => FieldWrite::Unknown(Vec::new()),
    }
}

/// Whether a filter selects the e-mail that the record knows: the one for work, or the primary one.
fn is_known_email(filter: &Filter) -> bool {
    match filter {
        Filter::And(all) => all.iter().any(is_known_email),
        Filter::Compare(name, Operator::Equal, Json::String(kind)) => {
            name.0.eq_ignore_ascii_case("type") && kind.eq_ignore_ascii_case("work")
        }
        Filter::Compare(name, Operator::Equal, Json::Bool(true)) => {
            name.0.eq_ignore_ascii_case("primary")
        }
        _ => false,
    }
}

fn patch_group(change: &mut GroupChange, operation: &Operation) {
    match operation.attribute.as_str() {
        "displayName" => change.name.push(text(operation)),
        "externalId" => change.external_id.push(patched_identifier(operation)),
        "members" => {
            let members = &mut change.members;
            let named = operation.value.as_ref().map(referenced).unwrap_or_default();
            match (operation.verb, &operation.filter) {
                (Verb::Add, _) => members.add(named),
                (Verb::Replace, _) => members.replace(named),
                (Verb::Remove, None) => members.replace([]),
                (Verb::Remove, Some(filter)) => {
                    let ids = filter.values().unwrap_or_default();
                    members.remove(ids.into_iter().map(str::to_owned));
                }
            }
        }
        _ => {}
    }
}
