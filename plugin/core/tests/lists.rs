//! A list of operations is judged at least as strictly as each of its operations alone.

mod fixtures;

use std::sync::LazyLock;

use fixtures::{guard, request};
use proptest::prelude::*;
use scimguard_core::facts::{Fact, Table};
use scimguard_core::{Body, Guard, Verdict};
use serde_json::{Value, json};

static HARNESS: LazyLock<Guard> = LazyLock::new(|| guard(""));
static GENERIC: LazyLock<Guard> = LazyLock::new(|| guard(r#"{"version": 1, "preset": "generic"}"#));

fn table() -> Table {
    fixtures::table(json!({
        "tokens": [{"token": "pat.ACC1.adm1.s3cret", "account": "ACC1", "principal": "svc"}],
        "users": [
            {"account": "ACC1", "id": "u1", "userName": "ann@example.com", "displayName": "Ann Lee", "externalId": "x1", "managed_by": "okta"},
            {"account": "ACC1", "id": "u2", "userName": "bob@example.com", "displayName": "Bob", "managed_by": "okta"},
            {"account": "ACC1", "id": "u3", "userName": "kim@example.com", "displayName": "Kim"},
        ],
        "groups": [
            {"account": "ACC1", "id": "web_team", "displayName": "web-team", "managed_by": "okta"},
            {"account": "ACC1", "id": "local", "displayName": "local"},
        ],
        "members": [
            {"account": "ACC1", "group": "web_team", "user": "u1"},
            {"account": "ACC1", "group": "local", "user": "u3"},
        ],
    }))
}

/// Returns the ownership rule that refuses these operations, if any.
fn refusal(
    guard: &Guard,
    base: &str,
    token: &str,
    path: &str,
    operations: &[Value],
) -> Option<String> {
    let table = table();
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": operations,
    });
    let token = format!("pat.ACC1.{token}.s3cret");
    let body = Body::Bytes(body.to_string().into_bytes());
    let request = request("PATCH", &format!("{base}{path}"), &token, body);
    let mut facts = Vec::new();
    for _ in 0..=guard.settings().rounds {
        match guard.evaluate(&request, &facts, 1_780_000_000_000) {
            Verdict::Need(need) => facts.extend(need.keys.into_iter().map(|key| Fact {
                answer: table.answer(&key),
                key,
            })),
            Verdict::Reject(reject) => {
                let is_ownership =
                    reject.rule.starts_with("okta-only.") || reject.rule.starts_with("ownership.");
                return is_ownership.then_some(reject.rule);
            }
            Verdict::Forward(_) | Verdict::Proceed(_) => return None,
        }
    }
    panic!("more rounds than the settings allow");
}

fn verb() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just("add"), Just("replace"), Just("remove")]
}

fn address() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        Just("ann@example.com"),
        Just("bob@example.com"),
        Just("kim@example.com"),
        Just("new@example.com"),
    ]
}

fn user_operation() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        Just(("displayName", "Ann Lee")),
        Just(("displayName", "Eve")),
        Just(("externalId", "x1")),
        Just(("externalId", "x9")),
        Just(("name.givenName", "Ann")),
        Just(("name.familyName", "Lee")),
    ];
    let list = prop::collection::vec(address(), 0..3);
    prop_oneof![
        (verb(), text)
            .prop_map(|(op, (path, value))| json!({"op": op, "path": path, "value": value})),
        address().prop_map(|name| json!({"op": "replace", "path": "userName", "value": name})),
        any::<bool>()
            .prop_map(|active| json!({"op": "replace", "path": "active", "value": active})),
        (verb(), list).prop_map(|(op, all)| {
            let all: Vec<Value> = all
                .iter()
                .map(|address| json!({"value": address}))
                .collect();
            json!({"op": op, "path": "emails", "value": all})
        }),
        (verb(), address()).prop_map(|(op, address)| {
            json!({"op": op, "path": "emails[type eq \"work\"].value", "value": address})
        }),
        Just(
            json!({"op": "replace", "value": {"name": {"givenName": "Ann", "familyName": "Lee"}}})
        ),
    ]
}

fn group_operation() -> impl Strategy<Value = Value> {
    let user = prop_oneof![Just("u1"), Just("u2"), Just("u3"), Just("u9")];
    let name = prop_oneof![Just("web-team"), Just("local"), Just("other")];
    let list = prop::collection::vec(user.clone(), 0..3);
    prop_oneof![
        (verb(), list).prop_map(|(op, all)| {
            let all: Vec<Value> = all.iter().map(|id| json!({"value": id})).collect();
            json!({"op": op, "path": "members", "value": all})
        }),
        user.prop_map(|id| json!({"op": "remove", "path": format!("members[value eq \"{id}\"]")})),
        name.prop_map(|name| json!({"op": "replace", "value": {"displayName": name}})),
        Just(json!({"op": "remove", "path": "members"})),
    ]
}

fn target() -> impl Strategy<Value = (String, Vec<Value>)> {
    let users = prop_oneof![Just("u1"), Just("u2"), Just("u3")];
    let groups = prop_oneof![Just("web_team"), Just("local")];
    prop_oneof![
        (users, prop::collection::vec(user_operation(), 1..5))
            .prop_map(|(id, operations)| (format!("/Users/{id}"), operations)),
        (groups, prop::collection::vec(group_operation(), 1..5))
            .prop_map(|(id, operations)| (format!("/Groups/{id}"), operations)),
    ]
}

/// A text with each character unchanged, in another case, or in another compatibility form.
fn spelling(text: &'static str) -> impl Strategy<Value = String> {
    let length = text.chars().count();
    prop::collection::vec(0..5_u8, length).prop_map(move |forms| {
        let form = |(c, form): (char, u8)| match form {
            0 => c.to_ascii_uppercase(),
            1 => char::from_u32(u32::from(c) - 0x21 + 0xff01).unwrap_or(c),
            _ => c,
        };
        text.chars().zip(forms).map(form).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    #[test]
    fn another_spelling_of_a_member_is_perhaps_somebody_else(
        id in spelling("u1"),
        harness in any::<bool>(),
    ) {
        let (guard, base) = match harness {
            true => (&*HARNESS, "/gateway/ng/api/scim/account/ACC1"),
            false => (&*GENERIC, "/scim/v2/ACC1"),
        };
        let operation = json!({"op": "replace", "path": "members", "value": [{"value": id}]});
        let refused = refusal(guard, base, "adm1", "/Groups/web_team", &[operation]);
        prop_assert_eq!(refused.is_none(), id == "u1", "{}: {:?}", id, refused);
    }

    #[test]
    fn only_case_does_not_matter_in_a_name(
        name in spelling("ann@example.com"),
        operation in prop_oneof![
            Just(json!({"op": "replace", "path": "userName"})),
            Just(json!({"op": "replace", "path": "emails[type eq \"work\"].value"})),
        ],
    ) {
        let mut operation = operation;
        operation["value"] = json!(name);
        let refused = refusal(&GENERIC, "/scim/v2/ACC1", "adm1", "/Users/u1", &[operation]);
        let is_same = name.eq_ignore_ascii_case("ann@example.com");
        prop_assert_eq!(refused.is_none(), is_same, "{}: {:?}", name, refused);
    }

    #[test]
    fn a_list_is_judged_at_least_as_strictly_as_each_operation(
        (path, operations) in target(),
        token in prop_oneof![Just("tok1"), Just("adm1")],
        harness in any::<bool>(),
    ) {
        let (guard, base) = match harness {
            true => (&*HARNESS, "/gateway/ng/api/scim/account/ACC1"),
            false => (&*GENERIC, "/scim/v2/ACC1"),
        };
        let alone = operations.iter().find_map(|operation| {
            refusal(guard, base, token, &path, std::slice::from_ref(operation))
        });
        if let Some(rule) = alone {
            let together = refusal(guard, base, token, &path, &operations);
            prop_assert!(together.is_some(), "{rule} refuses one of {operations:?} at {path} alone");
        }
    }
}
