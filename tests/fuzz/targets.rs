//! Fuzzing targets. Each is also a test that tries a short run of random input; `cargo xtask fuzz`
//! searches for new code paths for the given time.

mod answers;
mod choices;
mod counted;
#[path = "../../plugin/exchange/tests/reference/drive.rs"]
mod drive;
#[path = "../../plugin/core/tests/face/mod.rs"]
mod face;
mod histories;
mod policies;
mod routes;
mod scim;

use std::time::Duration;

use choices::Choices;
use face::{BASE, GENERIC, HARNESS, OF_A_BYTE, OF_A_REQUEST, OF_PAIRS};
use face::{check, decide_counted, request};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use scimguard_core::{Guard, Request};
use serde_json::json;

const GENERIC_BASE: &str = "/scim/v2/ACC1";

/// How long a target that builds its input tries as a test.
const SHORT: Duration = Duration::from_secs(3);

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
            kept(steps / size);
            let allowed = OF_PAIRS * OF_A_BYTE * size + OF_A_REQUEST;
            assert!(steps <= allowed, "{steps} steps, {allowed} are allowed");
        }
    });
}

/// Requests of every kind in a row, through the whole exchange.
#[test]
fn exchange() {
    bolero::check!()
        .with_test_time(SHORT)
        .for_each(|bytes: &[u8]| {
            histories::play(&mut Choices::new(bytes));
        });
}

/// A request of any kind, whose canonical form is final.
#[test]
fn canonical() {
    bolero::check!()
        .with_test_time(SHORT)
        .for_each(|bytes: &[u8]| {
            for guard in [&*HARNESS, &*GENERIC] {
                let request = histories::request(guard, &mut Choices::new(bytes), 1);
                check(guard, &request);
            }
        });
}

/// A policy document configures or tells its faults where they are; with what configures, requests
/// are decided.
#[test]
fn policy() {
    bolero::check!()
        .with_test_time(SHORT)
        .for_each(|bytes: &[u8]| {
            let mut choices = Choices::new(bytes);
            let document = policies::document(&mut choices);
            match Guard::configure(&document.to_string()) {
                Ok(guard) => histories::send_several(&guard, &mut choices),
                Err(faults) => {
                    assert!(!faults.is_empty(), "refused without a fault");
                    for fault in faults {
                        assert!(!fault.message.is_empty(), "{fault:?}");
                        // What is missing is told where it would stand.
                        let place = match fault.message.contains("is missing") {
                            true => fault
                                .pointer
                                .rsplit_once('/')
                                .map_or("", |(around, _)| around),
                            false => &fault.pointer,
                        };
                        assert!(document.pointer(place).is_some(), "{fault:?} of {document}");
                    }
                }
            }
        });
}

/// The counted work does not grow faster than the lists of a request of any kind. The engine keeps
/// what takes more work per byte, as in [`work`].
#[test]
fn growth() {
    bolero::check!()
        .with_test_time(SHORT)
        .for_each(|bytes: &[u8]| {
            for guard in [&*HARNESS, &*GENERIC] {
                let grown = [1, 16, 64].map(|scale| {
                    let request = histories::request(guard, &mut Choices::new(bytes), scale);
                    let (_, steps) = decide_counted(guard, &request);
                    (histories::size(&request), steps)
                });
                for (size, steps) in grown {
                    kept(steps / size.max(1));
                    let allowed = OF_PAIRS * OF_A_BYTE * size + OF_A_REQUEST;
                    assert!(steps <= allowed, "{steps} steps, {allowed} are allowed");
                }
                let [_, (few, before), (many, after)] = grown;
                let allowed = 2 * before * many.div_ceil(few.max(1)) + OF_A_REQUEST;
                assert!(
                    after <= allowed,
                    "{after} steps for {many} bytes, {before} for {few}"
                );
            }
        });
}

/// Shows the engine work as loop iterations.
fn kept(work: u64) {
    for _ in 0..(8 * work).min(1_000) {
        std::hint::black_box(());
    }
}

fn whole(bytes: &[u8]) -> Request {
    let mut parts = bytes.splitn(2, |byte| *byte == b'\n');
    let line = String::from_utf8_lossy(parts.next().unwrap_or_default()).into_owned();
    let (method, path) = line.split_once(' ').unwrap_or(("GET", &line));
    let body = parts.next().unwrap_or_default().to_vec();
    request(method, path.to_owned(), body)
}
