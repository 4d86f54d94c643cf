//! Edits by routes of a policy's own: one for each edit that a route may be declared to be.

use std::collections::BTreeSet;

use scimguard_tests::model::{Active, Edit, Id, Profile, World};
use serde_json::{Value, json};

use super::{Attempt, Request, managed, members, with, without};
use crate::test_bed::{SIDE, SUE, SUE_MAIL, SUE_NAME, TARGET, TARGET_NAME};

const GROUP: &str = "/gateway/ng/api/team/target_team";
const PERSON: &str = "/gateway/ng/api/person/u-sue";

/// The policy's `management.routes`.
pub(crate) fn routes() -> Value {
    // What each route names: the group or the user, by its path.
    let of = |what: &str, base: &str, method: &str, path: &str, edit: &str, parts: Value| {
        let mut route = json!({
            "method": method, "path": format!("{base}/{{{what}}}{path}"), "edit": edit,
            "account": {"query": "accountIdentifier"}, what: {"path": what},
        });
        if let (Value::Object(route), Value::Object(parts)) = (&mut route, parts) {
            route.extend(parts);
        }
        route
    };
    let group = |method: &str, path: &str, edit: &str, parts: Value| {
        of("group", "/gateway/ng/api/team", method, path, edit, parts)
    };
    let person = |method: &str, path: &str, edit: &str, parts: Value| {
        of("user", "/gateway/ng/api/person", method, path, edit, parts)
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

pub(super) fn attempts(world: &World) -> Vec<Attempt> {
    let mut attempts = teams(world);
    attempts.extend(people(world));
    attempts
}

fn teams(world: &World) -> Vec<Attempt> {
    let now = members(world);
    let (added, left) = (with(&now, SUE), without(&now, SUE));
    let team = |name: &str, method: &'static str, path: &str, edit: Edit, body: Value| {
        managed(name, edit, Request(method, &format!("{GROUP}{path}"), body))
    };
    let rename = |name: &str, display: &str| {
        let edit = Edit::write_group(TARGET, Some(display), &[], &[]);
        team(name, "PUT", "/name", edit, json!({"name": display}))
    };
    let update = |name: &str, members: &BTreeSet<Id>| {
        let edit = Edit::replace_group(TARGET, Some(TARGET_NAME), members);
        let body = json!({"name": TARGET_NAME, "users": members});
        team(name, "PUT", "", edit, body)
    };
    let list = |name: &str, method: &'static str, add: &[&str], remove: &[&str]| {
        let users: Vec<&str> = add.iter().chain(remove).copied().collect();
        let edit = Edit::write_group(TARGET, None, add, remove);
        team(name, method, "/users", edit, json!({"users": users}))
    };
    let replace = |name: &str, members: &BTreeSet<Id>| {
        let edit = Edit::replace_group(TARGET, None, members);
        team(name, "PUT", "/users", edit, json!({"users": members}))
    };
    let create = Edit::create_group(Some(TARGET), TARGET_NAME, &added);
    let body = json!({"name": TARGET_NAME, "users": added});
    let delete = Edit::DeleteGroup(TARGET.into());
    vec![
        rename("group.rename to another name", "renamed-team"),
        rename("group.rename to the same name", TARGET_NAME),
        update("group.update as it is", &now),
        update("group.update with the user", &added),
        update("group.update without the user", &left),
        list("group.members.add", "POST", &[SUE], &[]),
        list("group.members.remove", "DELETE", &[], &[SUE]),
        replace("group.members.replace with the user", &added),
        replace("group.members.replace without the user", &left),
        replace("group.members.replace by themselves", &now),
        team("group.create", "POST", "", create, body),
        team("group.delete", "DELETE", "", delete, Value::Null),
    ]
}

fn people(world: &World) -> Vec<Attempt> {
    let person = |name: &str, method: &'static str, path: &str, edit: Edit, body: Value| {
        let path = format!("{PERSON}{path}");
        managed(name, edit, Request(method, &path, body))
    };
    let write = |name: &str, path: &str, full: &str, mail: &str| {
        let edit = Edit::write_user(SUE, Profile::named(full, mail), Active::Kept);
        person(
            name,
            "PUT",
            path,
            edit,
            json!({"name": full, "email": mail}),
        )
    };
    let only = |active: Active| Edit::write_user(SUE, Profile::default(), active);
    let in_groups = world.groups.iter();
    let in_groups = in_groups.filter(|(_, group)| group.members.contains(SUE));
    let in_groups: BTreeSet<Id> = in_groups.map(|(id, _)| id.clone()).collect();
    let moved = with(&without(&in_groups, TARGET), SIDE);
    let replace = |name: &str, groups: &BTreeSet<Id>| {
        let edit = Edit::ReplaceGroups {
            user: SUE.into(),
            groups: groups.clone(),
        };
        person(name, "PUT", "/groups", edit, json!({"groups": groups}))
    };
    let (join, leave) = (Edit::join(SUE, &[TARGET]), Edit::leave(SUE, &[TARGET]));
    let target = json!({"groups": [TARGET]});
    let none = || Value::Null;
    #[rustfmt::skip]
    let people = vec![
        write("user.update", "", "Sue Other", SUE_MAIL),
        write("user.update as it is", "", SUE_NAME, SUE_MAIL),
        write("user.profile", "/profile", SUE_NAME, "susan@example.com"),
        person("user.activate", "PUT", "/activate", only(Active::On), none()),
        person("user.deactivate", "PUT", "/deactivate", only(Active::Off), none()),
        person("user.delete", "DELETE", "", Edit::DeleteUser(SUE.into()), none()),
        person("user.unlock", "PUT", "/unlock", Edit::Free, none()),
        person("roles", "PUT", "/roles", Edit::Free, json!({"roles": ["viewer"]})),
        person("read", "POST", "/search", Edit::Nothing, json!({"term": "sue"})),
        person("user.groups.add", "POST", "/groups", join, target.clone()),
        person("user.groups.remove", "DELETE", "/groups", leave, target),
        replace("user.groups.replace with the group", &with(&in_groups, TARGET)),
        replace("user.groups.replace by themselves", &in_groups),
        replace("user.groups.replace by none", &[].into()),
        replace("user.groups.replace: a move from the group to another", &moved),
    ];
    people
}
