//! Requests with whole resources: POST, PUT, DELETE.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use crate::operations::{address, emails};
use crate::trial::Call;
use crate::world::{GROUPS, USERS};

/// A create, a replacement or a deletion.
pub(crate) fn call() -> impl Strategy<Value = Call> {
    let users = (0..USERS.len()).prop_flat_map(|index| (Just(index), user(index)));
    let groups = (0..GROUPS.len()).prop_flat_map(|index| (Just(index), group(index)));
    let user_path = |index: usize| format!("/Users/{}", USERS[index][0]);
    let group_path = |index: usize| format!("/Groups/{}", GROUPS[index][0]);
    prop_oneof![
        3 => users.clone().prop_map(move |(index, user)| ("PUT", user_path(index), user)),
        2 => users.prop_map(|(_, user)| ("POST", "/Users".to_owned(), user)),
        3 => groups.clone().prop_map(move |(index, group)| ("PUT", group_path(index), group)),
        2 => groups.prop_map(|(_, group)| ("POST", "/Groups".to_owned(), group)),
        1 => (0..USERS.len()).prop_map(move |index| ("DELETE", user_path(index), Value::Null)),
        1 => (0..GROUPS.len()).prop_map(move |index| ("DELETE", group_path(index), Value::Null)),
    ]
}

/// A user much like this one.
fn user(index: usize) -> impl Strategy<Value = Value> {
    let [id, _, given, family] = USERS[index];
    let next = USERS[(index + 1) % USERS.len()][0];
    let full = format!("{given} {family}");
    let shown = select(vec![
        Some(full.clone()),
        Some(full),
        Some("Eve Hall".to_owned()),
        None,
    ]);
    let active = select(vec![None, Some(true), Some(true), Some(false)]);
    let external_id = select(vec![
        Some(format!("x{id}")),
        None,
        Some(format!("x{next}")),
        Some("new".to_owned()),
    ]);
    let names = select(vec![None, Some([given, family]), Some(["Eve", family])]);
    let mails = prop::option::weighted(0.6, emails(index));
    (address(index), shown, active, external_id, names, mails).prop_map(
        |(name, shown, active, external_id, names, mails)| {
            let names =
                names.map(|[given, family]| json!({"givenName": given, "familyName": family}));
            let parts = [
                ("displayName", shown.map(Value::from)),
                ("active", active.map(Value::from)),
                ("externalId", external_id.map(Value::from)),
                ("name", names),
                ("emails", mails),
            ];
            let mut user = json!({
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name,
            });
            for (part, value) in parts {
                if let Some(value) = value {
                    user[part] = value;
                }
            }
            user
        },
    )
}

/// A group much like this one.
fn group(index: usize) -> impl Strategy<Value = Value> {
    let own = GROUPS[index][1];
    let other = GROUPS[(index + 1) % GROUPS.len()][1];
    let name = select(vec![own, own, other, "web.team", "new name"]);
    let members = prop::sample::subsequence(USERS.map(|[id, ..]| id).to_vec(), 0..=USERS.len());
    (name, members).prop_map(|(name, members)| {
        let members: Vec<Value> = members.into_iter().map(|id| json!({"value": id})).collect();
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": name,
            "members": members,
        })
    })
}
