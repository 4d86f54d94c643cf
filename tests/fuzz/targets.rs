//! Fuzzing targets. Each is also a test that tries a short run of random input; `cargo xtask fuzz`
//! searches for new code paths for the given time.

#[path = "../../plugin/core/tests/face/mod.rs"]
mod face;

use face::{BASE, GENERIC, HARNESS, OF_A_BYTE, OF_A_REQUEST, OF_PAIRS};
use face::{check, decide_counted, request};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use scimguard_core::Request;
use serde_json::json;

const GENERIC_BASE: &str = "/scim/v2/ACC1";

/// Any bytes as the body of a create.
#[test]
fn body() {
    bolero::check!().for_each(|bytes: &[u8]| {
        let path = format!("{GENERIC_BASE}/Users");
        check(&GENERIC, &request("POST", path, bytes.to_vec()));
    });
}

/// Any bytes as the body of a PATCH, in the dialect of the preset `harness`.
#[test]
fn patch() {
    bolero::check!().for_each(|bytes: &[u8]| {
        let path = format!("{BASE}/Groups/web_team");
        check(&HARNESS, &request("PATCH", path, bytes.to_vec()));
    });
}

/// Any text as the path of an operation.
#[test]
fn path() {
    bolero::check!().for_each(|bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        let operations: Vec<_> = [json!("x"), json!(true), json!([{"value": "x"}])]
            .into_iter()
            .map(|value| json!({"op": "add", "path": text, "value": value}))
            .chain([json!({"op": "remove", "path": text})])
            .collect();
        for operation in operations {
            let message = json!({
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                "Operations": [operation],
            });
            let path = format!("{GENERIC_BASE}/Users/u1");
            check(
                &GENERIC,
                &request("PATCH", path, message.to_string().into_bytes()),
            );
        }
    });
}

/// Any text as a filter.
#[test]
fn filter() {
    bolero::check!().for_each(|bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        let filter = utf8_percent_encode(&text, NON_ALPHANUMERIC);
        let path = format!("{GENERIC_BASE}/Users?filter={filter}");
        check(&GENERIC, &request("GET", path, Vec::new()));
    });
}

/// A whole request: method and path in the first line, then the body.
#[test]
fn whole_request() {
    bolero::check!().for_each(|bytes: &[u8]| {
        let request = whole(bytes);
        for guard in [&*HARNESS, &*GENERIC] {
            check(guard, &request);
        }
    });
}

/// The counted work of a whole request is linear in its size. The engine counts loop iterations in
/// growing steps: it keeps and mutates every input that takes more work per byte than any before.
#[test]
fn work() {
    bolero::check!().for_each(|bytes: &[u8]| {
        let request = whole(bytes);
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX).max(1);
        for guard in [&*HARNESS, &*GENERIC] {
            let (_, steps) = decide_counted(guard, &request);
            for _ in 0..(8 * steps / size).min(1_000) {
                std::hint::black_box(());
            }
            let allowed = OF_PAIRS * OF_A_BYTE * size + OF_A_REQUEST;
            assert!(steps <= allowed, "{steps} steps, {allowed} are allowed");
        }
    });
}

fn whole(bytes: &[u8]) -> Request {
    let mut parts = bytes.splitn(2, |byte| *byte == b'\n');
    let line = String::from_utf8_lossy(parts.next().unwrap_or_default()).into_owned();
    let (method, path) = line.split_once(' ').unwrap_or(("GET", &line));
    let body = parts.next().unwrap_or_default().to_vec();
    request(method, path.to_owned(), body)
}
