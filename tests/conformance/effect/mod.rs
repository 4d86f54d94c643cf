//! By effect: applied by an implementation of another project, what a client sent and what the guard
//! makes of it leave the same resource.

mod body;
mod filter;
mod foreign;
mod form;
mod group_operation;
mod meaning;
mod patch;
mod resource;
mod trial;
mod user_operation;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io::Write as _;

use proptest::test_runner::{Config, RngSeed, TestCaseError, TestCaseResult, TestRunner};
use scimguard_core::message::ForwardBody;
use scimguard_core::{Forward, Verdict};
use serde::Deserialize;
use serde_json::Value;

use crate::judge::{self, BASE, GROUP, Judge, USER};
use crate::peer::Peer;
use body::Written;
use foreign::Meant;
use form::Form;
use patch::Case;
use trial::{Finding, Trial};

/// So many of each kind, in seconds. More by the environment variable `PROPTEST_CASES`.
const CASES: u32 = 1200;

/// `tests/peers/exceptions.json`: where an implementation does otherwise than the RFCs say. Its
/// results for a PATCH that shows all of the forms count for nothing.
#[derive(Deserialize)]
struct Exception {
    peer: String,
    forms: Vec<Form>,
    source: String,
}

/// How often an exception was met, and how often it was needed.
#[derive(Clone, Copy, Default)]
struct Use {
    met: u32,
    needed: u32,
}

#[test]
fn a_patch_has_the_effect_of_what_was_sent() {
    let exceptions: Vec<Exception> =
        serde_json::from_str(include_str!("../../peers/exceptions.json"))
            .expect("the exceptions are well formed");
    let judge = Judge::new();
    let peers = RefCell::new(Peer::all());
    let shown: RefCell<BTreeSet<Form>> = RefCell::default();
    let uses = RefCell::new(vec![Use::default(); exceptions.len()]);
    let result = TestRunner::new(config()).run(&patch::any_case(), |case| {
        let path = path(&case.resource);
        let forward = forwarded(&judge, "PATCH", &path, &case.patch.to_string())?;
        is_canonical(&judge, &path, &forward)?;
        let mut trials = Vec::new();
        for peer in peers.borrow_mut().iter_mut() {
            let trial = Trial::of(&judge, peer, &case, &forward);
            let mut is_excepted = false;
            for (exception, used) in exceptions.iter().zip(uses.borrow_mut().iter_mut()) {
                if exception.is_of(peer, &case) {
                    is_excepted = true;
                    used.met += 1;
                    used.needed += u32::from(trial.is_wrong());
                }
            }
            if !is_excepted {
                trials.push(trial);
            }
        }
        agree(&case, &forward, &trials)?;
        shown.borrow_mut().extend(forms(&case, &trials));
        Ok(())
    });
    if let Err(failure) = result {
        panic!("{failure}");
    }
    tell(&exceptions, &uses.into_inner());
    let shown = shown.into_inner();
    let missing: Vec<_> = Form::ALL
        .iter()
        .filter(|form| !shown.contains(form))
        .collect();
    assert!(
        missing.is_empty() || config().cases < CASES,
        "never shown to have its effect: {missing:?}"
    );
}

#[test]
fn what_only_providers_say_has_the_effect_that_they_mean() {
    let judge = Judge::new();
    let peers = RefCell::new(Peer::all());
    let result = TestRunner::new(config()).run(&foreign::any_meant(), |meant| {
        let path = path(&meant.resource);
        let forward = forwarded(&judge, "PATCH", &path, &meant.patch.to_string())?;
        is_canonical(&judge, &path, &forward)?;
        is_meant(&judge, &mut peers.borrow_mut(), &meant, &forward)
    });
    if let Err(failure) = result {
        panic!("{failure}");
    }
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

fn path(resource: &Value) -> String {
    if resource["schemas"][0] == resource::CORE_GROUP {
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
    let mut wrong: Vec<_> = trials.iter().filter(|trial| trial.is_wrong()).collect();
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

/// Every implementation that takes what is forwarded is left with what is meant, and one at least
/// takes it.
fn is_meant(judge: &Judge, peers: &mut [Peer], meant: &Meant, forward: &Forward) -> TestCaseResult {
    let wanted = foreign::meaning(&meant.wanted);
    let mut taken = 0;
    let mut outcomes = String::new();
    let mut is_right = true;
    for peer in peers {
        let (result, _) = trial::carried_out(judge, peer, &meant.resource, forward);
        let result = result.map(|resource| foreign::meaning(&resource));
        if let Ok(resource) = &result {
            taken += 1;
            is_right &= *resource == wanted;
        }
        outcomes += &format!("{}: {result:?}\n", peer.name);
    }
    if taken > 0 && is_right {
        return Ok(());
    }
    Err(TestCaseError::fail(format!(
        "{outcomes}wanted {wanted}\nresource {}\noriginal {}\ncanonical {}",
        meant.resource,
        meant.patch,
        judge::body(forward).unwrap_or_default(),
    )))
}

/// Tells how many cases each exception swallowed, also where the test runner keeps what passing tests
/// print.
fn tell(exceptions: &[Exception], uses: &[Use]) {
    let mut lines = String::new();
    for (exception, Use { met, needed }) in exceptions.iter().zip(uses) {
        let Exception {
            peer,
            forms,
            source,
        } = exception;
        lines += &format!("{peer} {forms:?} ({source}): needed for {needed} of {met} cases\n");
    }
    std::io::stderr()
        .write_all(lines.as_bytes())
        .expect("standard error is open");
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
