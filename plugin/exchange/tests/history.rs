//! How far a request gets and where its fault is, as a page shows beside a decision.

#[path = "../../core/tests/fixtures/mod.rs"]
mod fixtures;

use fixtures::{TOKEN, guard};
use scimguard_core::facts::Table;
use scimguard_core::history::{
    Answers, Decided, Passed, RequestDocument, UpstreamDocument, place, way,
};
use scimguard_core::{Guard, Request, rules, stage};
use scimguard_exchange::history::Driver;
use serde::de::IgnoredAny;
use serde_json::json;

const NOW: u64 = 1_780_000_000_000;
const USERS: &str = "/gateway/ng/api/scim/account/ACC1/Users";
const GROUPS: &str = "/gateway/ng/api/user-groups/web_team?accountIdentifier=ACC1";

fn table() -> Table {
    fixtures::table(json!({
        "groups": [{"account": "ACC1", "id": "web_team", "displayName": "web-team", "managed_by": "okta"}],
    }))
}

fn request(method: &str, path: &str, token: &str, body: &str) -> Request {
    let mut headers = json!({"content-type": "application/json"});
    if !token.is_empty() {
        headers["authorization"] = format!("Bearer {token}").into();
    }
    let document = json!({"method": method, "path": path, "headers": headers, "body_text": body});
    let document: RequestDocument = serde_json::from_value(document).expect("a request document");
    document.into_request().expect("a request")
}

fn decided(guard: &Guard, request: &Request) -> Decided {
    let mut driver = Driver::new(guard);
    driver
        .decide(request, &mut table(), NOW)
        .expect("a decision")
}

#[test]
fn a_refused_request_stops_at_the_stage_of_its_rule() {
    let authenticated =
        r#"{"version": 1, "preset": "harness", "management": {"authenticate": true}}"#;
    #[rustfmt::skip]
    let cases = [
        ("", "GET", "/elsewhere", "", "", "route! token parse normalise permit write", None),
        ("", "GET", USERS, "", "", "route+ token! parse normalise permit write", None),
        ("", "POST", USERS, TOKEN, "{\n \"a\":, \"b\": 1}",
            "route+ token+ parse! normalise permit write", Some((2, 6))),
        ("", "POST", USERS, TOKEN, r#"{"é": 1, "a": 1, "A": 2}"#,
            "route+ token+ parse! normalise permit write", Some((1, 18))),
        ("", "POST", USERS, TOKEN, "{}", "route+ token+ parse+ normalise! permit write", None),
        ("", "GET", USERS, TOKEN, "", "route+ token+ parse+ normalise+ permit+ write+", None),
        ("", "DELETE", GROUPS, "", "", "route+ parse+ permit! write", None),
        (authenticated, "DELETE", GROUPS, "", "", "route+ token! parse permit write", None),
    ];
    for (policy, method, path, token, body, stages, fault) in cases {
        let guard = guard(policy);
        let request = request(method, path, token, body);
        let decided = decided(&guard, &request);
        let shown: Vec<String> = way(&guard, &request, &decided)
            .iter()
            .map(|passage| {
                let stage = serde_json::to_value(passage.stage).unwrap();
                let mark = match passage.outcome {
                    Passed::Passed => "+",
                    Passed::Refused => "!",
                    Passed::NotReached => "",
                };
                format!("{}{mark}", stage.as_str().unwrap())
            })
            .collect();
        assert_eq!(shown.join(" "), stages, "{method} {path} {body}");
        let came = match &decided {
            Decided::Reject(reject) => place(reject),
            _ => None,
        };
        assert_eq!(came, fault, "{method} {path} {body}");
    }
}

#[test]
fn every_rule_of_the_policy_has_a_stage_and_those_around_it_have_none() {
    for rule in rules() {
        let around = ["facts.", "plugin.", "rate.", "upstream."];
        let is_around = around.iter().any(|prefix| rule.id.starts_with(prefix));
        assert_eq!(stage(rule.id).is_none(), is_around, "{}", rule.id);
    }
    assert_eq!(stage("no.rule"), None);
}

#[test]
fn a_journal_has_what_all_parts_of_a_request_recorded() {
    let guard = guard("");
    let create = |id: &str, name: &str| {
        json!({"method": "POST", "path": "/Users", "bulkId": id, "data":
            {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name, "locale": "de"}})
    };
    let bulk = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": [create("a", "ann@example.com"), create("b", "bob@example.com")]});
    let path = "/gateway/ng/api/scim/account/ACC1/Bulk";
    let request = request("POST", path, TOKEN, &bulk.to_string());
    let answer = |id: &str, name: &str| {
        json!({"status": 201, "body":
            {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "id": id, "userName": name}})
    };
    let upstream = json!([
        answer("u1", "ann@example.com"),
        answer("u2", "bob@example.com")
    ]);
    let upstream: UpstreamDocument<IgnoredAny> =
        serde_json::from_str(&upstream.to_string()).unwrap();
    let (answers, _) = upstream.into_answers().unwrap();
    let mut driver = Driver::new(&guard);
    let mut table = table();
    let played = driver.play(&request, &answers, &mut table, NOW).unwrap();
    assert_eq!(played.stops.len(), 3);
    assert_eq!(played.response.map(|response| response.status), Some(200));
    let journal = driver.journal();
    let not_synced = journal
        .changes
        .iter()
        .filter(|change| change.rule == "normalise.not-synced");
    assert_eq!(not_synced.count(), 2);
    assert!(journal.records.len() >= 4, "{:?}", journal.records);
    let names: Vec<_> = table
        .ownership()
        .users
        .into_iter()
        .map(|user| user.key)
        .collect();
    assert_eq!(names, ["u1", "u2"]);
    assert_eq!(driver.journal().records.len(), 0);

    let mut driver = Driver::new(&guard);
    let waiting = driver
        .play(&request, &Answers::Awaited, &mut table, NOW)
        .unwrap();
    assert_eq!((waiting.stops.len(), waiting.response), (1, None));
}
