//! Operations of PATCH as identity providers and operators send them.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use crate::world::{GROUPS, USERS};

/// A PATCH: the path of a resource below the base, and operations.
pub(crate) type Patch = (String, Vec<Value>);

/// A list of operations on a user or a group.
pub(crate) fn patch(most: usize) -> impl Strategy<Value = Patch> {
    let user = (0..USERS.len()).prop_flat_map(move |index| {
        let operations = prop::collection::vec(user_operation(index), 1..=most);
        (Just(format!("/Users/{}", USERS[index][0])), operations)
    });
    let group = (0..GROUPS.len()).prop_flat_map(move |index| {
        let operations = prop::collection::vec(group_operation(index), 1..=most);
        (Just(format!("/Groups/{}", GROUPS[index][0])), operations)
    });
    prop_oneof![3 => user, 2 => group]
}

fn verb() -> impl Strategy<Value = &'static str> {
    select(vec!["add", "replace", "Replace", "Add", "remove"])
}

fn sets() -> impl Strategy<Value = &'static str> {
    select(vec!["add", "replace", "Replace"])
}

/// A user's own address in this spelling and another, another user's, and new ones.
pub(crate) fn address(index: usize) -> impl Strategy<Value = String> {
    let [_, own, given, _] = USERS[index];
    let other = USERS[(index + 1) % USERS.len()][1];
    select(vec![
        own.to_owned(),
        own.to_owned(),
        own.replace("example", "Example"),
        other.to_owned(),
        format!("{given}@home.example"),
        "new@example.com".to_owned(),
    ])
}

/// What a part of a name or an identifier may become: what it is, or not.
fn texts(index: usize) -> impl Strategy<Value = (&'static str, String)> {
    let [id, _, given, family] = USERS[index];
    let next = USERS[(index + 1) % USERS.len()][0];
    let full = format!("{given} {family}");
    let pairs = [
        ("displayName", full.as_str()),
        ("displayName", "Eve Hall"),
        ("name.givenName", given),
        ("name.givenName", "Eve"),
        ("name.familyName", family),
        ("name.familyName", "Hall"),
        ("name.formatted", full.as_str()),
        ("name.formatted", "Eve Hall"),
        ("name.middleName", "M"),
        ("title", "Chief"),
        ("externalId", "new"),
        ("externalId", &format!("x{id}")),
        ("externalId", &format!("x{next}")),
        ("externalId", next),
    ];
    let pairs = pairs.map(|(path, text)| (path, text.to_owned()));
    select(pairs.to_vec())
}

pub(crate) fn emails(index: usize) -> impl Strategy<Value = Value> {
    let kind = select(vec![Some("work"), Some("home"), None]);
    let email = (address(index), kind, any::<bool>()).prop_map(|(value, kind, primary)| {
        let mut email = json!({"value": value});
        if let Some(kind) = kind {
            email["type"] = kind.into();
            email["primary"] = (primary && kind == "work").into();
        }
        email
    });
    prop::collection::vec(email, 1..3).prop_map(|mut emails| {
        // More than one primary value is refused for that.
        for email in emails.iter_mut().skip(1) {
            email["primary"] = false.into();
        }
        Value::from(emails)
    })
}

fn active() -> impl Strategy<Value = Value> {
    select(vec![
        json!(true),
        json!(false),
        json!("False"),
        json!("True"),
    ])
}

fn user_operation(index: usize) -> impl Strategy<Value = Value> {
    let value_path = select(vec![
        r#"emails[type eq "work"].value"#,
        r#"emails[type eq "home"].value"#,
        "emails[primary eq true].value",
        r#"emails[type eq "other"].value"#,
    ]);
    let [_, own, given, family] = USERS[index];
    let whole = json!({"displayName": format!("{given} {family}"), "name": {"givenName": given, "familyName": family},
        "userName": own, "emails": [{"value": own, "type": "work", "primary": true}]});
    prop_oneof![
        3 => (verb(), texts(index)).prop_map(|(op, (path, value))| json!({"op": op, "path": path, "value": value})),
        2 => (sets(), texts(index)).prop_map(|(op, (path, value))| json!({"op": op, "value": {path: value}})),
        2 => (sets(), address(index)).prop_map(|(op, name)| json!({"op": op, "path": "userName", "value": name})),
        1 => address(index).prop_map(|name| json!({"op": "replace", "value": {"userName": name}})),
        2 => (sets(), active()).prop_map(|(op, active)| json!({"op": op, "path": "active", "value": active})),
        2 => active().prop_map(|active| json!({"op": "replace", "value": {"active": active}})),
        1 => Just(json!({"op": "remove", "path": "active"})),
        3 => (verb(), emails(index)).prop_map(|(op, all)| json!({"op": op, "path": "emails", "value": all})),
        1 => emails(index).prop_map(|all| json!({"op": "replace", "value": {"emails": all}})),
        3 => (verb(), value_path, address(index))
            .prop_map(|(op, path, address)| json!({"op": op, "path": path, "value": address})),
        1 => address(index).prop_map(|address| json!({"op": "Replace", "value": {r#"emails[type eq "work"].value"#: address}})),
        1 => address(index).prop_map(|address| json!({"op": "replace", "path": r#"emails[type eq "work"]"#,
            "value": {"value": address, "type": "work"}})),
        1 => select(vec![r#"emails[type eq "work"]"#, r#"emails[type eq "home"]"#]).prop_map(|path| json!({"op": "remove", "path": path})),
        1 => Just(json!({"op": "replace", "value": whole})),
        1 => Just(json!({"op": "replace", "value": {"name": {"givenName": given, "familyName": family}}})),
        1 => Just(json!({"op": "replace", "path": "name", "value": {"givenName": "Eve", "familyName": family}})),
        1 => Just(json!({"op": "replace", "path": "locale", "value": "de-DE"})),
    ]
}

fn group_operation(index: usize) -> impl Strategy<Value = Value> {
    let id = || select(USERS.map(|[id, ..]| id).to_vec());
    let list = || {
        let list = prop::collection::vec(id(), 0..4);
        list.prop_map(|ids| {
            ids.iter()
                .map(|id| json!({"value": id}))
                .collect::<Vec<_>>()
        })
    };
    let [_, own] = GROUPS[index];
    let other = GROUPS[(index + 1) % GROUPS.len()][1];
    let name = move || select(vec![own, own, other, "new name"]);
    prop_oneof![
        4 => (verb(), list()).prop_map(|(op, list)| json!({"op": op, "path": "members", "value": list})),
        1 => (sets(), list()).prop_map(|(op, list)| json!({"op": op, "value": {"members": list}})),
        3 => id().prop_map(|id| json!({"op": "remove", "path": format!("members[value eq \"{id}\"]")})),
        1 => (id(), id()).prop_map(|(a, b)| json!({"op": "Remove",
            "path": format!("members[value eq \"{a}\" or value eq \"{b}\"]")})),
        2 => (sets(), name()).prop_map(|(op, name)| json!({"op": op, "path": "displayName", "value": name})),
        2 => name().prop_map(|name| json!({"op": "replace", "value": {"displayName": name}})),
        1 => (name(), list()).prop_map(|(name, list)| json!({"op": "replace", "value": {"displayName": name, "members": list}})),
        1 => Just(json!({"op": "remove", "path": "members"})),
        1 => select(vec!["new", "xu1", "u1"]).prop_map(|id| json!({"op": "replace", "path": "externalId", "value": id})),
    ]
}
