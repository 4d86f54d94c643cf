//! Edits of a group by SCIM.

use std::collections::BTreeSet;

use scimguard_tests::model::{Edit, Id, World};
use serde_json::{Value, json};

use super::{Attempt, Client, Request, members, with, without};
use crate::scene::{DAN, GIA, NAT, OLAF, SUE, TARGET, TARGET_NAME, ids};

pub(super) fn attempts(client: Client, world: &World) -> Vec<Attempt> {
    let path = format!("/Groups/{TARGET}");
    let now = members(world);
    let (added, left) = (with(&now, SUE), without(&now, SUE));
    let patch = |name: &str, operations: Value, edit: Edit| {
        let body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": operations,
        });
        client.attempt(name, edit, Request("PATCH", &path, body))
    };
    let replace = |name: &str, members: &BTreeSet<Id>| {
        let operation = json!({"op": "replace", "path": "members", "value": references(members)});
        patch(name, json!([operation]), whole(None, members))
    };
    let put = |name: &str, display: &str, members: &BTreeSet<Id>| {
        let edit = whole(Some(display), members);
        client.attempt(name, edit, Request("PUT", &path, group(display, members)))
    };
    let create = |name: &str, display: &str, members: &BTreeSet<Id>| {
        let edit = Edit::CreateGroup {
            id: None,
            name: display.into(),
            members: members.clone(),
        };
        client.attempt(
            name,
            edit,
            Request("POST", "/Groups", group(display, members)),
        )
    };
    let add = |name: &str, users: &[&str]| {
        let value = references(&ids(users));
        let operation = json!({"op": "add", "path": "members", "value": value});
        patch(name, json!([operation]), change(None, users, &[]))
    };
    let out = format!("members[value eq \"{SUE}\"]");
    vec![
        add("PATCH add the user", &[SUE]),
        patch(
            "PATCH add the user in a value object",
            json!([{"op": "add", "value": {"members": [{"value": SUE}]}}]),
            change(None, &[SUE], &[]),
        ),
        patch(
            "PATCH remove the user",
            json!([{"op": "remove", "path": out}]),
            change(None, &[], &[SUE]),
        ),
        patch(
            "PATCH remove the user by a list",
            json!([{"op": "Remove", "path": "members", "value": [{"value": SUE}]}]),
            change(None, &[], &[SUE]),
        ),
        patch(
            "PATCH remove all",
            json!([{"op": "remove", "path": "members"}]),
            whole(None, &[].into()),
        ),
        patch(
            "PATCH exchange the user for another",
            json!([
                {"op": "remove", "path": out},
                {"op": "add", "path": "members", "value": [{"value": NAT}]},
            ]),
            change(None, &[NAT], &[SUE]),
        ),
        replace("PATCH replace the members by them and the user", &added),
        replace("PATCH replace the members by them without the user", &left),
        replace("PATCH replace the members by themselves", &now),
        replace("PATCH replace the members by the user", &ids(&[SUE])),
        put("PUT with the user", TARGET_NAME, &added),
        put("PUT without the user", TARGET_NAME, &left),
        put("PUT the group as it is", TARGET_NAME, &now),
        put("PUT another name", "renamed-team", &now),
        put("PUT another name with the user", "renamed-team", &added),
        patch(
            "PATCH another name",
            json!([{"op": "replace", "path": "displayName", "value": "renamed-team"}]),
            change(Some("renamed-team"), &[], &[]),
        ),
        patch(
            "PATCH another name as Okta does",
            json!([{"op": "replace", "value": {"id": TARGET, "displayName": "renamed-team"}}]),
            change(Some("renamed-team"), &[], &[]),
        ),
        patch(
            "PATCH another name and add the user",
            json!([
                {"op": "replace", "path": "displayName", "value": "renamed-team"},
                {"op": "add", "path": "members", "value": [{"value": SUE}]},
            ]),
            change(Some("renamed-team"), &[SUE], &[]),
        ),
        patch(
            "PATCH the same name",
            json!([{"op": "replace", "path": "displayName", "value": TARGET_NAME}]),
            change(Some(TARGET_NAME), &[], &[]),
        ),
        create("POST a new group with the user", "new-team", &ids(&[SUE])),
        create("POST a new group without members", "new-team", &[].into()),
        create("POST the group with its members", TARGET_NAME, &now),
        create("POST the group with the user", TARGET_NAME, &added),
        create(
            "POST a group of another name and the same id",
            "target.team",
            &now,
        ),
        create(
            "POST a new group with several",
            "new-team",
            &ids(&[NAT, DAN, SUE]),
        ),
        add("PATCH add several who may", &[NAT, DAN, SUE]),
        add(
            "PATCH add several, one of whom is in a pushed group",
            &[NAT, DAN, GIA],
        )
        .because_of("gia"),
        add(
            "PATCH add several, one of whom is deactivated",
            &[NAT, OLAF, DAN],
        )
        .because_of("olaf"),
        add("PATCH add several of all kinds", &[NAT, OLAF, GIA, SUE]),
        client.attempt(
            "DELETE the group",
            Edit::DeleteGroup(TARGET.into()),
            Request("DELETE", &path, Value::Null),
        ),
    ]
}

fn change(name: Option<&str>, add: &[&str], remove: &[&str]) -> Edit {
    Edit::WriteGroup {
        group: TARGET.into(),
        name: name.map(str::to_owned),
        add: ids(add),
        remove: ids(remove),
    }
}

fn whole(name: Option<&str>, members: &BTreeSet<Id>) -> Edit {
    Edit::ReplaceGroup {
        group: TARGET.into(),
        name: name.map(str::to_owned),
        members: members.clone(),
    }
}

fn group(name: &str, members: &BTreeSet<Id>) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
        "displayName": name, "members": references(members),
    })
}

fn references(users: &BTreeSet<Id>) -> Vec<Value> {
    users.iter().map(|user| json!({"value": user})).collect()
}
