//! A miniature face for tests. It answers a decision's needs from an in-memory record and checks
//! every decision against the properties that all must have.

#[path = "../fixtures/mod.rs"]
pub(crate) mod fixtures;

use std::sync::{Arc, LazyLock};

use scimguard_core::facts::{Fact, Key, Table};
use scimguard_core::message::{AnswerBody, BackendAnswer, ForwardBody, ResponseBody};
use scimguard_core::{
    BackendOutcome, Body, Forward, Guard, More, Outcome, Request, Stage, Verdict,
};
use serde_json::json;

pub(crate) use fixtures::BASE;
use fixtures::{TOKEN, guard};

/// Maximum steps per byte of a request. The highest found is 22.7, for names with combining
/// characters, which folding composes and decomposes, each looked up in three forms.
#[allow(dead_code, reason = "not every test counts")]
pub(crate) const OF_A_BYTE: u64 = 24;

/// Maximum steps for any request, such as 1,000 pairs of short names.
#[allow(dead_code, reason = "not every test counts")]
pub(crate) const OF_A_REQUEST: u64 = 200_000;

/// Each name of one list is looked up with each of the other: 1,000 pairs are 32 times 32, and each
/// pair needs three lookups.
#[allow(dead_code, reason = "not every test counts")]
pub(crate) const OF_PAIRS: u64 = 48;

const NOW: u64 = 1_780_000_000_000;
/// The default policy.
pub(crate) static HARNESS: LazyLock<Guard> = LazyLock::new(|| guard(""));
/// The preset `generic`.
pub(crate) static GENERIC: LazyLock<Guard> =
    LazyLock::new(|| guard(r#"{"version": 1, "preset": "generic"}"#));

pub(crate) fn table() -> Table {
    fixtures::table(json!({
        "users": [
            {"account": "ACC1", "id": "u1", "userName": "ann@example.com", "displayName": "Ann Lee", "managed_by": "okta"},
            {"account": "ACC1", "id": "u2", "userName": "bob@example.com", "displayName": "Bob", "active": false, "managed_by": "okta"},
        ],
        "groups": [{"account": "ACC1", "id": "web_team", "displayName": "web-team", "managed_by": "okta"}],
        "members": [{"account": "ACC1", "group": "web_team", "user": "u1"}],
    }))
}

/// Acts as a face until there is a decision.
fn decide(guard: &Guard, request: &Request) -> Verdict {
    decide_counted(guard, request).0
}

/// Returns the decision and the steps it took. Checks at each step that a resumed pass
/// and a new pass with the same facts return the same.
pub(crate) fn decide_counted(guard: &Guard, request: &Request) -> (Verdict, u64) {
    let table = table();
    let mut request = request.clone();
    let body = std::mem::replace(&mut request.body, Body::Unread);
    let mut request = Arc::new(request);
    let mut facts = Vec::new();
    let mut pass = guard.pass();
    let mut verdict = pass.evaluate(more(&request, Vec::new()));
    for _ in 0..=guard.settings().rounds {
        assert_eq!(verdict, guard.evaluate(&request, &facts, NOW));
        match verdict {
            Verdict::Need(need) => {
                assert!(
                    need.body_limit.is_some() || !need.keys.is_empty(),
                    "a need for nothing"
                );
                if need.body_limit.is_some() {
                    Arc::make_mut(&mut request).body = body.clone();
                }
                let new: Vec<Fact> = answered(&table, need.keys).collect();
                facts.extend_from_slice(&new);
                verdict = pass.resume_evaluate(more(&request, new));
            }
            verdict => {
                let effort = pass.effort();
                // A fact may make another one necessary; then only the act is judged again.
                let mut once = effort.stages.clone();
                once.dedup_by(|later, stage| later == stage && *stage == Stage::Permit);
                assert!(once.is_sorted_by(|stage, later| stage < later), "{once:?}");
                return (verdict, effort.steps);
            }
        }
    }
    panic!("more rounds than the settings allow");
}

fn more(request: &Arc<Request>, facts: Vec<Fact>) -> More {
    More {
        request: Arc::clone(request),
        facts: Arc::new(facts),
        from: 0,
        now: NOW,
    }
}

pub(crate) fn answered(table: &Table, keys: Vec<Key>) -> impl Iterator<Item = Fact> {
    let answers = table.answer_all(&keys);
    keys.into_iter()
        .zip(answers)
        .map(|(key, answer)| Fact { key, answer })
}

/// Decides a request and checks the result.
pub(crate) fn check(guard: &Guard, request: &Request) {
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
            any_answer(guard, &forward);
        }
        Verdict::Proceed(proceed) => parts(guard, &proceed.continuation),
    }
}

/// A forwarded SCIM message, sent in again, is forwarded byte for byte the same.
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
            // The current members determine what a difference means.
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

/// Runs part after part and answers each forwarded one as if it had succeeded.
fn parts(guard: &Guard, continuation: &[u8]) {
    let table = table();
    let mut continuation = continuation.to_vec();
    let mut answer = BackendOutcome::NotAsked;
    let mut facts = Vec::new();
    for _ in 0..guard.settings().passes * (guard.settings().rounds + 1) {
        match guard.observe(&continuation, &answer, &facts, NOW) {
            Outcome::Need(need) => facts.extend(answered(&table, need.keys)),
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

/// The client gets an answer whatever the backend sends.
fn any_answer(guard: &Guard, forward: &Forward) {
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
                        facts.extend(answered(&table, need.keys));
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

/// A request from the identity provider.
pub(crate) fn request(method: &str, path: String, body: Vec<u8>) -> Request {
    fixtures::request(method, &path, TOKEN, Body::Bytes(body))
}

/// The same request as sent by the application's own programs.
#[allow(dead_code, reason = "not every test sends one")]
pub(crate) fn as_json(mut request: Request) -> Request {
    request.headers.retain(|(name, _)| name != "content-type");
    let json = b"application/json".to_vec();
    request.headers.push(("content-type".to_owned(), json));
    request
}
