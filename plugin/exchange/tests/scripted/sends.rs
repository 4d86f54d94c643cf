//! What the backend gets, what is stored before it, and what the client gets of its answer.

use scimguard_core::message::{AnswerBody, AnswerHandling, ResponseBody};
use scimguard_core::{
    BackendOutcome, Body, Forward, Headers, Outcome, Proceed, Request, Respond, Response, Verdict,
};
use scimguard_exchange::{Exchange, Send, Setup, Step};
use scimguard_wire::Stage;

use crate::script::facts::{OWN, OWN_ID, found, token_key};
use crate::script::says::{
    answered, answered_as, answered_with, forward, headers, need, need_keys, proceed, reject,
    removals, request, respond, response,
};
use crate::script::steps::{
    begun, begun_with, ended, needed, past_facts, past_store, sent, stored,
};
use crate::script::{PATH, Says, Script};

const ALL_HEADERS: [(&str, &str); 7] = [
    ("accept-encoding", "gzip"),
    ("authorization", "Bearer sat.ACC1.own.secret-of-own"),
    ("connection", "close"),
    ("content-length", "3"),
    ("content-type", "application/scim+json"),
    ("x-api-key", OWN),
    ("x-request-id", "7"),
];

fn with_token() -> Request {
    Request {
        headers: headers(&[("authorization", &format!("Bearer {OWN}"))]),
        ..request(Body::None)
    }
}

fn names(headers: &Headers) -> String {
    let names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
    names.join(" ")
}

/// What is sent with all headers above, after the token has been looked up.
fn sent_with(lends: bool, verified: bool, answer: AnswerHandling) -> Send {
    let sends = Forward {
        headers: headers(&ALL_HEADERS),
        verified_token: verified.then(|| OWN_ID.to_owned()),
        answer,
        ..forward()
    };
    let script = Script::new(vec![
        Verdict::Need(need_keys(&[token_key(OWN)])).into(),
        Verdict::Forward(sends).into(),
    ]);
    let setup = Setup::new(script, false).lending(lends);
    let (mut exchange, step) = begun_with(setup, with_token());
    let step = past_facts(&mut exchange, step);
    sent(past_store(&mut exchange, step))
}

#[test]
fn the_backend_gets_no_framing_no_lent_clients_credential_and_for_a_judged_answer_no_encoding() {
    use AnswerHandling::{Observe, Pass};
    const ANYONE: &str = "authorization content-type x-api-key x-request-id";
    for (lends, verified, answer, own, expected) in [
        (true, true, Observe, true, "content-type x-request-id"),
        (
            true,
            true,
            Pass,
            true,
            "accept-encoding content-type x-request-id",
        ),
        (true, false, Observe, false, ANYONE),
        (false, true, Observe, false, ANYONE),
        (false, false, Observe, false, ANYONE),
        (
            false,
            false,
            Pass,
            false,
            &format!("accept-encoding {ANYONE}"),
        ),
    ] {
        let case = format!("lends: {lends}, verified: {verified}, {answer:?}");
        let send = sent_with(lends, verified, answer);
        assert_eq!(send.own_credential, own, "{case}");
        assert_eq!(names(&send.headers), expected, "{case}");
        assert_eq!(send.observe, answer == Observe, "{case}");
        assert_eq!((&*send.method, &*send.path), ("PUT", PATH), "{case}");
    }
}

#[test]
fn the_last_report_goes_with_an_answer_that_is_passed_on_if_the_request_holds_anything() {
    for (asks, answer, reports) in [
        (true, AnswerHandling::Pass, true),
        (false, AnswerHandling::Pass, false),
        (true, AnswerHandling::Observe, false),
        (false, AnswerHandling::Observe, false),
    ] {
        let case = format!("asks: {asks}, {answer:?}");
        let sends = Forward {
            answer,
            ..forward()
        };
        let mut says = vec![Verdict::Forward(sends).into()];
        if asks {
            says.insert(0, Verdict::Need(need(&["u1"])).into());
        }
        let (mut exchange, step) = begun(Script::new(says), request(Body::None));
        let step = match asks {
            true => past_facts(&mut exchange, step),
            false => step,
        };
        let send = sent(past_store(&mut exchange, step));
        let report = send.final_report;
        assert_eq!(report.is_some(), reports, "{case}");
        assert!(report.is_none_or(|it| it.ends && !it.sends && it.records.is_empty()));
    }
}

/// What a verdict leads to as the first answer of the policy or as a later one, and whether facts were
/// looked up before it in the same pass.
fn led_to(is_first: bool, asks: bool, verdict: Says) -> (Exchange<Script>, Step) {
    let mut says = Vec::new();
    if !is_first {
        says.push(Verdict::Proceed(proceed()).into());
    }
    if asks {
        says.push(match is_first {
            true => Verdict::Need(need(&["u1"])).into(),
            false => Outcome::Need(need(&["u1"])).into(),
        });
    }
    says.extend([verdict, Outcome::Respond(respond()).into()]);
    let (mut exchange, step) = begun(Script::new(says), request(Body::None));
    let step = match is_first {
        true => step,
        false => past_store(&mut exchange, step),
    };
    let step = match asks {
        true => past_facts(&mut exchange, step),
        false => step,
    };
    (exchange, step)
}

#[test]
fn the_decision_and_every_record_are_stored_before_the_backend_is_asked_and_nothing_else_is() {
    for (is_first, asks, records, stores) in [
        (true, false, 0, true),
        (true, false, 1, true),
        (true, true, 1, true),
        (false, false, 0, false),
        (false, true, 0, false),
        (false, false, 2, true),
        (false, true, 1, true),
    ] {
        let case = format!("first: {is_first}, asks: {asks}, {records} records");
        let records = removals(records);
        let sends = Forward {
            records: records.clone(),
            rule: Some("allowed.so".to_owned()),
            ..forward()
        };
        let verdict = match is_first {
            true => Verdict::Forward(sends).into(),
            false => Outcome::Forward(sends).into(),
        };
        let (mut exchange, step) = led_to(is_first, asks, verdict);
        if !stores {
            assert!(matches!(step, Step::Send(_)), "{case}: {step:?}");
            continue;
        }
        let report = stored(step);
        assert_eq!(report.records, records, "{case}");
        assert!(report.sends && !report.ends, "{case}");
        let rule = report.decision.map(|decision| decision.rule);
        let expected = is_first.then(|| Some("allowed.so".to_owned()));
        assert_eq!(rule, expected, "{case}");
        assert!(matches!(exchange.stored(Ok(())), Step::Send(_)), "{case}");
    }
}

#[test]
fn a_part_ends_with_a_report_if_there_is_anything_to_report() {
    for (is_first, asks, records, stores) in [
        (true, false, 0, true),
        (true, true, 1, true),
        (false, false, 0, false),
        (false, false, 1, true),
        (false, true, 0, true),
        (false, true, 2, true),
    ] {
        let case = format!("first: {is_first}, asks: {asks}, {records} records");
        let records = removals(records);
        let goes_on = Proceed {
            records: records.clone(),
            ..proceed()
        };
        let verdict = match is_first {
            true => Verdict::Proceed(goes_on).into(),
            false => Outcome::Proceed(goes_on).into(),
        };
        let (mut exchange, step) = led_to(is_first, asks, verdict);
        if !stores {
            assert!(matches!(step, Step::Respond(_)), "{case}: {step:?}");
            continue;
        }
        let report = stored(step);
        assert_eq!(report.records, records, "{case}");
        assert!(report.ends && !report.sends, "{case}");
        assert_eq!(report.decision.is_some(), is_first, "{case}");
        let answer = ended(exchange.stored(Ok(())));
        assert!(answer.final_report.is_none(), "{case}");
    }
}

#[test]
fn facts_are_looked_up_for_the_stage_that_the_backend_has_reached() {
    let asks = || need(&["u1"]);
    let script = Script::new(vec![
        Verdict::Need(asks()).into(),
        Verdict::Need(need(&["u2"])).into(),
        Verdict::Proceed(proceed()).into(),
        Outcome::Need(asks()).into(),
        Outcome::Forward(forward()).into(),
        Outcome::Need(asks()).into(),
    ]);
    let (mut exchange, step) = begun(script, request(Body::None));
    let mut looked_up = Vec::new();
    let mut look_up = |step| {
        let needed = needed(step);
        looked_up.push((needed.stage, needed.first));
        needed.keys
    };
    let mut keys = look_up(step);
    let step = exchange.facts(Ok(found(&keys, 0)));
    keys.extend(look_up(step));
    let step = exchange.facts(Ok(found(&keys, 0)));
    let step = past_store(&mut exchange, step);
    let keys = look_up(step);
    sent(exchange.facts(Ok(found(&keys, 0))));
    look_up(exchange.answered(answered(1)));
    let expected = [
        (Stage::Decide, true),
        (Stage::Decide, false),
        (Stage::Decide, true),
        (Stage::Observe, true),
    ];
    assert_eq!(looked_up, expected);
}

/// The response to the client if the policy answers so after this outcome.
fn judged(outcome: BackendOutcome, response: Response) -> Response {
    let says = vec![
        Verdict::Forward(forward()).into(),
        Outcome::Respond(Respond {
            response,
            ..respond()
        })
        .into(),
    ];
    let (mut exchange, step) = begun(Script::new(says), request(Body::None));
    sent(past_store(&mut exchange, step));
    ended(exchange.answered(outcome)).response
}

#[test]
fn the_client_gets_the_backends_body_where_the_policy_says_so_and_only_then() {
    let theirs = || b"theirs".to_vec();
    let ours = || ResponseBody::Bytes(b"ours".to_vec());
    let as_received = || ResponseBody::AsReceived;
    for (outcome, body, expected) in [
        (
            answered_with(AnswerBody::Bytes(theirs())),
            as_received(),
            ResponseBody::Bytes(theirs()),
        ),
        (answered_with(AnswerBody::Bytes(theirs())), ours(), ours()),
        (
            answered_with(AnswerBody::Bytes(theirs())),
            ResponseBody::None,
            ResponseBody::None,
        ),
        (
            answered_with(AnswerBody::None),
            as_received(),
            ResponseBody::None,
        ),
        (
            answered_with(AnswerBody::OverLimit),
            as_received(),
            ResponseBody::None,
        ),
        (
            BackendOutcome::Unanswered,
            as_received(),
            ResponseBody::None,
        ),
    ] {
        let case = format!("{outcome:?}, {body:?}");
        let response = Response {
            body,
            ..response(200)
        };
        assert_eq!(judged(outcome, response).body, expected, "{case}");
    }
}

#[test]
fn the_client_gets_no_header_of_the_backends_connection() {
    let response = Response {
        headers: headers(&ALL_HEADERS),
        ..response(200)
    };
    let outcome = answered_as(200, &ALL_HEADERS, AnswerBody::None);
    assert_eq!(
        names(&judged(outcome, response).headers),
        "accept-encoding authorization content-type x-api-key x-request-id"
    );
}

#[test]
fn an_answer_waits_until_its_records_are_stored_and_ends_what_is_held() {
    for (asks, records) in [(false, 0), (true, 0), (false, 1), (true, 2)] {
        let case = format!("asks: {asks}, {records} records");
        let records = removals(records);
        let last = Respond {
            records: records.clone(),
            ..respond()
        };
        let (mut exchange, step) = led_to(false, asks, Outcome::Respond(last).into());
        let (answer, report) = match step {
            Step::Store(report) => (ended(exchange.stored(Ok(()))), Some(report)),
            step => {
                let mut answer = ended(step);
                let report = answer.final_report.take();
                (answer, report)
            }
        };
        assert!(answer.final_report.is_none(), "{case}");
        assert_eq!(report.is_some(), asks || !records.is_empty(), "{case}");
        if let Some(report) = report {
            assert_eq!(report.records, records, "{case}");
            assert!(report.ends && report.decision.is_none(), "{case}");
        }
    }
}

#[test]
fn a_scim_requests_token_is_looked_up_before_the_policy_is_asked_where_that_is_set_up() {
    let management = "/users/u1";
    for (foresees, path, carries, looked_up) in [
        (true, PATH, true, true),
        (true, PATH, false, false),
        (true, management, true, false),
        (false, PATH, true, false),
        (false, management, true, false),
    ] {
        let case = format!("{path}, foresees: {foresees}, token: {carries}");
        let script = Script::new(vec![Verdict::Reject(reject(403)).into()]);
        let setup = Setup::new(script.clone(), false);
        let setup = match foresees {
            true => setup.foreseeing(),
            false => setup,
        };
        let mut request = match carries {
            true => with_token(),
            false => request(Body::None),
        };
        request.path = path.to_owned();
        let (_, step) = begun_with(setup, request);
        assert_eq!(script.heard().is_empty(), looked_up, "{case}");
        if looked_up {
            let needed = needed(step);
            assert_eq!(
                (needed.keys, needed.first),
                (vec![token_key(OWN)], true),
                "{case}"
            );
        }
    }
}
