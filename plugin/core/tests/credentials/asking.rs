//! Which issuers the token stage asks, in which order, and what it decides.

use scimguard_core::facts::Key;
use scimguard_core::message::ResponseBody;
use scimguard_core::record::Record as Change;
use scimguard_core::{Body, Guard, Request};
use serde_json::{Value, json};

use crate::face::{Decided, Record, decide, guard, jwt};
use crate::fixtures::{BASE, request};

const SIGNER: &str = "https://id.example.com";
const FIRST: &str = "https://as1.example.com";
const SECOND: &str = "https://as2.example.com";

fn policy() -> Guard {
    let asked = |name: &str| {
        json!({"issuer": name, "kind": "introspection", "account": "ACC1", "provider": "okta",
               "claims": {"permissions": "/scope"}})
    };
    guard(
        &json!({"version": 1, "preset": "harness", "tokens": {"issuers": [
            {"issuer": SIGNER, "audience": ["guard"], "account": "ACC1", "provider": "okta"},
            asked(FIRST), asked(SECOND),
        ]}}),
    )
}

fn claims(id: &str) -> Value {
    json!({"iss": SIGNER, "aud": "guard", "exp": 1_890_000_000_u64, "sub": "svc", "jti": id})
}

fn get(token: &str) -> Request {
    let mut request = request("GET", &format!("{BASE}/Users"), token, Body::None);
    // A read has no body, and so no type.
    request.headers.truncate(1);
    request
}

fn rule(decided: &Decided) -> &str {
    decided.refused().map_or("", |reject| &reject.rule)
}

/// The issuers that were asked, in order.
fn issuers(decided: &Decided) -> Vec<&str> {
    let asked = decided.asked.iter().filter_map(|key| match key {
        Key::Verified(key) => Some(key.issuer.as_str()),
        _ => None,
    });
    asked.collect()
}

#[test]
fn a_jwt_is_shown_to_its_issuer_alone() {
    let mut record = Record::new();
    let token = jwt(&claims("t1").to_string());
    record.vouch(&token, claims("t1"));
    let decided = decide(&policy(), &record, &get(&token));
    assert!(decided.forwarded().is_some());
    assert_eq!(issuers(&decided), [SIGNER]);
    assert!(!decided.asked.iter().any(|key| matches!(key, Key::Token(_))));
}

#[test]
fn servers_are_asked_one_after_the_other() {
    let mut record = Record::new();
    let unknown = decide(&policy(), &record, &get("opaque"));
    assert_eq!(rule(&unknown), "token.unknown");
    assert_eq!(issuers(&unknown), [FIRST, SECOND]);
    let own = decide(&policy(), &record, &get("pat.ACC1.tok1.s3cret"));
    assert!(own.forwarded().is_some());
    assert!(issuers(&own).is_empty());
    record.vouch("opaque", json!({"active": true, "sub": "svc", "scope": ""}));
    let known = decide(&policy(), &record, &get("opaque"));
    assert_eq!(rule(&known), "token.insufficient-permission");
    assert_eq!(issuers(&known), [FIRST]);
}

#[test]
fn who_does_not_answer_makes_nothing_absent() {
    let mut record = Record::new();
    let token = jwt(&claims("t1").to_string());
    record.vouch(&token, claims("t1"));
    record.silent = vec![SIGNER];
    assert_eq!(
        rule(&decide(&policy(), &record, &get(&token))),
        "facts.unavailable"
    );
    record.silent = vec!["svc"];
    assert_eq!(
        rule(&decide(&policy(), &record, &get(&token))),
        "facts.unavailable"
    );
    // The second issuer might know the token, but it might also be a revoked one of the first.
    record.vouch("opaque", json!({"active": true, "sub": "svc"}));
    record.silent = vec![FIRST];
    let decided = decide(&policy(), &record, &get("opaque"));
    assert_eq!(rule(&decided), "facts.unavailable");
    assert_eq!(issuers(&decided), [FIRST]);
}

#[test]
fn claims_that_can_be_read_in_two_ways_are_none() {
    let mut record = Record::new();
    let token = jwt(&claims("t1").to_string());
    record.vouch(&token, json!([claims("t1")]));
    assert_eq!(
        rule(&decide(&policy(), &record, &get(&token))),
        "facts.unavailable"
    );
    record.vouch(&token, json!({"sub": "svc", "SUB": "admin"}));
    assert_eq!(
        rule(&decide(&policy(), &record, &get(&token))),
        "facts.unavailable"
    );
}

#[test]
fn the_largest_token() {
    let mut record = Record::new();
    let short = jwt(&claims("t1").to_string());
    // Repeating four characters of the signature keeps its encoding valid.
    let longer = |length: usize| {
        let (head, signature) = short.rsplit_once('.').expect("three parts");
        let more = "A".repeat((length - short.len()).next_multiple_of(4));
        format!("{head}.{more}{signature}")
    };
    for (token, expected) in [
        (longer(8189), ""),
        (longer(8193), "token.malformed"),
        (longer(100_000), "token.malformed"),
    ] {
        record.vouch(&token, claims("t1"));
        let decided = decide(&policy(), &record, &get(&token));
        assert_eq!(rule(&decided), expected, "{}", token.len());
    }
    let opaque = |length: usize| decide(&policy(), &record, &get(&"a".repeat(length)));
    assert_eq!(rule(&opaque(8192)), "token.unknown");
    assert_eq!(rule(&opaque(8193)), "token.malformed");
}

#[test]
fn no_output_contains_the_token() {
    let mut record = Record::new();
    let token = jwt(&claims("t1").to_string());
    let secret = token.rsplit_once('.').expect("three parts").1.to_owned();
    for known in [false, true] {
        if known {
            record.vouch(
                &token,
                json!({"iss": SIGNER, "aud": "guard", "exp": 1, "sub": "svc"}),
            );
        }
        let decided = decide(&policy(), &record, &get(&token));
        assert!(!format!("{:?}", decided.asked).contains(&secret));
        let reject = decided.refused().expect("it is refused");
        let ResponseBody::Bytes(body) = &reject.response.body else {
            panic!("a refusal says why");
        };
        assert!(!String::from_utf8_lossy(body).contains(&secret));
        assert!(!format!("{reject:?}").contains(&secret));
    }
}

#[test]
fn a_token_is_named_by_its_id_or_its_principal() {
    let named = |token: &str, id: Value| {
        let mut record = Record::new();
        let mut claims = claims("t1");
        claims["jti"] = id;
        record.vouch(token, claims);
        let decided = decide(&policy(), &record, &get(token));
        let forward = decided.forwarded().expect("it is forwarded");
        forward.verified_token.clone().expect("it is verified")
    };
    let token = jwt(&claims("t1").to_string());
    assert_eq!(named(&token, json!("a3-f_0.b:9")), "jti:a3-f_0.b:9");
    let signature = token.rsplit_once('.').expect("three parts").1;
    for odd in [
        json!(null),
        json!(7),
        json!(""),
        json!("a b"),
        json!("a\n{\"level\": \"info\"}"),
        json!("a".repeat(65)),
        json!(signature),
    ] {
        assert_eq!(named(&token, odd.clone()), "sub:svc", "{odd}");
    }
}

#[test]
fn the_record_names_the_token_in_the_same_way() {
    let mut record = Record::new();
    let token = jwt(&claims("t1").to_string());
    record.vouch(&token, claims("t1"));
    let user = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "ann@example.com"});
    let mut request = Request {
        method: "POST".to_owned(),
        body: Body::Bytes(user.to_string().into_bytes()),
        ..get(&token)
    };
    request
        .headers
        .push(("content-type".to_owned(), b"application/scim+json".to_vec()));
    let decided = decide(&policy(), &record, &request);
    let forward = decided.forwarded().expect("it is forwarded");
    let [Change::Intent(intent)] = forward.records.as_slice() else {
        panic!("{:?}", forward.records);
    };
    assert_eq!(intent.by, "jti:t1");
    assert_eq!(forward.verified_token.as_deref(), Some("jti:t1"));
}
