//! Exchanges that violate a point hit it, and those that comply do not. The exchanges are case
//! suites in `tests/lint/points`; a case is named `departs POINT…: why` or `keeps POINT…: why`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::exchange::Entry;
use super::judge::Judge;
use super::points::{self, Profile};
use super::read::{Recording, read};
use super::report::Report;
use super::{At, Bases, Found, file};

const PROFILES: &[Profile] = &[Profile::Rfc, Profile::Interop, Profile::Ipsie];

/// Points of logs, which no exchange shows.
const OF_LOGS: &[&str] = &["log.rewritten", "log.invalid-answer"];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/lint")
}

fn found(name: &str) -> Found {
    file(&folder().join(name), None).unwrap()
}

fn suites() -> Vec<PathBuf> {
    let mut files: Vec<_> = std::fs::read_dir(folder().join("points"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
}

/// The points that were found in a case.
fn hits<'f>(found: &'f Found, case: &str) -> BTreeSet<&'f str> {
    let of_case = |at: &&At| at.name.as_deref() == Some(case);
    found
        .at
        .iter()
        .filter(of_case)
        .flat_map(|at| at.findings.iter().map(|finding| finding.point.id))
        .collect()
}

#[test]
fn every_point_is_hit_by_what_departs_and_not_by_what_keeps_to_it() {
    let (mut hit, mut kept) = (BTreeSet::new(), BTreeSet::new());
    for path in suites() {
        let found = file(&path, None).unwrap();
        let suite: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        for case in suite["cases"].as_array().unwrap() {
            let name = case["name"].as_str().unwrap();
            let (verb, ids) = name.split_once(": ").unwrap().0.split_once(' ').unwrap();
            let hits = hits(&found, name);
            for id in ids.split(' ') {
                assert!(points::by_id(id).is_some(), "{name}: {id} is no point");
                let (is_hit, set) = match verb {
                    "departs" => (true, &mut hit),
                    "keeps" => (false, &mut kept),
                    _ => panic!("{name}: neither departs nor keeps"),
                };
                assert_eq!(
                    hits.contains(id),
                    is_hit,
                    "{}: {name}: {id}: {hits:?}",
                    path.display()
                );
                set.insert(id.to_owned());
            }
        }
    }
    for point in points::all() {
        if !OF_LOGS.contains(&point.id) {
            assert!(hit.contains(point.id), "{} is never hit", point.id);
            assert!(kept.contains(point.id), "{} is never kept", point.id);
        }
    }
}

#[test]
fn a_conformant_exchange_has_nothing() {
    let found = found("conformant.json");
    assert_eq!((found.entries, found.passed_over), (9, 0));
    let hits: Vec<_> = found.at.iter().flat_map(|at| &at.findings).collect();
    assert!(hits.is_empty(), "{hits:#?}");
}

#[test]
fn a_log_tells_what_was_refused_and_rewritten() {
    let found = found("decisions.log");
    let hits: Vec<_> = found
        .at
        .iter()
        .flat_map(|at| at.findings.iter().map(|one| (at.entry, one.point.id)))
        .collect();
    assert_eq!(
        hits,
        [
            (2, "log.rewritten"),
            (4, "patch.invalid-path"),
            (6, "log.invalid-answer"),
        ]
    );
    assert_eq!(found.entries, 5);
}

#[test]
fn no_report_shows_a_value() {
    let found = found("exchange.har");
    assert_eq!((found.entries, found.passed_over), (4, 1));
    let files = [found];
    let report = Report::new(&files, PROFILES);
    let (text, json) = (report.text(), report.json().unwrap());
    for shown in [&text, &json] {
        assert!(!shown.contains("hunter2"), "{shown}");
        for id in ["request.password", "normalise.op", "answer.boolean"] {
            assert!(shown.contains(id), "{id}: {shown}");
        }
    }
    assert!(
        text.contains("exchange.har:3 GET /tenants/t1/scim/v2/Users?filter\n"),
        "{text}"
    );
}

#[test]
fn a_profile_chooses_what_counts() {
    let files = [found("exchange.har")];
    let ipsie = Report::new(&files, &[Profile::Ipsie]).text();
    assert!(ipsie.contains("request.password"), "{ipsie}");
    assert!(!ipsie.contains("patch.without-path"), "{ipsie}");
    assert!(!ipsie.contains("RFC"), "{ipsie}");
}

#[test]
fn a_file_without_any_scim_is_no_file_without_departures() {
    let error = file(&folder().join("exchange.har"), Some("/elsewhere"))
        .err()
        .map_or_else(String::new, |error| error.to_string());
    assert!(error.contains("(4) has a SCIM endpoint"), "{error}");
}

#[test]
fn ids_are_unique() {
    let ids: BTreeSet<_> = points::all().iter().map(|point| point.id).collect();
    assert_eq!(ids.len(), points::all().len());
}

#[test]
fn nothing_in_a_body_stops_it() {
    let judge = Judge::new().unwrap();
    for path in suites() {
        let Recording::Exchange(_, cases) = read(&path).unwrap() else {
            panic!("{}: no exchange", path.display());
        };
        for entry in cases.into_iter().flatten() {
            for other in [
                json!(null),
                json!([[]]),
                json!({"": {"value": -1}}),
                json!("[\""),
            ] {
                let mut entry = entry.clone();
                let sent = variants(entry.body.as_deref(), &other);
                let answered = entry
                    .answer
                    .as_ref()
                    .and_then(|answer| answer.body.as_deref());
                for body in variants(answered, &other) {
                    let mut entry = entry.clone();
                    entry.answer.as_mut().unwrap().body = Some(body);
                    look(&entry, &judge);
                }
                for body in sent {
                    entry.body = Some(body);
                    look(&entry, &judge);
                }
            }
        }
    }
}

fn look(entry: &Entry, judge: &Judge) {
    let mut found = Found {
        file: String::new(),
        kind: "",
        entries: 0,
        passed_over: 0,
        at: Vec::new(),
    };
    let bases = Bases::new(Some("/scim/v2"), std::iter::empty());
    found
        .sequence(std::slice::from_ref(entry), &bases, judge)
        .unwrap();
    assert_eq!(found.entries, 1);
}

/// A body with each of its values in turn replaced by another.
fn variants(body: Option<&[u8]>, other: &Value) -> Vec<Vec<u8>> {
    let Some(body) = body.and_then(|body| serde_json::from_slice::<Value>(body).ok()) else {
        return Vec::new();
    };
    let mut pointers = Vec::new();
    collect(&body, String::new(), &mut pointers);
    pointers
        .iter()
        .map(|pointer| {
            let mut variant = body.clone();
            *variant.pointer_mut(pointer).unwrap() = other.clone();
            variant.to_string().into_bytes()
        })
        .collect()
}

fn collect(value: &Value, pointer: String, all: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, inner) in members {
                let name = name.replace('~', "~0").replace('/', "~1");
                collect(inner, format!("{pointer}/{name}"), all);
            }
        }
        Value::Array(elements) => {
            for (index, inner) in elements.iter().enumerate() {
                collect(inner, format!("{pointer}/{index}"), all);
            }
        }
        _ => {}
    }
    all.push(pointer);
}
