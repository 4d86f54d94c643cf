//! Edits by routes of a policy's own: one for each edit that a route may be declared to be.

use std::collections::BTreeSet;

use scimguard_tests::model::{Active, Edit, Id, Profile, World};
use serde_json::{Value, json};

use super::{Attempt, Request, managed, members, with, without};
use crate::scene::{SIDE, SUE, SUE_MAIL, SUE_NAME, TARGET, TARGET_NAME, ids};

const GROUP: &str = "/gateway/ng/api/team/target_team";
const PERSON: &str = "/gateway/ng/api/person/u-sue";

/// The policy's `management.routes`.
pub(crate) fn routes() -> Value {
    let account = json!({"query": "accountIdentifier"});
    let group = |method: &str, path: &str, edit: &str, parts: Value| {
        let path = format!("/gateway/ng/api/team/{{group}}{path}");
        route(
            json!({
                "method": method, "path": path, "edit": edit, "account": account,
                "group": {"path": "group"},
            }),
            parts,
        )
    };
    let person = |method: &str, path: &str, edit: &str, parts: Value| {
        let path = format!("/gateway/ng/api/person/{{user}}{path}");
        route(
            json!({
                "method": method, "path": path, "edit": edit, "account": account,
                "user": {"path": "user"},
            }),
            parts,
        )
    };
    let named = json!({"name": {"body": "/name"}});
    let users = json!({"members": {"body": "/users"}});
    let both = json!({"name": {"body": "/name"}, "members": {"body": "/users"}});
    let profile = json!({"name": {"body": "/name"}, "email": {"body": "/email"}});
    let groups = json!({"groups": {"body": "/groups"}});
    let none = json!({});
    json!([
        group("PUT", "/name", "group.rename", named),
        group("PUT", "", "group.update", both.clone()),
        group("POST", "", "group.create", both),
        group("DELETE", "", "group.delete", none.clone()),
        group("POST", "/users", "group.members.add", users.clone()),
        group("DELETE", "/users", "group.members.remove", users.clone()),
        group("PUT", "/users", "group.members.replace", users),
        person("PUT", "", "user.update", profile.clone()),
        person("PUT", "/profile", "user.profile", profile),
        person("DELETE", "", "user.delete", none.clone()),
        person("PUT", "/activate", "user.activate", none.clone()),
        person("PUT", "/deactivate", "user.deactivate", none.clone()),
        person("PUT", "/unlock", "user.unlock", none.clone()),
        person("POST", "/groups", "user.groups.add", groups.clone()),
        person("DELETE", "/groups", "user.groups.remove", groups.clone()),
        person("PUT", "/groups", "user.groups.replace", groups),
        person("PUT", "/roles", "roles", none.clone()),
        person("POST", "/search", "read", none),
    ])
}

fn route(mut route: Value, parts: Value) -> Value {
    if let (Value::Object(route), Value::Object(parts)) = (&mut route, parts) {
        route.extend(parts);
    }
    route
}

pub(super) fn attempts(world: &World) -> Vec<Attempt> {
    let mut attempts = teams(world);
    attempts.extend(people(world));
    attempts
}

fn teams(world: &World) -> Vec<Attempt> {
    let now = members(world);
    let (added, left) = (with(&now, SUE), without(&now, SUE));
    let rename = |name: &str, display: &str| {
        let edit = Edit::WriteGroup {
            group: TARGET.into(),
            name: Some(display.into()),
            add: [].into(),
            remove: [].into(),
        };
        let path = format!("{GROUP}/name");
        managed(name, edit, Request("PUT", &path, json!({"name": display})))
    };
    let update = |name: &str, display: &str, members: &BTreeSet<Id>| {
        let edit = Edit::ReplaceGroup {
            group: TARGET.into(),
            name: Some(display.into()),
            members: members.clone(),
        };
        let body = json!({"name": display, "users": members});
        managed(name, edit, Request("PUT", GROUP, body))
    };
    let list = |name: &str, method: &'static str, add: &[&str], remove: &[&str]| {
        let edit = Edit::WriteGroup {
            group: TARGET.into(),
            name: None,
            add: ids(add),
            remove: ids(remove),
        };
        let users: Vec<&str> = add.iter().chain(remove).copied().collect();
        let path = format!("{GROUP}/users");
        managed(name, edit, Request(method, &path, json!({"users": users})))
    };
    let replace = |name: &str, members: &BTreeSet<Id>| {
        let edit = Edit::ReplaceGroup {
            group: TARGET.into(),
            name: None,
            members: members.clone(),
        };
        let path = format!("{GROUP}/users");
        managed(name, edit, Request("PUT", &path, json!({"users": members})))
    };
    let create = Edit::CreateGroup {
        id: Some(TARGET.into()),
        name: TARGET_NAME.into(),
        members: added.clone(),
    };
    let body = json!({"name": TARGET_NAME, "users": added});
    vec![
        rename("group.rename to another name", "renamed-team"),
        rename("group.rename to the same name", TARGET_NAME),
        update("group.update as it is", TARGET_NAME, &now),
        update("group.update with the user", TARGET_NAME, &added),
        update("group.update without the user", TARGET_NAME, &left),
        list("group.members.add", "POST", &[SUE], &[]),
        list("group.members.remove", "DELETE", &[], &[SUE]),
        replace("group.members.replace with the user", &added),
        replace("group.members.replace without the user", &left),
        replace("group.members.replace by themselves", &now),
        managed("group.create", create, Request("POST", GROUP, body)),
        managed(
            "group.delete",
            Edit::DeleteGroup(TARGET.into()),
            Request("DELETE", GROUP, Value::Null),
        ),
    ]
}

fn people(world: &World) -> Vec<Attempt> {
    let person = |name: &str, method: &'static str, path: &str, edit: Edit, body: Value| {
        let path = format!("{PERSON}{path}");
        managed(name, edit, Request(method, &path, body))
    };
    let write = |full: &str, mail: &str, active: Active| Edit::WriteUser {
        user: SUE.into(),
        profile: Profile {
            mail: Some(mail.into()),
            name: Some(full.into()),
            ..Profile::default()
        },
        active,
    };
    let only = |active: Active| Edit::WriteUser {
        user: SUE.into(),
        profile: Profile::default(),
        active,
    };
    let body = |full: &str, mail: &str| json!({"name": full, "email": mail});
    let in_groups: BTreeSet<Id> = world
        .groups
        .iter()
        .filter(|(_, group)| group.members.contains(SUE))
        .map(|(id, _)| id.clone())
        .collect();
    let moved = with(&without(&in_groups, TARGET), SIDE);
    let replace = |name: &str, groups: &BTreeSet<Id>| {
        let edit = Edit::ReplaceGroups {
            user: SUE.into(),
            groups: groups.clone(),
        };
        person(name, "PUT", "/groups", edit, json!({"groups": groups}))
    };
    let join = Edit::JoinGroups {
        user: SUE.into(),
        groups: ids(&[TARGET]),
    };
    let leave = Edit::LeaveGroups {
        user: SUE.into(),
        groups: ids(&[TARGET]),
    };
    let target = json!({"groups": [TARGET]});
    let (other, susan) = ("Sue Other", "susan@example.com");
    vec![
        person(
            "user.update",
            "PUT",
            "",
            write(other, SUE_MAIL, Active::Kept),
            body(other, SUE_MAIL),
        ),
        person(
            "user.update as it is",
            "PUT",
            "",
            write(SUE_NAME, SUE_MAIL, Active::Kept),
            body(SUE_NAME, SUE_MAIL),
        ),
        person(
            "user.profile",
            "PUT",
            "/profile",
            write(SUE_NAME, susan, Active::Kept),
            body(SUE_NAME, susan),
        ),
        person(
            "user.activate",
            "PUT",
            "/activate",
            only(Active::On),
            Value::Null,
        ),
        person(
            "user.deactivate",
            "PUT",
            "/deactivate",
            only(Active::Off),
            Value::Null,
        ),
        person(
            "user.delete",
            "DELETE",
            "",
            Edit::DeleteUser(SUE.into()),
            Value::Null,
        ),
        person("user.unlock", "PUT", "/unlock", Edit::Free, Value::Null),
        person(
            "roles",
            "PUT",
            "/roles",
            Edit::Free,
            json!({"roles": ["viewer"]}),
        ),
        person(
            "read",
            "POST",
            "/search",
            Edit::Nothing,
            json!({"term": "sue"}),
        ),
        person("user.groups.add", "POST", "/groups", join, target.clone()),
        person("user.groups.remove", "DELETE", "/groups", leave, target),
        replace(
            "user.groups.replace with the group",
            &with(&in_groups, TARGET),
        ),
        replace("user.groups.replace by themselves", &in_groups),
        replace("user.groups.replace by none", &[].into()),
        replace(
            "user.groups.replace: a move from the group to another",
            &moved,
        ),
    ]
}
