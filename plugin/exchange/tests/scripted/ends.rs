//! How an exchange ends early: a client goes away, the backend is not reached, storing fails, the policy
//! fails. Whatever is left to record or to release is in the last report.

use std::sync::Arc;

use scimguard_core::message::{AnswerBody, AnswerHandling};
use scimguard_core::record::Record;
use scimguard_core::{BackendOutcome, Body, Forward, Outcome, Proceed, Respond, Verdict};
use scimguard_exchange::{Exchange, Refused, Report, ServiceError, Setup, Step};

use crate::script::facts::{found, user_key};
use crate::script::says::{
    answered, answered_as, forward, need, need_body, proceed, reject, removal, removal_of, request,
    respond,
};
use crate::script::steps::{begun, ended, needed, past_facts, past_store, sent, stored};
use crate::script::{ACCOUNT, Says, Script};

/// An exchange whose request has been sent, holding facts or not, before the policy says this of the
/// outcome.
fn at_the_backend(asks: bool, answer: AnswerHandling, then: Says) -> (Exchange<Script>, Script) {
    let sends = Forward {
        answer,
        ..forward()
    };
    let mut says = vec![Verdict::Forward(sends).into(), then];
    if asks {
        says.insert(0, Verdict::Need(need(&["u1"])).into());
    }
    let script = Script::new(says);
    let (mut exchange, step) = begun(script.clone(), request(Body::None));
    let step = match asks {
        true => past_facts(&mut exchange, step),
        false => step,
    };
    sent(past_store(&mut exchange, step));
    (exchange, script)
}

/// What the policy may say of an outcome, and the records that follow from it.
fn judgements() -> Vec<(Says, Vec<Record>)> {
    let responds = |records| {
        Says::from(Outcome::Respond(Respond {
            records,
            ..respond()
        }))
    };
    let proceeds = |records| {
        Says::from(Outcome::Proceed(Proceed {
            records,
            ..proceed()
        }))
    };
    let forwards = Forward {
        records: vec![removal("u1")],
        ..forward()
    };
    vec![
        (responds(vec![removal("u1")]), vec![removal("u1")]),
        (proceeds(vec![removal("u1")]), vec![removal("u1")]),
        (responds(Vec::new()), Vec::new()),
        // What would come next no longer does.
        (Outcome::Forward(forwards).into(), Vec::new()),
        (Outcome::Need(need(&["u2"])).into(), Vec::new()),
        (responds(vec![removal_of("ACC2", "u1")]), Vec::new()),
        (Says::Fails("it is broken"), Vec::new()),
    ]
}

fn check(report: Option<Report>, holds: bool, records: Vec<Record>, case: &str) {
    assert_eq!(report.is_some(), holds || !records.is_empty(), "{case}");
    if let Some(report) = report {
        assert_eq!(report.records, records, "{case}");
        assert!(report.ends && !report.sends, "{case}");
        assert!(report.decision.is_none(), "{case}");
    }
}

#[test]
fn a_client_that_leaves_after_its_request_was_sent_leaves_the_records_of_no_answer() {
    for holds in [false, true] {
        for (says, records) in judgements() {
            let case = format!("holds: {holds}, {says:?}");
            let (exchange, script) = at_the_backend(holds, AnswerHandling::Observe, says);
            check(exchange.abandoned(), holds, records, &case);
            let heard = script.heard().pop().unwrap();
            let expected = (b"then".to_vec(), BackendOutcome::Unanswered);
            assert_eq!(heard.observed, Some(expected), "{case}");
            assert_eq!(heard.facts, [], "{case}");
        }
    }
}

#[test]
fn a_request_that_does_not_reach_the_backend_counts_as_refused_by_it() {
    for holds in [false, true] {
        for (says, records) in judgements() {
            let case = format!("holds: {holds}, {says:?}");
            let (mut exchange, script) = at_the_backend(holds, AnswerHandling::Observe, says);
            let answer = exchange.undelivered(&Refused::too_busy());
            assert_eq!(answer.rule.as_deref(), Some("facts.unavailable"), "{case}");
            assert_eq!(answer.response.status, 503, "{case}");
            check(answer.final_report, holds, records, &case);
            let refused = answered_as(503, &[], AnswerBody::None);
            let heard = script.heard().pop().unwrap();
            assert_eq!(heard.observed, Some((b"then".to_vec(), refused)), "{case}");
        }
    }
}

#[test]
fn nothing_is_recorded_of_a_request_that_is_not_judged_or_was_not_sent() {
    let unsaid = || Says::Fails("it is not asked");
    let (exchange, _) = at_the_backend(true, AnswerHandling::Pass, unsaid());
    // Its last report went with the request.
    assert!(exchange.abandoned().is_none());
    let (mut exchange, _) = at_the_backend(true, AnswerHandling::Pass, unsaid());
    assert!(
        exchange
            .undelivered(&Refused::too_busy())
            .final_report
            .is_none()
    );

    let script = Script::new(vec![Verdict::Need(need(&["u1"])).into()]);
    let (mut exchange, step) = begun(script.clone(), request(Body::None));
    needed(step);
    let answer = exchange.undelivered(&Refused::too_busy());
    assert!(answer.final_report.is_none());
    assert_eq!(script.heard().len(), 1);
}

#[test]
fn an_answer_that_is_not_judged_is_refused_as_missing_or_as_a_breach_of_the_protocol() {
    for (answer, outcome, rule) in [
        (
            AnswerHandling::Pass,
            BackendOutcome::Unanswered,
            "upstream.unavailable",
        ),
        (
            AnswerHandling::Pass,
            BackendOutcome::NotAsked,
            "plugin.trapped",
        ),
        (AnswerHandling::Pass, answered(1), "plugin.trapped"),
    ] {
        let case = format!("{outcome:?}");
        let (mut exchange, _) = at_the_backend(false, answer, Says::Fails("it is not asked"));
        let answer = ended(exchange.answered(outcome));
        assert_eq!(answer.rule.as_deref(), Some(rule), "{case}");
    }
    // The policy judges also that there is no answer.
    let judges = Outcome::Respond(respond()).into();
    let (mut exchange, _) = at_the_backend(false, AnswerHandling::Observe, judges);
    let answer = ended(exchange.answered(BackendOutcome::Unanswered));
    assert_eq!((answer.response.status, answer.rule), (204, None));
}

#[test]
fn a_refusal_stands_if_it_cannot_be_stored_unless_it_is_of_a_credential_or_the_service_refuses() {
    let own = Refused::not_asked(9);
    let service = || ServiceError::Refused(own.clone());
    for (status, stored_as, rule) in [
        (403, Ok(()), "some.rule"),
        (401, Ok(()), "some.rule"),
        (403, Err(ServiceError::NoResponse), "some.rule"),
        (401, Err(ServiceError::NoResponse), "facts.unavailable"),
        (403, Err(service()), "rate.limited"),
        (401, Err(service()), "rate.limited"),
    ] {
        let case = format!("{status}, {stored_as:?}");
        let script = Script::new(vec![Verdict::Reject(reject(status)).into()]);
        let (mut exchange, step) = begun(script, request(Body::None));
        let report = stored(step);
        assert!(
            report.ends && !report.sends && report.records.is_empty(),
            "{case}"
        );
        let decision = report.decision.unwrap();
        assert_eq!(decision.status, Some(status), "{case}");
        assert_eq!(decision.rule.as_deref(), Some("some.rule"), "{case}");
        assert_eq!(decision.account.as_deref(), Some(ACCOUNT), "{case}");
        let answer = ended(exchange.stored(stored_as));
        assert_eq!(answer.rule.as_deref(), Some(rule), "{case}");
        assert!(answer.final_report.is_none(), "{case}");
        if rule == "some.rule" {
            assert_eq!(answer.response.status, status, "{case}");
        }
    }
}

#[test]
fn nothing_follows_a_report_that_is_not_stored() {
    let with_record = Respond {
        records: vec![removal("u1")],
        ..respond()
    };
    for says in [
        vec![Verdict::Forward(forward()).into()],
        vec![Verdict::Proceed(proceed()).into()],
        vec![
            Verdict::Proceed(proceed()).into(),
            Outcome::Respond(with_record).into(),
        ],
    ] {
        let case = format!("{says:?}");
        let parts = says.len();
        let script = Script::new(says);
        let (mut exchange, mut step) = begun(script.clone(), request(Body::None));
        for _ in 1..parts {
            step = past_store(&mut exchange, step);
        }
        stored(step);
        let answer = ended(exchange.stored(Err(ServiceError::NoResponse)));
        assert_eq!(answer.rule.as_deref(), Some("facts.unavailable"), "{case}");
        assert_eq!(script.heard().len(), parts, "{case}");
    }
}

#[test]
fn an_exchange_without_facts_is_refused_and_ends_what_it_holds() {
    for held in [false, true] {
        let script = Script::new(vec![
            Verdict::Need(need(&["u1"])).into(),
            Verdict::Need(need(&["u2"])).into(),
        ]);
        let (mut exchange, step) = begun(script, request(Body::None));
        let keys = needed(step).keys;
        if held {
            needed(exchange.facts(Ok(found(&keys, 0))));
        }
        let answer = ended(exchange.facts(Err(ServiceError::NoResponse)));
        assert_eq!(answer.rule.as_deref(), Some("facts.unavailable"));
        check(answer.final_report, held, Vec::new(), "no facts");
    }
}

#[test]
fn an_exchange_that_waits_for_its_client_lets_go_and_asks_again_for_what_it_knew() {
    let script = Script::new(vec![
        Verdict::Need(need(&["u1"])).into(),
        Verdict::Need(need_body(10, &["u2"])).into(),
        Verdict::Reject(reject(403)).into(),
    ]);
    let (mut exchange, step) = begun(script.clone(), request(Body::Unread));
    assert!(exchange.suspend().is_none(), "it holds nothing yet");
    let keys = needed(step).keys;
    let step = exchange.facts(Ok(found(&keys, 5)));
    assert!(matches!(step, Step::ReadBody(10)), "{step:?}");
    check(exchange.suspend(), true, Vec::new(), "it holds facts");
    assert!(exchange.suspend().is_none(), "it has let go of them");
    let needed = needed(exchange.body(Body::None));
    assert!(needed.first, "a pass begins again");
    assert_eq!(needed.keys, [user_key("u1"), user_key("u2")]);
    let step = exchange.facts(Ok(found(&needed.keys, 7)));
    stored(step);
    let heard = script.heard().pop().unwrap();
    assert_eq!((heard.facts, heard.now), (needed.keys, 7));
}

#[test]
fn the_time_of_an_exchange_is_the_first_that_facts_came_with_since_it_let_go() {
    let script = Script::new(vec![
        Verdict::Need(need(&["u1"])).into(),
        Verdict::Need(need(&["u2"])).into(),
        Verdict::Need(need_body(10, &["u3"])).into(),
        Verdict::Reject(reject(403)).into(),
    ]);
    let setup = Arc::new(Setup::new(script.clone(), false));
    let mut exchange = Exchange::new(setup, request(Body::Unread), 3, ());
    let mut times = vec![exchange.now()];
    let mut keys = needed(exchange.start()).keys;
    let step = exchange.facts(Ok(found(&keys, 5)));
    times.push(exchange.now());
    keys.extend(needed(step).keys);
    assert!(matches!(
        exchange.facts(Ok(found(&keys, 6))),
        Step::ReadBody(_)
    ));
    times.push(exchange.now());
    exchange.suspend().unwrap();
    let keys = needed(exchange.body(Body::None)).keys;
    exchange.facts(Ok(found(&keys, 8)));
    times.push(exchange.now());
    assert_eq!(times, [3, 5, 5, 8]);
    let heard: Vec<u64> = script.heard().iter().map(|heard| heard.now).collect();
    assert_eq!(heard, times);
}
