//! The counted work of a decision is limited by the request's size, and a request over the fixed
//! budget is refused. Nothing is timed, so every face gives the same result.

mod face;
#[path = "face/worst.rs"]
mod worst;

use face::{BASE, GENERIC, HARNESS, OF_A_BYTE, OF_A_REQUEST, OF_PAIRS};
use face::{as_json, check, decide_counted, request};
use proptest::prelude::*;
use scimguard_core::message::{AnswerBody, BackendAnswer};
use scimguard_core::{BackendOutcome, Guard, Outcome, Request, Verdict};
use serde_json::{Value, json};
use worst::{FILLS, Fill, KINDS};

fn bytes(request: &Request) -> u64 {
    u64::try_from(request.path.len() + request.body.size()).expect("a small number")
}

fn rule(verdict: &Verdict) -> &str {
    match verdict {
        Verdict::Reject(reject) => &reject.rule,
        _ => "",
    }
}

/// A group's update by an administrator, with this list of members.
fn members(users: &[String]) -> Request {
    let body = json!({"identifier": "other", "name": "other", "users": users});
    let path = "/gateway/ng/api/user-groups?accountIdentifier=ACC1".to_owned();
    as_json(request("PUT", path, body.to_string().into_bytes()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn work_is_linear_in_the_request(
        kind in 0..KINDS.len(),
        text in prop::sample::select(vec!["a", "é", "\u{fdfa}", "가", "\"", "I\u{307}"]),
        characters in 1usize..1024,
        size in 0usize..20_000,
    ) {
        let request = KINDS[kind].request(size, Fill { text, characters });
        let (_, steps) = decide_counted(&HARNESS, &request);
        let is_pairs = KINDS[kind].name.contains("groups") || KINDS[kind].name.contains("pairs");
        let times = if is_pairs { OF_PAIRS } else { 1 };
        let allowed = times * OF_A_BYTE * bytes(&request) + OF_A_REQUEST;
        prop_assert!(steps <= allowed, "{}: {steps} steps, {allowed} are allowed", KINDS[kind].name);
    }
}

#[test]
fn the_worst_requests_are_decided() {
    for kind in &KINDS {
        for fill in FILLS {
            check(&HARNESS, &kind.request(1_000, fill));
        }
    }
}

#[test]
fn names_that_folding_expands_are_counted() {
    let name = |n: usize| format!("{n}{}", "\u{fdfa}".repeat(1_000));
    let few: Vec<String> = (0..20).map(name).collect();
    assert_eq!(rule(&decide_counted(&HARNESS, &members(&few)).0), "");
    let many: Vec<String> = (0..300).map(name).collect();
    let (verdict, _) = decide_counted(&HARNESS, &members(&many));
    assert_eq!(rule(&verdict), "plugin.timeout");
}

#[test]
fn the_largest_legitimate_requests_are_within_the_budget() {
    let ids: Vec<String> = (0..20_000).map(|n| format!("00u{n:017}")).collect();
    let (verdict, steps) = decide_counted(&HARNESS, &members(&ids));
    assert_eq!(rule(&verdict), "");
    assert!(steps < 1_000_000, "{steps}");
    let pushed: Vec<Value> = ids.iter().map(|id| json!({"value": id})).collect();
    let group = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
        "displayName": "web-team", "members": pushed,
    });
    let body = group.to_string().into_bytes();
    let put = request("PUT", format!("{BASE}/Groups/web_team"), body);
    let (verdict, steps) = decide_counted(&HARNESS, &put);
    assert_eq!(rule(&verdict), "");
    assert!(steps < 1_000_000, "{steps}");
}

/// Returns what the client gets from a list of this many bytes.
fn listed(guard: &Guard, bytes: usize) -> String {
    let read = request("GET", "/scim/v2/ACC1/Users".to_owned(), Vec::new());
    let Verdict::Forward(forward) = decide_counted(guard, &read).0 else {
        panic!("a list passes");
    };
    let user =
        r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"id":"u1","userName":"ann"}"#;
    let users = vec![user; bytes / user.len()].join(",");
    let body = format!(
        r#"{{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":1,"Resources":[{users}]}}"#
    );
    let answer = BackendOutcome::Answered(BackendAnswer {
        status: 200,
        headers: Vec::new(),
        body: AnswerBody::Bytes(body.into_bytes()),
    });
    match guard.observe(&forward.continuation, &answer, &[], 0) {
        Outcome::Respond(respond) => respond.rule.unwrap_or_default(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_answer_is_judged_within_the_budget_or_not_at_all() {
    assert_eq!(listed(&GENERIC, 1 << 20), "");
    assert_eq!(listed(&GENERIC, 55 << 20), "plugin.timeout");
}

#[test]
fn what_a_pattern_compiles_to_is_bounded_where_it_stands() {
    let faults = |schema: Value| {
        let policy = json!({"version": 1, "scim": {"json_schemas": {"User": schema}}});
        match Guard::configure(&policy.to_string()) {
            Ok(_) => Vec::new(),
            Err(faults) => faults,
        }
    };
    let property = |pattern: &str| json!({"properties": {"a/b": {"pattern": pattern}}});
    assert_eq!(faults(property("^[a-z]{1,64}@example\\.com$")), []);
    assert_eq!(faults(property("(?:.{0,100}){50}[cd]")), []);
    #[rustfmt::skip]
    let cases = [
        (property("(?:.{0,100}){500}[cd]"), "/properties/a~1b/pattern", "states"),
        (property("(?:.{0,1000}){1000}"), "/properties/a~1b/pattern", "states"),
        (json!({"patternProperties": {"(?:.{0,100}){500}": true}}),
            "/patternProperties/(?:.{0,100}){500}", "states"),
        (json!({"allOf": (0..99).map(|n| property(&format!("(?:.{{0,100}}){{20}}{n}"))).collect::<Vec<_>>()}),
            "/allOf/", "all patterns in the document"),
    ];
    for (schema, place, told) in cases {
        let faults = faults(schema);
        let [fault] = faults.as_slice() else {
            panic!("{faults:?}");
        };
        let place = format!("/scim/json_schemas/User{place}");
        assert!(fault.pointer.starts_with(&place), "{fault:?}");
        assert!(fault.message.contains(told), "{fault:?}");
    }
}
