//! By effect: applied by an implementation of another project, what a client sent and what the guard
//! makes of it leave the same resource.

mod body;
mod filter;
mod form;
mod group_operation;
mod meaning;
mod patch;
mod resource;
mod trial;
mod user_operation;

use std::cell::RefCell;
use std::collections::BTreeSet;

use proptest::test_runner::{Config, RngSeed, TestCaseError, TestCaseResult, TestRunner};
use scimguard_core::message::ForwardBody;
use scimguard_core::{Forward, Verdict};
use serde::Deserialize;

use crate::judge::{self, BASE, GROUP, Judge, USER};
use crate::peer::Peer;
use body::Written;
use form::Form;
use patch::Case;
use trial::{Finding, Trial};

/// So many of each kind, in seconds. More by the environment variable `PROPTEST_CASES`.
const CASES: u32 = 600;

/// `tests/peers/exceptions.json`: where an implementation does otherwise than the RFCs say. A PATCH
/// that shows all of the forms is not given to it.
#[derive(Deserialize)]
struct Exception {
    peer: String,
    forms: Vec<Form>,
}

#[test]
fn a_patch_has_the_effect_of_what_was_sent() {
    let exceptions: Vec<Exception> =
        serde_json::from_str(include_str!("../../peers/exceptions.json"))
            .expect("the exceptions are well formed");
    let judge = Judge::new();
    let peers = RefCell::new(Peer::all());
    let shown: RefCell<BTreeSet<Form>> = RefCell::default();
    let result = TestRunner::new(config()).run(&patch::any_case(), |case| {
        let path = path(&case);
        let forward = forwarded(&judge, "PATCH", &path, &case.patch.to_string())?;
        is_canonical(&judge, &path, &forward)?;
        let trials: Vec<_> = peers
            .borrow_mut()
            .iter_mut()
            .filter(|peer| !exceptions.iter().any(|e| e.is_of(peer, &case)))
            .map(|peer| Trial::of(&judge, peer, &case, &forward))
            .collect();
        agree(&case, &forward, &trials)?;
        shown.borrow_mut().extend(forms(&case, &trials));
        Ok(())
    });
    if let Err(failure) = result {
        panic!("{failure}");
    }
    let shown = shown.into_inner();
    let missing: Vec<_> = Form::ALL
        .iter()
        .filter(|form| !shown.contains(form))
        .collect();
    assert!(
        missing.is_empty(),
        "never shown to have its effect: {missing:?}"
    );
}

#[test]
fn a_body_means_what_was_sent() {
    let judge = Judge::new();
    let result = TestRunner::new(config()).run(&body::any_body(), |written| {
        for (method, path) in [
            ("POST", format!("{BASE}/{}", written.collection)),
            (
                "PUT",
                format!("{BASE}/{}/{}", written.collection, written.id),
            ),
        ] {
            let forward = forwarded(&judge, method, &path, &written.body.to_string())?;
            is_canonical(&judge, &path, &forward)?;
            means(&written, &forward)?;
        }
        Ok(())
    });
    if let Err(failure) = result {
        panic!("{failure}");
    }
}

/// The same cases each time, unless more are asked for.
fn config() -> Config {
    let config = Config {
        failure_persistence: None,
        ..Config::default()
    };
    if std::env::var_os("PROPTEST_CASES").is_some() {
        return config;
    }
    Config {
        cases: CASES,
        rng_seed: RngSeed::Fixed(0),
        ..config
    }
}

fn path(case: &Case) -> String {
    if case.resource["schemas"][0] == resource::CORE_GROUP {
        format!("{BASE}/Groups/{GROUP}")
    } else {
        format!("{BASE}/Users/{USER}")
    }
}

fn forwarded(
    judge: &Judge,
    method: &str,
    path: &str,
    body: &str,
) -> Result<Forward, TestCaseError> {
    match judge.decide(method, path, body.as_bytes()) {
        Verdict::Forward(forward) => Ok(forward),
        other => Err(TestCaseError::fail(format!("not forwarded: {other:?}"))),
    }
}

/// What comes in again goes out the same, byte for byte.
fn is_canonical(judge: &Judge, path: &str, forward: &Forward) -> TestCaseResult {
    let ForwardBody::Bytes(bytes) = &forward.body else {
        return Ok(());
    };
    match judge.decide(&forward.method, path, bytes) {
        Verdict::Forward(again) if again.body == forward.body && again.changes.is_empty() => Ok(()),
        other => Err(TestCaseError::fail(format!(
            "canonical, and changed again: {} became {other:?}",
            String::from_utf8_lossy(bytes)
        ))),
    }
}

/// No implementation is left with another resource or refuses what it took before, and one at least
/// takes what is forwarded.
fn agree(case: &Case, forward: &Forward, trials: &[Trial]) -> TestCaseResult {
    let is_wrong = |trial: &&Trial| matches!(trial.finding(), Finding::Another | Finding::Lost);
    let mut wrong: Vec<_> = trials.iter().filter(is_wrong).collect();
    let is_taken = |trial: &Trial| match trial.finding() {
        Finding::Same | Finding::Mended => true,
        // RFC 7644 §3.5.2.3: what a filter does not find is not replaced.
        Finding::NoTarget => case
            .forms
            .iter()
            .any(|form| form.sets_what_a_filter_finds()),
        Finding::Another | Finding::Lost | Finding::Refused => false,
    };
    if !trials.iter().any(is_taken) {
        wrong.extend(trials);
    }
    if wrong.is_empty() {
        return Ok(());
    }
    Err(TestCaseError::fail(format!(
        "{wrong:#?}\nforms {:?}\nresource {}\noriginal {}\ncanonical {}",
        case.forms,
        case.resource,
        case.patch,
        judge::body(forward).unwrap_or_default(),
    )))
}

/// The forms that a case has shown to have their effect.
fn forms(case: &Case, trials: &[Trial]) -> BTreeSet<Form> {
    let has_effect = |trial: &Trial| matches!(trial.finding(), Finding::Same | Finding::Mended);
    if !trials.iter().any(has_effect) {
        return BTreeSet::new();
    }
    let mut forms = case.forms.clone();
    if trials.iter().any(|trial| trial.creates) {
        forms.insert(Form::Created);
    }
    forms
}

fn means(written: &Written, forward: &Forward) -> TestCaseResult {
    let body = judge::body(forward).unwrap_or_default();
    let (wanted, got) = (meaning::of(&written.meant), meaning::of(&body));
    if wanted == got {
        return Ok(());
    }
    Err(TestCaseError::fail(format!(
        "another meaning:\nwritten {}\nmeant {wanted}\ncanonical {got}",
        written.body
    )))
}

// === impl Exception ===

impl Exception {
    fn is_of(&self, peer: &Peer, case: &Case) -> bool {
        self.peer == peer.name && self.forms.iter().all(|form| case.forms.contains(form))
    }
}
