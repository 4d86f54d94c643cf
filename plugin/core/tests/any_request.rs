//! Any request gets a decision, without panics or endless rounds. Forwarded requests are canonical,
//! so that the guard would not change them again.

mod face;

use proptest::prelude::*;
use serde_json::json;

use face::{BASE, GENERIC, HARNESS, check, request};

fn any_method() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => prop::sample::select(vec!["GET", "POST", "PUT", "PATCH", "DELETE"]).prop_map(str::to_owned),
        1 => "\\PC{0,8}",
    ]
}

fn any_path() -> impl Strategy<Value = String> {
    let scim = (
        prop::sample::select(vec![
            "/Users",
            "/Groups",
            "/Users/u1",
            "/Users/u2",
            "/Groups/web_team",
            "/Schemas",
            "/Bulk",
            "",
        ]),
        prop_oneof![
            Just(String::new()),
            "\\?(filter|count|startIndex|attributes|sortBy)=[ -~]{0,20}",
            "[/?%;.\\\\a-zA-Z0-9]{0,12}",
        ],
    )
        .prop_map(|(end, tail)| format!("{BASE}{end}{tail}"));
    let management = "[/a-z{}%.;]{0,24}"
        .prop_map(|tail| format!("/gateway/ng/api/user-groups{tail}?accountIdentifier=ACC1"));
    prop_oneof![4 => scim, 1 => management, 1 => "\\PC{0,40}"]
}

/// JSON that resembles SCIM: known names, in any case, with values of every type.
fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let text = prop_oneof![
        prop::sample::select(vec![
            "ann@example.com",
            "u1",
            "u3",
            "web-team",
            "True",
            "false",
            "work",
            "add",
            "Replace",
            "REMOVE",
            "members",
            "members[value eq \"u1\"]",
            "name.givenName",
            "emails[type eq \"work\"].value",
            "urn:ietf:params:scim:schemas:core:2.0:User",
            "urn:ietf:params:scim:schemas:core:2.0:Group",
            "urn:ietf:params:scim:api:messages:2.0:PatchOp",
        ])
        .prop_map(str::to_owned),
        "\\PC{0,12}",
    ];
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        text.prop_map(Into::into),
    ];
    let name = prop_oneof![
        prop::sample::select(vec![
            "schemas",
            "Operations",
            "op",
            "path",
            "value",
            "userName",
            "USERNAME",
            "name",
            "givenName",
            "displayName",
            "emails",
            "primary",
            "type",
            "members",
            "active",
            "externalId",
            "id",
            "meta",
            "groups",
            "password",
            "roles",
            "name.familyName",
            "locale",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
        ])
        .prop_map(str::to_owned),
        "\\PC{0,6}",
    ];
    leaf.prop_recursive(5, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            prop::collection::btree_map(name.clone(), inner, 0..6)
                .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
        ]
    })
}

/// A valid message with one value replaced.
fn mutated() -> impl Strategy<Value = (&'static str, String, serde_json::Value)> {
    let user = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": "ann@example.com", "displayName": "Ann Lee", "active": true, "externalId": "00u1",
        "name": {"givenName": "Ann", "familyName": "Lee"}, "locale": "en-US",
        "emails": [{"value": "ann@example.com", "type": "work", "primary": true}],
    });
    let group = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
        "displayName": "web-team", "members": [{"value": "u1", "display": "Ann"}, {"value": "u3"}],
    });
    let patch = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [
            {"op": "Replace", "value": {"displayName": "web", "name.givenName": "A"}},
            {"op": "remove", "path": "members[value eq \"u1\"]"},
            {"op": "add", "path": "members", "value": [{"value": "u3"}]},
            {"op": "replace", "path": "active", "value": "True"},
        ],
    });
    let messages = vec![
        ("POST", format!("{BASE}/Users"), user.clone()),
        ("PUT", format!("{BASE}/Users/u1"), user),
        ("POST", format!("{BASE}/Groups"), group.clone()),
        ("PUT", format!("{BASE}/Groups/web_team"), group),
        ("PATCH", format!("{BASE}/Groups/web_team"), patch.clone()),
        ("PATCH", format!("{BASE}/Users/u1"), patch),
    ];
    (
        prop::sample::select(messages),
        any::<prop::sample::Index>(),
        any_json(),
    )
        .prop_map(|((method, path, mut message), index, value)| {
            let mut pointers = Vec::new();
            collect(&message, String::new(), &mut pointers);
            let pointer = index.get(&pointers).clone();
            if let Some(place) = message.pointer_mut(&pointer) {
                *place = value;
            }
            (method, path, message)
        })
}

fn collect(value: &serde_json::Value, pointer: String, pointers: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(members) => {
            for (name, inner) in members {
                collect(inner, format!("{pointer}/{name}"), pointers);
            }
        }
        serde_json::Value::Array(elements) => {
            for (index, inner) in elements.iter().enumerate() {
                collect(inner, format!("{pointer}/{index}"), pointers);
            }
        }
        _ => {}
    }
    pointers.push(pointer);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes(method in any_method(), path in any_path(), body in prop::collection::vec(any::<u8>(), 0..200)) {
        check(&HARNESS, &request(&method, path, body));
    }

    #[test]
    fn any_document(method in any_method(), path in any_path(), body in any_json()) {
        check(&HARNESS, &request(&method, path, body.to_string().into_bytes()));
    }

    #[test]
    fn valid_but_for_one_value((method, path, body) in mutated()) {
        check(&HARNESS, &request(method, path, body.to_string().into_bytes()));
    }

    #[test]
    fn valid_but_for_one_value_in_the_generic_dialect((method, path, body) in mutated()) {
        let path = path.replace(BASE, "/scim/v2/ACC1");
        check(&GENERIC, &request(method, path, body.to_string().into_bytes()));
    }

    #[test]
    fn any_header(name in "[a-z-]{1,16}", value in prop::collection::vec(any::<u8>(), 0..40)) {
        let mut request = request("GET", format!("{BASE}/Users"), Vec::new());
        request.headers.push((name, value));
        check(&HARNESS, &request);
    }
}
