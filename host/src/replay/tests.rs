//! Decisions of the case suites, recorded as a guard records them, and repeated.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use scimguard_core::facts::Table;
use scimguard_core::history::RequestDocument;
use scimguard_core::{Guard, Request, Verdict};
use serde_json::{Value, json};

use super::compare::{Compared, Difference, Kind, compare, decide};
use super::{Report, replay};
use crate::audit::{self, Decision, Log, Recorded, Recording, Seen, Selection};

const POLICY: &str = r#"{"version": 1, "preset": "harness"}"#;
const MONITOR: &str = r#"{"version": 1, "preset": "harness", "mode": "monitor"}"#;

/// A request with all facts.
struct Sample {
    request: Request,
    table: Table,
    now: u64,
}

/// The cases of one request in suites with this policy.
fn samples() -> Vec<Sample> {
    let policy: Value = serde_json::from_str(POLICY).unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/cases");
    let mut samples = Vec::new();
    for file in scimguard_cases::find(&[folder]).unwrap() {
        let suite: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
        let facts = Table::from_json(&suite["facts"]);
        let (true, Ok(table)) = (suite["policy"] == policy, facts) else {
            continue;
        };
        for case in suite["cases"].as_array().unwrap() {
            let document: Result<RequestDocument, _> =
                serde_json::from_value(case["request"].clone());
            let (Ok(document), true, true) =
                (document, case["facts"].is_null(), case["now"].is_null())
            else {
                continue;
            };
            let now: jiff::Timestamp = suite["now"].as_str().unwrap().parse().unwrap();
            samples.push(Sample {
                request: document.into_request().unwrap(),
                table: table.clone(),
                now: scimguard_cases::milliseconds(now).unwrap(),
            });
        }
    }
    samples
}

/// Records the decisions of a guard.
async fn recorded(guard: &Guard, file: &Path) {
    let log = Log::open(file, POLICY, 1_000_000).await.unwrap();
    for sample in samples() {
        let Sample {
            request,
            table,
            now,
        } = sample;
        let decided = decide(guard, &request, &table, now).unwrap();
        let (verdict, rule, account) = match decided.verdict {
            Verdict::Forward(it) => match it.rule {
                None => (audit::Verdict::Forward, None, it.account),
                rule => (audit::Verdict::Ruled, rule, it.account),
            },
            Verdict::Reject(it) => (audit::Verdict::Reject, Some(it.rule), it.account),
            Verdict::Proceed(_) | Verdict::Need(_) => continue,
        };
        log.record(Decision {
            at: now,
            method: request.method.clone(),
            path: crate::text::without_values(&request.path),
            account,
            token: None,
            verdict,
            rule,
            status: None,
            changes: Vec::new(),
            micros: 0,
            backend_micros: 0,
            seen: Some(Seen {
                scim: request.path.contains("/scim/"),
                request: Arc::new(request),
                facts: vec![Arc::new(decided.facts)],
                now,
                refusal: None,
            }),
        });
        log.flush().await;
    }
    log.close().await;
}

fn all(recording: &Recording) -> Vec<Recorded> {
    let selection = Selection::default();
    recording.after(0, &selection, u32::MAX).unwrap()
}

fn replayed(recording: &Recording, policy: &str) -> Report {
    let new = Guard::configure(policy).unwrap();
    replay(recording, &Selection::default(), &new, |_| {}).unwrap()
}

#[tokio::test]
async fn the_same_policy_differs_nowhere_and_a_changed_one_only_in_its_rules() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("decisions.db");
    let old = Guard::configure(POLICY).unwrap();
    recorded(&old, &file).await;
    let recording = Recording::open(&file).unwrap();

    let same = replayed(&recording, POLICY);
    assert_eq!(same.differences(), 0, "{}", same.text());
    assert!(same.replayed() > 500, "{}", same.text());
    assert_eq!(
        recording.count(&Selection::default()).unwrap(),
        same.decisions()
    );

    // Exactly what ownership denied is allowed.
    let new = Guard::configure(MONITOR).unwrap();
    let mut differ = 0;
    for decision in all(&recording) {
        let is_watched = ["okta-only.", "ownership.native-"]
            .iter()
            .any(|prefix| decision.rule.starts_with(prefix));
        let expected = match is_watched {
            false => Compared::Same,
            true => Compared::Different(Difference {
                kind: Kind::Allowed,
                rule: decision.rule.clone(),
            }),
        };
        let compared = compare(&decision, Some(&old), &new);
        if let Compared::NotReplayed(_) = compared {
            continue;
        }
        differ += usize::from(is_watched);
        assert_eq!(compared, expected, "{decision:?}");
    }
    assert!(differ > 50, "{differ}");
    let report = replayed(&recording, MONITOR);
    assert_eq!(report.differences(), differ as u64);
    let json: Value = serde_json::from_str(&report.json().unwrap()).unwrap();
    assert_eq!(json["decisions"], json!(same.decisions()));
    assert!(
        report.text().contains("Newly allowed:"),
        "{}",
        report.text()
    );

    // The other way round it is denied.
    let decision = all(&recording)
        .into_iter()
        .find(|it| matches!(compare(it, Some(&old), &new), Compared::Different(_)));
    let decision = Recorded {
        verdict: audit::Verdict::Ruled,
        ..decision.unwrap()
    };
    let Compared::Different(difference) = compare(&decision, Some(&new), &old) else {
        panic!("the same");
    };
    assert_eq!(difference.kind, Kind::Denied);
}

#[tokio::test]
async fn what_is_not_recorded_is_not_repeated() {
    let guard = Guard::configure(POLICY).unwrap();
    let decision = |detail: Value| Recorded {
        id: 1,
        at: 0,
        method: "GET".to_owned(),
        path: "/".to_owned(),
        account: String::new(),
        verdict: audit::Verdict::Reject,
        rule: "route.unknown".to_owned(),
        policy: 1,
        detail: detail.to_string(),
    };
    let request = json!({"method": "GET", "path": "/", "headers": {}});
    let whole = |changed: Value| {
        let mut detail = json!({"now": 1, "facts": {}, "facts_complete": true, "request": request});
        for (name, value) in changed.as_object().unwrap() {
            detail[name] = value.clone();
        }
        decision(detail)
    };
    let told = |recorded: &Recorded, old: Option<&Guard>| match compare(recorded, old, &guard) {
        Compared::Same => "same".to_owned(),
        Compared::NotReplayed(why) => format!("{why:?}"),
        Compared::Different(difference) => format!("{difference:?}"),
    };
    let other_rule = Recorded {
        rule: "rate.limited".to_owned(),
        ..whole(json!({}))
    };
    for (recorded, expected) in [
        (whole(json!({})), "same"),
        (whole(json!({"omitted": "management"})), "Management"),
        (whole(json!({"facts_complete": false})), "Facts"),
        (whole(json!({"request": null})), "NotRecorded"),
        (decision(json!({"changes": []})), "NotRecorded"),
        (other_rule, "NotRepeated"),
    ] {
        assert_eq!(told(&recorded, Some(&guard)), expected, "{recorded:?}");
    }
    assert_eq!(told(&whole(json!({})), None), "Policy");
    let cut_off = Recorded {
        detail: r#"{"now": 1, "fac"#.to_owned(),
        ..whole(json!({}))
    };
    assert_eq!(told(&cut_off, Some(&guard)), "NotRecorded");
}

#[test]
fn another_file_is_no_log() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| -> PathBuf { folder.path().join(name) };
    let fault = |name: &str| {
        let error = Recording::open(&file(name)).err().unwrap();
        format!("{error:#}")
    };
    assert!(fault("none.db").contains("is not there"));
    std::fs::write(file("text.db"), "no database".repeat(1000)).unwrap();
    assert!(fault("text.db").contains("file is not a database"));
    let other = rusqlite::Connection::open(file("other.db")).unwrap();
    other.execute_batch("CREATE TABLE decisions (id)").unwrap();
    assert!(fault("other.db").contains("is no decision log"));
}
