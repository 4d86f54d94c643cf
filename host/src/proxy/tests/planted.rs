//! Anything that looks like a secret is never output, wherever a request has it: not in the
//! process's log, the decision log, or the client's answer.

use std::io;
use std::sync::MutexGuard;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use tracing_subscriber::EnvFilter;

use super::*;
use crate::engine::Engine;
use crate::log_lines;

const SCIM: &str = "/gateway/ng/api/scim/account/ACC1";
const MANAGED: &str = "/gateway/ng/api";

/// Forms of secrets; `*` stands for the secret itself.
const FORMS: [&str; 9] = [
    "pat.ACC1.tok1.*",
    "sat.ACC1.tok1.*",
    "eyJhbGciOiJSUzI1NiJ9.*.*",
    "SSWS *",
    "Bearer *",
    "bearer *",
    "Basic *",
    "https://ann:*@example.com/x",
    "https://example.com/x?access_token=*",
];

const PLACES: usize = 24;

/// A request with this text at a place.
fn request(place: usize, secret: &str) -> String {
    let encoded = utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string();
    let (mut method, mut path, mut headers) =
        ("POST".to_owned(), format!("{SCIM}/Users"), String::new());
    let mut body = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "ann@example.com",
    });
    let patch = |operation: Value| {
        json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [operation],
        })
    };
    match place {
        0 => method = secret.to_owned(),
        1 => path = format!("{SCIM}/Users/{encoded}"),
        2 => path = format!("{SCIM}/{encoded}"),
        3 => path = format!("/gateway/ng/api/scim/account/{encoded}/Users"),
        4 => path = format!("{SCIM}/Users?{encoded}=1"),
        5 => path = format!("{SCIM}/Users?x={encoded}"),
        6 => (method, path) = ("GET".to_owned(), format!("{SCIM}/Users?filter={encoded}")),
        7 => {
            let filter =
                utf8_percent_encode(&format!("userName eq \"{secret}\" x"), NON_ALPHANUMERIC)
                    .to_string();
            (method, path) = ("GET".to_owned(), format!("{SCIM}/Users?filter={filter}"));
        }
        8 => headers = format!("{secret}: 1\r\n"),
        9 => headers = format!("x-anything: {secret}\r\n"),
        10 => headers = format!("user-agent: {secret}\r\n"),
        11 => headers = format!("authorization: {secret}\r\n"),
        12 => headers = format!("x-api-key: {secret}\r\n"),
        13 => body[secret] = json!(1),
        14 => body["userName"] = json!(secret),
        15 => body["schemas"] = json!([secret]),
        16 => body["emails"] = json!([{"value": secret, "type": {"x": secret}}]),
        17 => {
            (method, path) = ("PATCH".to_owned(), format!("{SCIM}/Users/u1"));
            body = patch(json!({"op": "replace", "path": secret, "value": 1}));
        }
        18 => {
            (method, path) = ("PATCH".to_owned(), format!("{SCIM}/Groups/g"));
            let path = format!("members[value eq \"{secret}\" and");
            body = patch(json!({"op": secret, "path": path, "value": secret}));
        }
        19 => path = format!("{MANAGED}/user-groups?accountIdentifier={encoded}"),
        20 => {
            path = format!("{MANAGED}/user-groups?accountIdentifier=ACC1");
            body = json!({"identifier": secret, "name": secret, "users": [secret], secret: secret});
        }
        21 => path = format!("{MANAGED}/user-groups/{encoded}?accountIdentifier=ACC1"),
        22 => path = format!("/{encoded}/x?{encoded}"),
        _ => {
            path = format!("{SCIM}/Bulk");
            let operation =
                json!({"method": secret, "path": format!("/Users/{secret}"), "bulkId": secret});
            body = json!({
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
                "Operations": [operation],
            });
        }
    }
    if place != 11 && place != 12 {
        headers.push_str("authorization: Bearer sat.ACC1.own.own-secret-of-the-test\r\n");
    }
    let body = match place == 16 {
        // The guard also quotes what it cannot parse.
        true => format!("{body}{secret}"),
        false => body.to_string(),
    };
    format!(
        "{method} {path} HTTP/1.1\r\nhost: g\r\nconnection: close\r\n{headers}\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Captures a test's log.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Kept {
    fn bytes(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap()
    }
}

impl io::Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn holds(bytes: &[u8], secret: &str) -> bool {
    let secret = secret.as_bytes();
    bytes
        .windows(secret.len())
        .any(|window| window.eq_ignore_ascii_case(secret))
}

#[tokio::test]
async fn no_planted_secret_comes_out() {
    let (kept, mut runner) = (Kept::default(), TestRunner::deterministic());
    let writer = kept.clone();
    let lines = log_lines::json(
        move || writer.clone(),
        EnvFilter::new("info,scimguard=trace"),
    );
    // No other test has one, and the logs of others do no harm.
    tracing::subscriber::set_global_default(lines).unwrap();
    let backend = Backend::start(async |_| json(200, "{}")).await;
    let engine = Engine::native("").unwrap();
    let keys = "decisions = \"sqlite:decisions.db\"\n";
    let mut guard = Guard::configured(engine, &backend, keys).await;
    guard
        .add_token(
            "ACC1",
            "own",
            "sat.ACC1.own.own-secret-of-the-test",
            Some("okta"),
        )
        .await;
    let secrets = "[a-zA-Z]{5}[0-9][a-zA-Z0-9]{10,16}";
    let mut planted = Vec::new();
    for round in 0..4 * PLACES {
        let (place, form, secret) = (0..PLACES, 0..FORMS.len(), secrets)
            .new_tree(&mut runner)
            .unwrap()
            .current();
        // Every place and every form at least once.
        let place = if round < PLACES { round } else { place };
        let form = if round < PLACES { round } else { form };
        // Neither a blank nor a colon can be in a method or in a header's name.
        let forms = if matches!(place, 0 | 8) {
            3
        } else {
            FORMS.len()
        };
        let form = FORMS[form % forms];
        let sent = request(place, &form.replace('*', &secret));
        let answer = guard.raw(&sent).await;
        assert!(answer.starts_with("HTTP/1.1 "), "{sent}: {answer}");
        assert!(!holds(answer.as_bytes(), &secret), "{sent}\n{answer}");
        planted.push((secret, sent));
    }
    guard.end();
    guard.ended().await;
    let log = kept.bytes().clone();
    assert!(holds(&log, "\"decided\""), "the log is written");
    let decisions = std::fs::read(guard.folder.path().join("decisions.db")).unwrap();
    assert!(decisions.len() > 50_000, "the decisions are written");
    for (secret, sent) in planted {
        assert!(!holds(&log, &secret), "in the log: {sent}");
        assert!(!holds(&decisions, &secret), "among the decisions: {sent}");
    }
}
