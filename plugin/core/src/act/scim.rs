//! What a canonical SCIM message amounts to.

use super::{
    Act, Activity, Edit, GroupChange, GroupRef, Members, NewGroup, NewUser, Part, Profile,
    UserChange, UserGroups, UserRef,
};
use crate::facts::ResourceKind;
use crate::json::Json;
use crate::normalise::members::referenced;
use crate::normalise::patch::{Operation, Verb};

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
            external_id: Part::set(text("externalId")),
            members: resource.get("members").map(referenced).unwrap_or_default(),
            rides_along: None,
        }),
    };
    Act { edits: vec![edit] }
}

/// A PUT of a canonical resource.
pub(crate) fn replace(kind: ResourceKind, id: &str, resource: &Json) -> Act {
    let text = |name: &str| resource.get(name).and_then(Json::as_str);
    let edit = match kind {
        ResourceKind::User => {
            let mut profile = profile(resource);
            // RFC 7644 §3.5.1: what a PUT leaves out is cleared. The display name is what the record
            // knows of a full name.
            if profile.display_name == Part::Untouched
                && profile.formatted_name == Part::Untouched
                && (profile.given_name == Part::Untouched || profile.family_name == Part::Untouched)
            {
                profile.display_name = Part::Empty;
            }
            Edit::ChangeUser(UserChange {
                user: scim_user(id),
                profile,
                active: resource
                    .get("active")
                    .and_then(Json::as_bool)
                    .map_or(Activity::LeftOut, Activity::To),
                groups: UserGroups::Untouched,
            })
        }
        ResourceKind::Group => Edit::ChangeGroup(GroupChange {
            group: scim_group(id),
            name: text("displayName").map_or(Part::Empty, |name| Part::To(name.to_owned())),
            external_id: Part::set(text("externalId")),
            members: Members::Absolute(
                resource
                    .get("members")
                    .map(referenced)
                    .unwrap_or_default()
                    .into_iter()
                    .collect(),
            ),
            rides_along: None,
        }),
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
                active: Activity::Untouched,
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
                name: Part::Untouched,
                external_id: Part::Untouched,
                members: Members::Untouched,
                rides_along: None,
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
    let text = |name: &str| Part::set(resource.get(name).and_then(Json::as_str));
    let name = |sub: &str| {
        Part::set(
            resource
                .get("name")
                .and_then(|name| name.get(sub))
                .and_then(Json::as_str),
        )
    };
    Profile {
        user_name: text("userName"),
        email: resource.get("emails").map_or(Part::Untouched, email),
        display_name: text("displayName"),
        given_name: name("givenName"),
        family_name: name("familyName"),
        formatted_name: name("formatted"),
        external_id: text("externalId"),
        rides_along: None,
        others: match resource {
            Json::Object(members) => members
                .iter()
                .any(|member| !READ.contains(&member.name.as_str())),
            _ => false,
        },
    }
}

/// The one e-mail of a list; with several, what they amount to cannot be told.
fn email(list: &Json) -> Part {
    match list.as_array() {
        Some([one]) => one
            .get("value")
            .and_then(Json::as_str)
            .map_or(Part::Changed, |address| Part::To(address.to_owned())),
        Some([]) => Part::Empty,
        _ => Part::Changed,
    }
}

fn patch_user(change: &mut UserChange, operation: &Operation) {
    let value = operation.value.as_ref();
    let part = match (operation.verb, value.and_then(Json::as_str)) {
        (Verb::Remove, _) => Part::Empty,
        (_, Some(text)) => Part::To(text.to_owned()),
        (_, None) => Part::Changed,
    };
    let profile = &mut change.profile;
    match (operation.attribute.as_str(), operation.sub.as_deref()) {
        ("userName", _) => profile.user_name = part,
        ("displayName", _) => profile.display_name = part,
        ("externalId", _) => profile.external_id = part,
        ("name", Some("givenName")) => profile.given_name = part,
        ("name", Some("familyName")) => profile.family_name = part,
        ("name", Some("formatted")) => profile.formatted_name = part,
        ("active", _) => {
            change.active = value
                .and_then(Json::as_bool)
                .map_or(Activity::Removed, Activity::To);
        }

        ("emails", sub) => profile.email = patched_email(operation, sub, value),
        _ => profile.others = true,
    }
}

fn patched_email(operation: &Operation, sub: Option<&str>, value: Option<&Json>) -> Part {
    match (operation.verb, sub, value) {
        (Verb::Remove, ..) => Part::Empty,
        (Verb::Replace, None, Some(list)) if operation.filter.is_none() => email(list),
        (_, Some("value"), Some(Json::String(address))) => Part::To(address.clone()),
        _ => Part::Changed,
    }
}

fn patch_group(change: &mut GroupChange, operation: &Operation) {
    let text = operation.value.as_ref().and_then(Json::as_str);
    let part = text.map_or(Part::Empty, |text| Part::To(text.to_owned()));
    match operation.attribute.as_str() {
        "displayName" => change.name = part,
        "externalId" => change.external_id = part,
        "members" => {
            let members = std::mem::take(&mut change.members);
            let named = operation.value.as_ref().map(referenced).unwrap_or_default();
            change.members = match (operation.verb, &operation.filter) {
                (Verb::Add, _) => members.with(named),
                (Verb::Replace, _) => Members::Absolute(named.into_iter().collect()),
                (Verb::Remove, None) => Members::Absolute(std::collections::BTreeSet::new()),
                (Verb::Remove, Some(filter)) => {
                    let ids = filter.values().unwrap_or_default();
                    members.without(ids.into_iter().map(str::to_owned))
                }
            };
        }
        _ => {}
    }
}
