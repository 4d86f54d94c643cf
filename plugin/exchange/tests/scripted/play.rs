//! What a driver plays over a record in memory: the limits of what the policy may see, the backend's answers
//! in order, and what it keeps of the decisions.

use scimguard_core::facts::{Key, Table};
use scimguard_core::history::{Answers, Decided};
use scimguard_core::message::{AnswerBody, AnswerHandling, ResponseBody};
use scimguard_core::{
    BackendOutcome, Body, Forward, Normalisation, Outcome, Proceed, Reject, Request, Respond,
    Response, Verdict,
};
use scimguard_exchange::history::{Driver, Journal, Played, Stuck};
use serde_json::json;

use crate::script::facts::user_key;
use crate::script::says::{
    answered, answered_as, answered_with, forward, headers, need, need_body, proceed, reject,
    removal, request, respond,
};
use crate::script::{ACCOUNT, PATH, Says, Script};

fn play(script: &Script, request: &Request, answers: &Answers) -> Result<Played, Stuck> {
    Driver::new(script).play(request, answers, &mut Table::default(), 7)
}

fn each(answers: &[BackendOutcome]) -> Answers {
    Answers::Each(answers.to_vec())
}

fn change(rule: &str) -> Normalisation {
    Normalisation {
        rule: rule.to_owned(),
        path: "userName".to_owned(),
        detail: "It is in lower case.".to_owned(),
    }
}

#[test]
fn the_policy_reads_a_body_when_it_asks_for_it_and_up_to_the_limit() {
    for (size, limit, expected) in [
        (0, 5, Some(0)),
        (4, 5, Some(4)),
        (5, 5, Some(5)),
        (6, 5, None),
        (1_000, 2_000, Some(1_000)),
        (1_001, 2_000, None),
    ] {
        let script = Script::new(vec![
            Verdict::Need(need_body(limit, &[])).into(),
            Verdict::Reject(reject(403)).into(),
        ]);
        let request = request(Body::Bytes(vec![b'b'; size]));
        play(&script, &request, &Answers::Awaited).unwrap();
        let heard: Vec<Body> = script.heard().into_iter().map(|heard| heard.body).collect();
        let read = match expected {
            Some(size) => Body::Bytes(vec![b'b'; size]),
            None => Body::OverLimit,
        };
        assert_eq!(heard, [Body::Unread, read], "{size} bytes of {limit}");
    }
}

#[test]
fn the_policy_judges_an_answer_up_to_the_limit() {
    for (body, expected) in [
        (AnswerBody::Bytes(vec![b'x'; 1_999]), None),
        (AnswerBody::Bytes(vec![b'x'; 2_000]), None),
        (
            AnswerBody::Bytes(vec![b'x'; 2_001]),
            Some(AnswerBody::OverLimit),
        ),
        (AnswerBody::None, None),
        (AnswerBody::OverLimit, None),
    ] {
        let script = Script::new(vec![
            Verdict::Forward(forward()).into(),
            Outcome::Respond(respond()).into(),
        ]);
        let answer = answered_with(body.clone());
        play(&script, &request(Body::None), &each(&[answer])).unwrap();
        let (_, judged) = script.heard().pop().unwrap().observed.unwrap();
        assert_eq!(judged, answered_with(expected.unwrap_or(body)));
    }
}

#[test]
fn each_key_is_answered_once_in_a_pass_and_again_in_the_next() {
    let script = Script::new(vec![
        Verdict::Need(need(&["u1"])).into(),
        Verdict::Need(need(&["u2", "u1", "u3"])).into(),
        Verdict::Forward(forward()).into(),
        Outcome::Need(need(&["u3"])).into(),
        Outcome::Respond(respond()).into(),
    ]);
    play(&script, &request(Body::None), &Answers::Same(answered(1))).unwrap();
    let heard: Vec<Vec<Key>> = script
        .heard()
        .into_iter()
        .map(|heard| heard.facts)
        .collect();
    let keys = |users: &[&str]| -> Vec<Key> { users.iter().map(|user| user_key(user)).collect() };
    let expected = [
        keys(&[]),
        keys(&["u1"]),
        keys(&["u1", "u2", "u3"]),
        keys(&[]),
        keys(&["u3"]),
    ];
    assert_eq!(heard, expected);
    assert!(script.heard()[1..3].iter().all(|heard| heard.now == 7));
}

/// A policy that sends this many requests, each after the answer to the one before.
fn sends(times: usize, answer: AnswerHandling) -> Script {
    let sends = || Forward {
        answer,
        ..forward()
    };
    let mut says = vec![Verdict::Forward(sends()).into()];
    says.extend((1..times).map(|_| Says::from(Outcome::Forward(sends()))));
    says.push(Outcome::Respond(respond()).into());
    Script::new(says)
}

#[test]
fn answers_are_given_in_order_and_a_missing_one_is_named_unless_it_is_awaited() {
    let another = || {
        Err(Stuck::Another {
            method: "PUT".to_owned(),
            path: PATH.to_owned(),
        })
    };
    let answers = [answered(1), answered(2), answered(3)];
    for (times, given, expected) in [
        (1, each(&answers[..1]), Ok((2, Some(204)))),
        (2, each(&answers), Ok((3, Some(204)))),
        (3, each(&answers), Ok((4, Some(204)))),
        (3, Answers::Same(answered(1)), Ok((4, Some(204)))),
        (1, Answers::Awaited, Ok((1, None))),
        (1, each(&[]), another()),
        (3, each(&answers[..2]), another()),
    ] {
        let case = format!("{times} of {given:?}");
        let script = sends(times, AnswerHandling::Observe);
        let played = play(&script, &request(Body::None), &given);
        let seen = played.map(|it| (it.stops.len(), it.response.map(|it| it.status)));
        assert_eq!(seen, expected, "{case}");
        let judged = script
            .heard()
            .into_iter()
            .filter_map(|heard| heard.observed);
        for (number, (_, outcome)) in judged.enumerate() {
            assert_eq!(Some(&outcome), given.get(number), "{case}");
        }
    }
}

#[test]
fn an_answer_that_is_not_judged_is_the_clients_response() {
    let given = [("x-request-id", "7")];
    for (outcome, status, expected) in [
        (
            answered_as(200, &given, AnswerBody::Bytes(b"theirs".to_vec())),
            200,
            Some(ResponseBody::Bytes(b"theirs".to_vec())),
        ),
        (
            answered_as(204, &given, AnswerBody::None),
            204,
            Some(ResponseBody::None),
        ),
        (
            answered_as(200, &given, AnswerBody::OverLimit),
            200,
            Some(ResponseBody::None),
        ),
        (BackendOutcome::Unanswered, 503, None),
        (BackendOutcome::NotAsked, 503, None),
    ] {
        let case = format!("{outcome:?}");
        let script = sends(1, AnswerHandling::Pass);
        let played = play(&script, &request(Body::None), &each(&[outcome])).unwrap();
        let response = played.response.unwrap();
        assert_eq!(response.status, status, "{case}");
        match expected {
            Some(body) => {
                let expected = Response {
                    status,
                    headers: headers(&given),
                    body,
                };
                assert_eq!(response, expected, "{case}");
            }
            None => {
                let rule = headers(&[("scimguard-rule", "upstream.unavailable")]);
                assert!(response.headers.contains(&rule[0]), "{case}");
            }
        }
        assert_eq!(script.heard().len(), 1, "{case}");
    }
}

#[test]
fn a_driver_keeps_every_decision_and_every_normalisation_and_stores_every_record() {
    let script = Script::new(vec![
        Verdict::Proceed(Proceed {
            changes: vec![change("normalise.first")],
            ..proceed()
        })
        .into(),
        Outcome::Forward(Forward {
            changes: vec![change("normalise.second")],
            records: vec![removal("u1")],
            ..forward()
        })
        .into(),
        Outcome::Proceed(Proceed {
            changes: vec![change("normalise.third")],
            account: None,
            ..proceed()
        })
        .into(),
        Outcome::Respond(Respond {
            records: vec![removal("u2")],
            ..respond()
        })
        .into(),
    ]);
    let users = ["u1", "u2", "u3"].map(|id| {
        json!({"account": ACCOUNT, "id": id, "userName": format!("{id}@example.com"), "managed_by": "okta"})
    });
    let mut table = Table::from_json(&json!({"users": users})).unwrap();
    let mut driver = Driver::new(&script);
    let played = driver
        .play(&request(Body::None), &each(&[answered(1)]), &mut table, 0)
        .unwrap();
    let stops: Vec<&str> = played
        .stops
        .iter()
        .map(|stop| match stop {
            Decided::Forward(_) => "forward",
            Decided::Reject(_) => "reject",
            Decided::Respond(_) => "respond",
        })
        .collect();
    assert_eq!(stops, ["forward", "respond"]);
    let left = table.ownership().users;
    let left: Vec<_> = left.into_iter().map(|user| user.key).collect();
    assert_eq!(left, ["u3"]);
    let journal = driver.journal();
    let rules: Vec<&str> = journal.changes.iter().map(|it| it.rule.as_str()).collect();
    assert_eq!(
        rules,
        ["normalise.first", "normalise.second", "normalise.third"]
    );
    assert_eq!(journal.records, [removal("u1"), removal("u2")]);
    assert_eq!(driver.journal(), Journal::default());
}

#[test]
fn a_decision_is_made_before_the_backend_is_asked_or_it_is_said_why_not() {
    let rejects = Reject {
        changes: vec![change("normalise.first")],
        ..reject(403)
    };
    let forwards = Forward {
        changes: vec![change("normalise.first")],
        ..forward()
    };
    let broken = "it is broken".to_owned();
    for (says, expected) in [
        (
            vec![Verdict::Reject(rejects.clone()).into()],
            Ok(Decided::Reject(rejects)),
        ),
        (
            vec![Verdict::Forward(forwards.clone()).into()],
            Ok(Decided::Forward(forwards)),
        ),
        (
            vec![Says::Fails("it is broken")],
            Err(Stuck::Trapped(broken)),
        ),
    ] {
        let case = format!("{says:?}");
        let script = Script::new(says);
        let mut driver = Driver::new(&script);
        let decided = driver.decide(&request(Body::None), &mut Table::default(), 0);
        let normalised = usize::from(decided.is_ok());
        assert_eq!(decided, expected, "{case}");
        assert_eq!(driver.journal().changes.len(), normalised, "{case}");
    }
}

#[test]
fn what_has_no_decision_says_why() {
    let another = Stuck::Another {
        method: "PUT".to_owned(),
        path: PATH.to_owned(),
    };
    for (stuck, expected) in [
        (Stuck::Trapped("it is broken".to_owned()), "it is broken"),
        (
            another,
            "the plugin sends another request to the backend (PUT /scim/ACC1/Users/u1), whose answer is not \
             given",
        ),
    ] {
        assert_eq!(stuck.to_string(), expected);
    }
}
