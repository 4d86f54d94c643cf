//! Edits of a group by SCIM.

use std::collections::BTreeSet;

use scimguard_tests::fixtures::GROUP;
use scimguard_tests::model::{Edit, Id, World, ids};
use scimguard_tests::okta::patch;
use serde_json::{Value, json};

use super::{Attempt, Client, Request, members, with, without};
use crate::test_bed::{DAN, GIA, NAT, OLAF, SUE, TARGET, TARGET_NAME};

const RENAMED: &str = "renamed-team";

pub(super) fn attempts(client: Client, world: &World) -> Vec<Attempt> {
    let path = format!("/Groups/{TARGET}");
    let now = members(world);
    let (added, left) = (with(&now, SUE), without(&now, SUE));
    let change = |name, add: &[&str], remove: &[&str]| Edit::write_group(TARGET, name, add, remove);
    let patch = |name: &str, operations: Value, edit: Edit| {
        client.attempt(name, edit, Request("PATCH", &path, patch(operations)))
    };
    let replace = |name: &str, members: &BTreeSet<Id>| {
        let operation = json!({"op": "replace", "path": "members", "value": references(members)});
        let edit = Edit::replace_group(TARGET, None, members);
        patch(name, json!([operation]), edit)
    };
    let put = |name: &str, display: &str, members: &BTreeSet<Id>| {
        let edit = Edit::replace_group(TARGET, Some(display), members);
        client.attempt(name, edit, Request("PUT", &path, group(display, members)))
    };
    let create = |name: &str, display: &str, members: &BTreeSet<Id>| {
        let edit = Edit::create_group(None, display, members);
        let body = group(display, members);
        client.attempt(name, edit, Request("POST", "/Groups", body))
    };
    let add = |name: &str, users: &[&str]| {
        let value = references(&ids(users));
        let operation = json!({"op": "add", "path": "members", "value": value});
        patch(name, json!([operation]), change(None, users, &[]))
    };
    let rename = json!({"op": "replace", "path": "displayName", "value": RENAMED});
    let put_in = json!({"op": "add", "path": "members", "value": [{"value": SUE}]});
    let take_out = json!({"op": "remove", "path": format!("members[value eq \"{SUE}\"]")});
    #[rustfmt::skip]
    let patches = [
        patch("PATCH add the user in a value object",
            json!([{"op": "add", "value": {"members": [{"value": SUE}]}}]), change(None, &[SUE], &[])),
        patch("PATCH remove the user", json!([take_out]), change(None, &[], &[SUE])),
        patch("PATCH remove the user by a list",
            json!([{"op": "Remove", "path": "members", "value": [{"value": SUE}]}]),
            change(None, &[], &[SUE])),
        patch("PATCH remove all", json!([{"op": "remove", "path": "members"}]),
            Edit::replace_group(TARGET, None, &[].into())),
        patch("PATCH exchange the user for another",
            json!([take_out, {"op": "add", "path": "members", "value": [{"value": NAT}]}]),
            change(None, &[NAT], &[SUE])),
        patch("PATCH another name", json!([rename]), change(Some(RENAMED), &[], &[])),
        patch("PATCH another name as Okta does",
            json!([{"op": "replace", "value": {"id": TARGET, "displayName": RENAMED}}]),
            change(Some(RENAMED), &[], &[])),
        patch("PATCH another name and add the user", json!([rename, put_in]),
            change(Some(RENAMED), &[SUE], &[])),
        patch("PATCH the same name",
            json!([{"op": "replace", "path": "displayName", "value": TARGET_NAME}]),
            change(Some(TARGET_NAME), &[], &[])),
    ];
    #[rustfmt::skip]
    let others = [
        add("PATCH add the user", &[SUE]),
        replace("PATCH replace the members by them and the user", &added),
        replace("PATCH replace the members by them without the user", &left),
        replace("PATCH replace the members by themselves", &now),
        replace("PATCH replace the members by the user", &ids(&[SUE])),
        put("PUT with the user", TARGET_NAME, &added),
        put("PUT without the user", TARGET_NAME, &left),
        put("PUT the group as it is", TARGET_NAME, &now),
        put("PUT another name", RENAMED, &now),
        put("PUT another name with the user", RENAMED, &added),
        create("POST a new group with the user", "new-team", &ids(&[SUE])),
        create("POST a new group without members", "new-team", &[].into()),
        create("POST the group with its members", TARGET_NAME, &now),
        create("POST the group with the user", TARGET_NAME, &added),
        create("POST a group of another name and the same id", "target.team", &now),
        create("POST a new group with several", "new-team", &ids(&[NAT, DAN, SUE])),
        add("PATCH add several who may", &[NAT, DAN, SUE]),
        add("PATCH add several, one of whom is in a pushed group", &[NAT, DAN, GIA]).because_of("gia"),
        add("PATCH add several, one of whom is deactivated", &[NAT, OLAF, DAN]).because_of("olaf"),
        add("PATCH add several of all kinds", &[NAT, OLAF, GIA, SUE]),
        client.attempt("DELETE the group", Edit::DeleteGroup(TARGET.into()),
            Request("DELETE", &path, Value::Null)),
    ];
    patches.into_iter().chain(others).collect()
}

fn group(name: &str, members: &BTreeSet<Id>) -> Value {
    json!({"schemas": [GROUP], "displayName": name, "members": references(members)})
}

fn references(users: &BTreeSet<Id>) -> Vec<Value> {
    users.iter().map(|user| json!({"value": user})).collect()
}
