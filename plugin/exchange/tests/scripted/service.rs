//! A gateway's messages to the facts service: which questions and reports are worth one, and what the
//! service's answers mean.

use std::sync::Arc;

use scimguard_core::facts::{Key, ResourceKind};
use scimguard_core::record::{IntentKey, Record, Settled};
use scimguard_exchange::{
    Incoming, Needed, Parting, Refused, Remote, Report, ServiceError, Strangers,
};
use scimguard_wire::{DecisionReport, Pass, RecordsRequest, Stage};

use crate::script::facts::{NOW, OWN, OWN_ID, token_key, user_key};
use crate::script::says::{headers, removals};
use crate::script::{ACCOUNT, PATH};

const SOURCE: &str = "192.0.2.7:4711";

fn remote_of(strangers: &Arc<Strangers>, token: &str, source: Option<&str>) -> Remote {
    with_headers(strangers, &[("authorization", token)], source)
}

fn with_headers(
    strangers: &Arc<Strangers>,
    given: &[(&str, &str)],
    source: Option<&str>,
) -> Remote {
    remote_with("PUT", strangers, given, source)
}

fn remote_with(
    method: &str,
    strangers: &Arc<Strangers>,
    given: &[(&str, &str)],
    source: Option<&str>,
) -> Remote {
    let incoming = Incoming {
        method: method.to_owned(),
        path: PATH.to_owned(),
        authority: None,
        headers: headers(given),
    };
    Remote::new(
        Arc::clone(strangers),
        &incoming,
        source.map(str::to_owned),
        NOW,
    )
}

fn remote() -> Remote {
    remote_of(&Arc::default(), OWN, Some(SOURCE))
}

fn question(key: Key) -> Needed {
    Needed {
        keys: vec![key],
        stage: Stage::Decide,
        first: true,
    }
}

/// The service holds a pass for this exchange.
fn hold(remote: &mut Remote) {
    let answer = br#"{"pass": "p", "now": 5, "facts": []}"#;
    let found = remote.found(200, answer).expect("facts");
    assert_eq!(found.now, 5);
}

fn decision(status: Option<u16>, verified: bool) -> DecisionReport {
    DecisionReport {
        account: Some(ACCOUNT.to_owned()),
        verified_token: verified.then(|| OWN_ID.to_owned()),
        rule: None,
        status,
    }
}

fn report(decision: Option<DecisionReport>, records: usize, ends: bool) -> Report {
    Report {
        decision,
        records: removals(records),
        sends: false,
        ends,
    }
}

#[test]
fn the_end_of_a_read_may_be_reported_later_with_others() {
    for (method, records, holds, later) in [
        ("GET", 0, true, Some(true)),
        ("HEAD", 0, true, Some(true)),
        ("OPTIONS", 0, true, Some(true)),
        ("GET", 1, true, Some(false)),
        ("get", 0, true, Some(false)),
        ("PUT", 0, true, Some(false)),
        ("GET", 0, false, None),
        ("GET", 1, false, Some(false)),
    ] {
        let case = format!("{method}, {records} records, holds: {holds}");
        let given = [("authorization", OWN)];
        let mut remote = remote_with(method, &Arc::default(), &given, Some(SOURCE));
        if holds {
            hold(&mut remote);
        }
        let parting = remote.part(report(None, records, true));
        let is_later = parting.map(|parting| match parting {
            Parting::Later(told) => {
                assert!(told.end && told.records.is_empty(), "{case}");
                true
            }
            Parting::Now(told) => {
                assert_eq!(told.records.len(), records, "{case}");
                false
            }
        });
        assert_eq!(is_later, later, "{case}");
    }
}

#[test]
fn a_read_settles_nothing_where_the_service_says_that_nothing_is_open() {
    let intent = || IntentKey {
        kind: ResourceKind::User,
        account: ACCOUNT.to_owned(),
        key: "ann".to_owned(),
    };
    let settles = || {
        let settle = Record::Settle(Settled {
            intent: intent(),
            id: "u1".to_owned(),
        });
        vec![settle, Record::Withdraw(intent())]
    };
    for (method, answer, kept) in [
        (
            "GET",
            r#"{"pass": "p", "now": 5, "unsettled": false, "facts": []}"#,
            0,
        ),
        (
            "GET",
            r#"{"pass": "p", "now": 5, "unsettled": true, "facts": []}"#,
            2,
        ),
        // A service of an earlier version does not say it.
        ("GET", r#"{"pass": "p", "now": 5, "facts": []}"#, 2),
        (
            "PUT",
            r#"{"pass": "p", "now": 5, "unsettled": false, "facts": []}"#,
            2,
        ),
    ] {
        let given = [("authorization", OWN)];
        let mut remote = remote_with(method, &Arc::default(), &given, Some(SOURCE));
        remote.found(200, answer.as_bytes()).expect("facts");
        let mut all = report(None, 0, true);
        all.records = settles();
        let told = match remote.part(all) {
            Some(Parting::Later(told) | Parting::Now(told)) => told,
            None => panic!("{method}: it ends a pass"),
        };
        assert_eq!(told.records.len(), kept, "{method}: {answer}");
        // Nothing waits for what is not stored, unless it is a refusal.
        for (status, later) in [(None, kept == 0), (Some(403), false)] {
            remote.found(200, answer.as_bytes()).expect("facts");
            let mut all = report(Some(decision(status, true)), 0, true);
            all.records = settles();
            let is_later = matches!(remote.store(all), Some(Parting::Later(_)));
            assert_eq!(is_later, later, "{method}: {answer}, {status:?}");
        }
        // Anything else is stored.
        remote.found(200, answer.as_bytes()).expect("facts");
        let told = remote.tell(report(None, 3, true)).expect("a report");
        assert_eq!(told.records.len(), 3, "{method}: {answer}");
    }
}

#[test]
fn a_report_is_worth_a_call_if_it_stores_ends_a_pass_or_tells_of_a_wrong_credential() {
    let allowed = || Some(decision(None, true));
    let refused = || Some(decision(Some(403), true));
    let wrong = || Some(decision(Some(401), false));
    for (told, records, ends, holds, worth) in [
        (allowed(), 0, false, false, false),
        (allowed(), 0, false, true, false),
        (allowed(), 0, true, false, false),
        (allowed(), 0, true, true, true),
        (allowed(), 1, false, false, true),
        (allowed(), 1, true, true, true),
        (refused(), 0, true, false, false),
        (refused(), 0, true, true, true),
        (wrong(), 0, true, false, true),
        (wrong(), 0, true, true, true),
        (None, 0, true, false, false),
        (None, 0, true, true, true),
        (None, 2, true, false, true),
    ] {
        let case = format!("{told:?}, {records} records, ends: {ends}, holds: {holds}");
        let mut remote = remote();
        if holds {
            hold(&mut remote);
        }
        let report = report(told.clone(), records, ends);
        let message = remote.tell(report.clone());
        assert_eq!(message.is_some(), worth, "{case}");
        let Some(message) = message else {
            continue;
        };
        let pass = holds.then(|| Pass("p".to_owned()));
        let expected = RecordsRequest {
            pass: pass.clone(),
            head: message.head.clone(),
            verdict: told,
            records: report.records,
            end: ends,
        };
        assert_eq!(message, expected, "{case}");
        // A pass that has ended is not named again.
        let next = remote.ask(question(user_key("u1"))).unwrap();
        assert_eq!(next.pass, pass.filter(|_| !ends), "{case}");
    }
}

#[test]
fn an_accepted_request_is_told_with_the_next_report_that_is_worth_a_call() {
    for (status, waits) in [(None, true), (Some(403), false)] {
        let mut remote = remote();
        assert_eq!(
            remote.tell(report(Some(decision(status, true)), 0, false)),
            None
        );
        assert_eq!(remote.tell(report(None, 0, true)), None);
        let told = |message: Option<RecordsRequest>| message.unwrap().verdict;
        let expected = waits.then(|| decision(status, true));
        assert_eq!(told(remote.tell(report(None, 1, false))), expected);
        assert_eq!(
            told(remote.tell(report(None, 1, true))),
            None,
            "it is told once"
        );
    }
}

#[test]
fn the_service_learns_the_request_its_credentials_and_no_other_header() {
    let given = [
        ("authorization", OWN),
        ("cookie", "a=1"),
        ("x-api-key", "k"),
    ];
    let mut remote = with_headers(&Arc::default(), &given, Some(SOURCE));
    let asked = remote.ask(question(token_key(OWN))).unwrap();
    let text = |text: &str| text.to_owned();
    assert_eq!(
        (asked.pass, asked.stage, asked.first),
        (None, Stage::Decide, true)
    );
    assert_eq!(asked.keys, [token_key(OWN)]);
    assert_eq!((&*asked.head.method, &*asked.head.path), ("PUT", PATH));
    assert_eq!(asked.head.source.as_deref(), Some(SOURCE));
    let credentials = [
        (text("authorization"), text(OWN)),
        (text("x-api-key"), text("k")),
    ];
    assert_eq!(asked.head.credentials, credentials);
    hold(&mut remote);
    let asked = remote.ask(question(token_key(OWN))).unwrap();
    assert_eq!(asked.pass, Some(Pass(text("p"))));
}

/// What the service answers to a decision with this status.
fn slow_down(strangers: &Arc<Strangers>, status: u16, body: &str) -> ServiceError {
    let mut remote = remote_of(strangers, "wrong", Some(SOURCE));
    hold(&mut remote);
    let told = report(Some(decision(Some(status), false)), 0, true);
    remote.tell(told).expect("it ends a pass");
    let stored = remote.stored(429, body.as_bytes());
    stored.expect_err("only 204 says that it is stored")
}

#[test]
fn an_address_that_the_service_slows_down_waits_with_its_questions_about_tokens() {
    let slowed = r#"{"rule": "rate.limited", "detail": "Too many.", "retry_after": 9}"#;
    let endless = r#"{"rule": "rate.limited", "detail": "Too many.", "retry_after": null}"#;
    for (status, body, source, key, waits) in [
        (401, slowed, Some(SOURCE), token_key(OWN), true),
        (401, slowed, Some("192.0.2.7:1"), token_key(OWN), true),
        (401, slowed, Some("192.0.2.8:4711"), token_key(OWN), false),
        (401, slowed, None, token_key(OWN), false),
        (401, slowed, Some(SOURCE), user_key("u1"), false),
        // An account's limit says nothing of the address.
        (403, slowed, Some(SOURCE), token_key(OWN), false),
        (401, endless, Some(SOURCE), token_key(OWN), false),
        (401, "no answer", Some(SOURCE), token_key(OWN), false),
    ] {
        let case = format!("{status}, {body}, {source:?}, {key:?}");
        let strangers = Arc::default();
        let error = slow_down(&strangers, status, body);
        assert_eq!(
            error == ServiceError::NoResponse,
            body == "no answer",
            "{case}"
        );
        let asked = remote_of(&strangers, OWN, source).ask(question(key));
        let expected = waits.then(|| ServiceError::Refused(Refused::not_asked(9)));
        assert_eq!(asked.err(), expected, "{case}");
    }
}

#[test]
fn a_token_that_was_accepted_passes_while_strange_ones_from_its_address_wait() {
    let slowed = r#"{"rule": "rate.limited", "detail": "Too many.", "retry_after": 9}"#;
    for (verified, token, waits) in [
        (true, OWN, false),
        (true, "Bearer another", true),
        (false, OWN, true),
    ] {
        let strangers = Arc::default();
        let mut remote = remote_of(&strangers, OWN, Some(SOURCE));
        let told = report(Some(decision(None, verified)), 1, false);
        assert!(remote.tell(told).is_some());
        slow_down(&strangers, 401, slowed);
        let asked = remote_of(&strangers, token, Some(SOURCE)).ask(question(token_key(OWN)));
        assert_eq!(asked.is_err(), waits, "verified: {verified}, {token}");
    }
}

#[test]
fn a_refusal_of_the_service_is_the_clients_and_anything_else_is_no_answer() {
    for (error, expected) in [
        (
            ServiceError::Refused(Refused::not_asked(3)),
            Refused::not_asked(3),
        ),
        (ServiceError::NoResponse, Refused::no_record()),
    ] {
        assert_eq!(Refused::from(error), expected);
    }
    let refusal = r#"{"rule": "rate.limited", "detail": "Too many.", "retry_after": 9}"#;
    let mut remote = remote();
    for status in [0, 204, 429, 500] {
        let error = remote.found(status, refusal.as_bytes()).unwrap_err();
        let ServiceError::Refused(refused) = error else {
            panic!("{status}")
        };
        assert_eq!(
            (refused.rule, refused.retry_after),
            ("rate.limited", Some(9))
        );
        assert!(matches!(
            remote.found(status, b"?"),
            Err(ServiceError::NoResponse)
        ));
    }
    for status in [0, 200, 500] {
        assert_eq!(remote.stored(status, b""), Err(ServiceError::NoResponse));
    }
    assert_eq!(remote.stored(204, b""), Ok(()));
}
