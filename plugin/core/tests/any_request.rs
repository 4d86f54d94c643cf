//! Whatever comes in, a decision comes out: no panic, no endless asking, and what is forwarded is in
//! canonical form, so that the guard would not change it again.

use std::sync::LazyLock;

use proptest::prelude::*;
use scimguard_core::facts::{Fact, Table};
use scimguard_core::message::{AnswerBody, BackendAnswer, ForwardBody, ResponseBody};
use scimguard_core::{BackendOutcome, Body, Forward, Guard, Outcome, Request, Verdict};
use serde_json::json;

const NOW: u64 = 1_780_000_000_000;
const BASE: &str = "/gateway/ng/api/scim/account/ACC1";
const TOKEN: &[u8] = b"Bearer pat.ACC1.tok1.s3cret";

static HARNESS: LazyLock<Guard> = LazyLock::new(|| guard(""));
static GENERIC: LazyLock<Guard> = LazyLock::new(|| guard(r#"{"version": 1, "preset": "generic"}"#));

fn guard(policy: &str) -> Guard {
    match Guard::configure(policy) {
        Ok(guard) => guard,
        Err(errors) => panic!("{errors:?}"),
    }
}

fn table() -> Table {
    let all = [
        "core_user_view",
        "core_user_manage",
        "core_user_invite",
        "core_usergroup_view",
        "core_usergroup_manage",
    ];
    let facts = json!({
        "tokens": [{"token": "pat.ACC1.tok1.s3cret", "account": "ACC1", "principal": "svc", "provider": "okta"}],
        "principals": [{"account": "ACC1", "id": "svc", "permissions": all}],
        "users": [
            {"account": "ACC1", "id": "u1", "userName": "ann@example.com", "displayName": "Ann Lee", "managed_by": "okta"},
            {"account": "ACC1", "id": "u2", "userName": "bob@example.com", "displayName": "Bob", "active": false, "managed_by": "okta"},
        ],
        "groups": [{"account": "ACC1", "id": "web_team", "displayName": "web-team", "managed_by": "okta"}],
        "members": [{"account": "ACC1", "group": "web_team", "user": "u1"}],
    });
    Table::from_json(&facts).expect("the facts are well formed")
}

/// What a face does until there is a decision.
fn decide(guard: &Guard, request: &Request) -> Verdict {
    let table = table();
    let mut request = request.clone();
    let body = std::mem::replace(&mut request.body, Body::Unread);
    let mut facts = Vec::new();
    for _ in 0..=guard.settings().rounds {
        match guard.evaluate(&request, &facts, NOW) {
            Verdict::Need(need) => {
                assert!(
                    need.body_limit.is_some() || !need.keys.is_empty(),
                    "a need for nothing"
                );
                if need.body_limit.is_some() {
                    request.body = body.clone();
                }
                facts.extend(need.keys.into_iter().map(|key| Fact {
                    answer: table.answer(&key),
                    key,
                }));
            }
            verdict => return verdict,
        }
    }
    panic!("more rounds than the settings allow");
}

fn check(guard: &Guard, request: &Request) {
    match decide(guard, request) {
        Verdict::Need(_) => unreachable!("decide ends with a decision"),
        Verdict::Reject(reject) => {
            assert!((400..=503).contains(&reject.response.status));
            let ResponseBody::Bytes(body) = reject.response.body else {
                panic!("a refusal says why");
            };
            let body: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
            assert!(body["detail"].as_str().is_some_and(|text| !text.is_empty()));
        }
        Verdict::Forward(forward) => {
            canonical(guard, request, &forward);
            answered(guard, &forward);
        }
        Verdict::Proceed(proceed) => parts(guard, &proceed.continuation),
    }
}

/// A forwarded SCIM message that comes in again goes out the same, byte for byte.
fn canonical(guard: &Guard, request: &Request, forward: &Forward) {
    let ForwardBody::Bytes(bytes) = &forward.body else {
        return;
    };
    let again = Request {
        method: forward.method.clone(),
        path: forward.path.clone(),
        body: Body::Bytes(bytes.clone()),
        ..request.clone()
    };
    match decide(guard, &again) {
        Verdict::Forward(second) => {
            // Who is in and who is out by now decides what a difference amounts to.
            if second.body != ForwardBody::None {
                assert_eq!(
                    String::from_utf8_lossy(bytes),
                    match &second.body {
                        ForwardBody::Bytes(bytes) => String::from_utf8_lossy(bytes),
                        _ => "".into(),
                    }
                );
                assert_eq!(second.path, forward.path);
                assert!(second.changes.is_empty(), "{:?}", second.changes);
            }
        }
        other => panic!("canonical, and still {other:?}"),
    }
}

/// Part after part, each forwarded one answered as if it had been done.
fn parts(guard: &Guard, continuation: &[u8]) {
    let table = table();
    let mut continuation = continuation.to_vec();
    let mut answer = BackendOutcome::NotAsked;
    let mut facts = Vec::new();
    for _ in 0..guard.settings().passes * (guard.settings().rounds + 1) {
        match guard.observe(&continuation, &answer, &facts, NOW) {
            Outcome::Need(need) => facts.extend(need.keys.into_iter().map(|key| Fact {
                answer: table.answer(&key),
                key,
            })),
            Outcome::Proceed(proceed) => {
                continuation = proceed.continuation;
                answer = BackendOutcome::NotAsked;
                facts.clear();
            }
            Outcome::Forward(forward) => {
                continuation = forward.continuation;
                answer = BackendOutcome::Answered(BackendAnswer {
                    status: 200,
                    headers: Vec::new(),
                    body: AnswerBody::Bytes(b"{\"id\": \"u9\"}".to_vec()),
                });
                facts.clear();
            }
            Outcome::Respond(respond) => {
                assert_eq!(respond.response.status, 200);
                return;
            }
        }
    }
    panic!("more passes than the settings allow");
}

/// Whatever the backend answers, the client gets something.
fn answered(guard: &Guard, forward: &Forward) {
    let bodies: [&[u8]; 4] = [
        b"",
        b"\xff{",
        b"{\"id\": \"u1\", \"userName\": \"ann@example.com\", \"password\": \"p\"}",
        b"{\"totalResults\": 1, \"Resources\": [{\"id\": \"u1\", \"members\": [null, {\"value\": 1}]}]}",
    ];
    for status in [200, 201, 204, 302, 404, 409, 429, 500] {
        for body in bodies {
            let answer = BackendOutcome::Answered(BackendAnswer {
                status,
                headers: Vec::new(),
                body: AnswerBody::Bytes(body.to_vec()),
            });
            let table = table();
            let mut facts = Vec::new();
            let ended = (0..=guard.settings().rounds).any(|_| {
                match guard.observe(&forward.continuation, &answer, &facts, NOW) {
                    Outcome::Need(need) => {
                        facts.extend(need.keys.into_iter().map(|key| Fact {
                            answer: table.answer(&key),
                            key,
                        }));
                        false
                    }
                    Outcome::Respond(respond) => {
                        if let ResponseBody::Bytes(bytes) = respond.response.body {
                            assert!(!String::from_utf8_lossy(&bytes).contains("\"password\""));
                        }
                        true
                    }
                    Outcome::Forward(_) | Outcome::Proceed(_) => true,
                }
            });
            assert!(ended, "observing asks without end");
        }
    }
}

fn request(method: &str, path: String, body: Vec<u8>) -> Request {
    Request {
        method: method.to_owned(),
        path,
        headers: vec![
            ("authorization".to_owned(), TOKEN.to_vec()),
            ("content-type".to_owned(), b"application/scim+json".to_vec()),
        ],
        body: Body::Bytes(body),
    }
}

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

/// JSON as it could be meant for SCIM: known names, in any case, with values of every type.
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

/// A valid message with one value in it replaced by another.
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
