//! Several requests in a row through the whole exchange, over a record in memory, in front of an
//! application that answers anything.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

use scimguard_core::facts::Table;
use scimguard_core::message::{AnswerBody, ResponseBody};
use scimguard_core::{BackendOutcome, Body, Guard, Request, Settings};
use scimguard_exchange::Setup;
use serde_json::{Value, json};

use crate::choices::Choices;
use crate::counted::Counted;
use crate::drive::{Driven, drive};
use crate::face::fixtures::{self, TOKEN, guard};
use crate::face::{OF_A_BYTE, OF_A_REQUEST, OF_PAIRS};
use crate::{answers, routes, scim};

const OPERATOR: &str = "pat.ACC1.adm1.s3cret";

static GUARDS: LazyLock<[Guard; 5]> = LazyLock::new(|| {
    [
        guard(""),
        guard(r#"{"version": 1, "preset": "generic"}"#),
        guard(r#"{"version": 1, "preset": "ipsie"}"#),
        guard(
            r#"{"version": 1, "preset": "generic", "deactivated": "locked", "direct_users": "locked",
                "adopt": {"users": "deny", "groups": "allow"}, "reprovision": "deny",
                "scim": {"upstream_base": "/", "account": "ACC1", "dialect": {"Group.members": "value-list"}}}"#,
        ),
        guard(
            r#"{"version": 1, "preset": "harness", "mode": "monitor", "local_users": "deny",
                "management": {"authenticate": true}, "scim": {"dialect": {"Group.members": "path"}}}"#,
        ),
    ]
});

fn table() -> Table {
    fixtures::table(json!({
        "tokens": [{"token": OPERATOR, "account": "ACC1", "principal": "svc"}],
        "users": [
            {"account": "ACC1", "id": "u1", "userName": "ann@example.com", "displayName": "Ann Lee", "externalId": "x1", "managed_by": "okta"},
            {"account": "ACC1", "id": "u2", "userName": "bob@example.com", "displayName": "Bob", "active": false, "externalId": "x2", "managed_by": "okta"},
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

/// Sends some requests in a row under one of the policies.
pub(crate) fn play(choices: &mut Choices<'_>) {
    let guard = choices.pick(&*GUARDS).clone();
    send_several(&guard, choices);
}

/// Sends some requests in a row.
pub(crate) fn send_several(guard: &Guard, choices: &mut Choices<'_>) {
    let mut table = table();
    for _ in 0..=choices.below(6) {
        let request = request(guard, choices, 1);
        send(guard, &request, &mut table, choices);
        if choices.is_over() {
            return;
        }
    }
}

/// A request on the SCIM base of a policy, or on a route.
pub(crate) fn request(guard: &Guard, choices: &mut Choices<'_>, scale: usize) -> Request {
    let tokens = [
        TOKEN,
        OPERATOR,
        TOKEN,
        OPERATOR,
        TOKEN,
        OPERATOR,
        TOKEN,
        OPERATOR,
        "",
        "pat.ACC1.x.y",
    ];
    let token = *choices.pick(&tokens);
    let has_routes = guard.settings().scim_base.starts_with("/gateway");
    let is_route = choices.once_in(if has_routes { 3 } else { 24 });
    let (base, (method, path, body)) = match is_route {
        true => (String::new(), routes::call(choices, scale)),
        false => {
            let base = guard.settings().scim_base.replace("{account}", "ACC1");
            (base, scim::call(choices, scale))
        }
    };
    let body = match (body, choices.once_in(32)) {
        (Value::Null, false) => Body::None,
        (Value::Null, true) => Body::Bytes(b"{\"a\": 1, \"A\": 2".to_vec()),
        (body, _) => Body::Bytes(body.to_string().into_bytes()),
    };
    let mut request = fixtures::request(&method, &format!("{base}{path}"), token, body);
    if is_route || choices.once_in(8) {
        request.headers.retain(|(name, _)| name != "content-type");
        let kind = choices.pick(&[
            "application/json",
            "application/json; charset=utf-8",
            "text/plain",
        ]);
        let kind = if is_route && !choices.once_in(8) {
            "application/json"
        } else {
            kind
        };
        request
            .headers
            .push(("content-type".to_owned(), kind.as_bytes().to_vec()));
    }
    if token.is_empty() {
        request.headers.retain(|(name, _)| name != "authorization");
    }
    request
}

/// Sends one request and checks how it ends.
fn send(guard: &Guard, request: &Request, table: &mut Table, choices: &mut Choices<'_>) {
    let policy = Counted::new(guard);
    let setup = Arc::new(Setup::new(policy.clone(), choices.once_in(4)));
    let mut bytes = size(request);
    let driven = drive(&setup, request, table, |sent| {
        let outcome = answers::answer(choices, sent);
        if let BackendOutcome::Answered(answer) = &outcome
            && let AnswerBody::Bytes(body) = &answer.body
        {
            bytes += body.len() as u64;
        }
        outcome
    });
    let bound = most_steps(guard.settings());
    assert!(
        driven.steps <= bound,
        "{} steps, {bound} are possible",
        driven.steps
    );
    let count = |counted: &AtomicU64| counted.load(Ordering::Relaxed);
    let (steps, passes) = (count(&policy.steps), count(&policy.passes));
    let allowed = OF_PAIRS * OF_A_BYTE * bytes + OF_A_REQUEST * passes;
    assert!(
        steps <= allowed,
        "{steps} steps of work, {allowed} are allowed"
    );
    ends_well(guard, request, &driven);
}

/// A round asks for facts, a pass stores and sends; the body is read once.
fn most_steps(settings: &Settings) -> u32 {
    (settings.passes + 1) * (settings.rounds + 4) + 2
}

/// A refusal says why, in the form of its protocol, and no answer shows a secret.
fn ends_well(guard: &Guard, request: &Request, driven: &Driven) {
    let response = &driven.response;
    assert!((100..600).contains(&response.status), "{}", response.status);
    let is_scim = guard.is_scim(request);
    let ResponseBody::Bytes(body) = &response.body else {
        return;
    };
    let text = String::from_utf8_lossy(body);
    assert!(!is_scim || !text.contains("\"password\""), "{text}");
    let Some(rule) = driven.rule.as_ref().filter(|_| response.status >= 400) else {
        return;
    };
    let body: Value = serde_json::from_slice(body).expect("a refusal is JSON");
    let detail = body["detail"].as_str().unwrap_or_default();
    assert!(!detail.is_empty(), "{rule} without a reason");
    let has = |name: &str, value: &str| {
        let mut headers = response.headers.iter();
        headers.any(|(known, given)| known == name && given == value.as_bytes())
    };
    assert!(
        has("scimguard-rule", rule),
        "{rule}: {:?}",
        response.headers
    );
    match is_scim {
        true => {
            assert!(
                has("content-type", "application/scim+json"),
                "{:?}",
                response.headers
            );
            assert_eq!(
                body["schemas"][0],
                "urn:ietf:params:scim:api:messages:2.0:Error"
            );
            assert_eq!(body["status"], response.status.to_string());
        }
        false => {
            assert!(
                has("content-type", "application/problem+json"),
                "{:?}",
                response.headers
            );
            assert_eq!(body["status"], response.status);
        }
    }
}

/// The bytes of a request that the client chooses.
pub(crate) fn size(request: &Request) -> u64 {
    (request.path.len() + request.body.size()) as u64
}
