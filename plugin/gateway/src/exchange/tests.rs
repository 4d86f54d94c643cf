use std::rc::Rc;

use scimguard_core::facts::{Fact, Table};
use scimguard_core::message::{AnswerBody, BackendAnswer, BackendOutcome, ResponseBody};
use scimguard_core::{Body, Guard};
use scimguard_wire::{Ask, Facts, Pass, Stage, Tell};
use serde_json::{Value, json};

use super::{Answer, Exchange, Gateway, Incoming, Next, Outgoing, Send};
use crate::{Refused, Unserved};

const NOW: u64 = 1_780_272_000_000;
const BASE: &str = "/gateway/ng/api/scim/account/ACC1";

/// A request on its way, with everything around it that answers.
struct Scene {
    exchange: Exchange,
    next: Option<Next>,
    table: Table,
    keys: Vec<scimguard_core::facts::Key>,
    body: Vec<u8>,
    /// What was done, in order.
    done: Vec<Done>,
    told: Vec<Tell>,
    sent: Vec<Send>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Done {
    Ask,
    ReadBody,
    AskAfter,
    Tell,
    Send,
}

fn incoming(method: &str, path: &str, headers: &[(&str, &str)]) -> Incoming {
    Incoming {
        method: method.to_owned(),
        path: path.to_owned(),
        authority: Some(b"guard.example.com".to_vec()),
        headers: headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()))
            .collect(),
        source: Some("192.0.2.7".to_owned()),
    }
}

impl Scene {
    fn of(method: &str, path: &str, headers: &[(&str, &str)], body: &Value) -> Self {
        let guard = Guard::configure(r#"{"version": 1, "preset": "harness"}"#).unwrap();
        let incoming = incoming(method, path, headers);
        let gateway = Rc::new(Gateway::new(guard, false));
        let (exchange, next) = Exchange::begin(gateway, incoming, NOW);
        Self {
            exchange,
            next: Some(next),
            table: table(),
            keys: Vec::new(),
            body: match body {
                Value::Null => Vec::new(),
                body => body.to_string().into_bytes(),
            },
            done: Vec::new(),
            told: Vec::new(),
            sent: Vec::new(),
        }
    }

    /// Goes on by one step; the service and the application fail if `fails`. The answer at the end.
    fn step(&mut self, fails: bool) -> Option<Answer> {
        let next = match self.next.take().unwrap() {
            Next::Answer(answer) => return Some(answer),
            Next::ReadBody(limit) => {
                self.done.push(Done::ReadBody);
                assert!(self.body.len() as u64 <= limit);
                self.exchange.body(match self.body.is_empty() {
                    true => Body::None,
                    false => Body::Bytes(self.body.clone()),
                })
            }
            Next::Ask(ask) => {
                self.done.push(match ask.stage {
                    Stage::Decide => Done::Ask,
                    Stage::Observe => Done::AskAfter,
                });
                let facts = self.facts(ask);
                self.exchange.facts(match fails {
                    true => Err(Unserved::Silent),
                    false => Ok(facts),
                })
            }
            Next::Tell(tell) => {
                self.done.push(Done::Tell);
                self.told.push(tell);
                self.exchange.told(match fails {
                    true => Err(Unserved::Silent),
                    false => Ok(()),
                })
            }
            Next::Send(send) => {
                self.done.push(Done::Send);
                self.sent.push(send);
                self.exchange.answered(match fails {
                    true => BackendOutcome::Unanswered,
                    false => created(),
                })
            }
        };
        self.next = Some(next);
        None
    }

    fn run(&mut self, failing: Option<usize>) -> Answer {
        for number in 0..20 {
            if let Some(answer) = self.step(failing == Some(number)) {
                return answer;
            }
        }
        panic!("no answer: {:?}", self.done);
    }

    fn facts(&mut self, ask: Ask) -> Facts {
        if ask.first {
            self.keys.clear();
        }
        self.keys.extend(ask.keys);
        let facts = self.keys.iter().map(|key| Fact {
            key: key.clone(),
            answer: self.table.answer(key),
        });
        Facts {
            pass: Pass("a pass".to_owned()),
            now: NOW,
            facts: facts.collect(),
        }
    }
}

fn table() -> Table {
    let permissions = [
        "core_user_view",
        "core_user_manage",
        "core_user_invite",
        "core_usergroup_view",
        "core_usergroup_manage",
    ];
    let facts = json!({
        "tokens": [{
            "token": "pat.ACC1.tok1.s3cret", "account": "ACC1", "principal": "svc-okta",
            "provider": "okta",
        }],
        "principals": [{
            "account": "ACC1", "id": "svc-okta", "kind": "service-account",
            "permissions": permissions,
        }],
        "groups": [{
            "account": "ACC1", "id": "team", "displayName": "team", "managed_by": "okta",
        }],
    });
    Table::from_json(&facts).unwrap()
}

/// Okta creates a user.
fn creating() -> Scene {
    let headers = [
        ("authorization", "Bearer pat.ACC1.tok1.s3cret"),
        ("cookie", "session=1"),
        ("content-type", "application/scim+json"),
    ];
    let body = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": "ann@example.com",
        "locale": "en-US",
    });
    Scene::of("POST", &format!("{BASE}/Users"), &headers, &body)
}

fn created() -> BackendOutcome {
    let body = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "id": "u1",
        "userName": "ann@example.com",
    });
    BackendOutcome::Answered(BackendAnswer {
        status: 201,
        headers: vec![("content-type".to_owned(), b"application/scim+json".to_vec())],
        body: AnswerBody::Bytes(body.to_string().into_bytes()),
    })
}

const WHOLE_WAY: [Done; 7] = [
    Done::Ask,
    Done::ReadBody,
    Done::Ask,
    Done::Tell,
    Done::Send,
    Done::AskAfter,
    Done::Tell,
];

#[test]
fn the_token_comes_before_the_body_the_intent_before_the_application_the_record_before_the_answer()
{
    let mut scene = creating();
    let answer = scene.run(None);
    assert_eq!((answer.response.status, answer.rule), (201, None));
    assert_eq!(scene.done, WHOLE_WAY);
    let [intent, record] = &scene.told[..] else {
        panic!("{:?}", scene.told);
    };
    assert!(!intent.end && !intent.records.is_empty() && intent.verdict.is_some());
    assert!(record.end && !record.records.is_empty() && record.verdict.is_none());
    assert!(answer.farewell.is_none(), "the pass has ended already");
    let Outgoing::Whole(body) = &scene.sent[0].body else {
        panic!("{:?}", scene.sent);
    };
    assert!(!String::from_utf8_lossy(body).contains("locale"));
}

#[test]
fn the_service_learns_the_token_and_no_cookie() {
    let mut scene = creating();
    scene.run(None);
    for tell in &scene.told {
        let names: Vec<_> = tell.head.credentials.iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["authorization"]);
    }
}

#[test]
fn whatever_fails_nothing_that_is_undecided_is_sent_and_nothing_unrecorded_is_answered() {
    for (position, step) in WHOLE_WAY.iter().enumerate() {
        if *step == Done::ReadBody {
            continue;
        }
        let mut scene = creating();
        let answer = scene.run(Some(position));
        let rule = match step {
            Done::Send => "upstream.unavailable",
            _ => "facts.unavailable",
        };
        assert_eq!(answer.rule.as_deref(), Some(rule), "at step {position}");
        assert!(matches!(answer.response.status, 502..=504));
        assert_eq!(scene.sent.len(), usize::from(position >= 4));
    }
}

#[test]
fn who_goes_away_leaves_no_pass_open() {
    for steps in 0..=WHOLE_WAY.len() {
        let mut scene = creating();
        for _ in 0..steps {
            assert!(scene.step(false).is_none());
        }
        let farewell = scene.exchange.abandoned();
        match steps {
            // None was begun, or what ends it is being told.
            0 | 6 | 7 => assert!(farewell.is_none(), "after {steps} steps: {farewell:?}"),
            _ => assert!(farewell.unwrap().end, "after {steps} steps"),
        }
    }
}

#[test]
fn wrong_credentials_are_told_and_the_services_word_on_them_stands() {
    let wrong = [("authorization", "Bearer pat.ACC1.tok1.wrong")];
    let path = format!("{BASE}/Users");
    let mut scene = Scene::of("GET", &path, &wrong, &Value::Null);
    let answer = scene.run(None);
    assert_eq!(answer.rule.as_deref(), Some("token.unknown"));
    let verdict = scene.told[0].verdict.as_ref().unwrap();
    assert_eq!((verdict.status, scene.told[0].end), (Some(401), true));

    let mut scene = Scene::of("GET", &path, &wrong, &Value::Null);
    while !matches!(scene.next, Some(Next::Tell(_))) {
        scene.step(false);
    }
    let slowed = Refused {
        retry_after: Some(9),
        ..Refused::new("rate.limited", "Too many wrong credentials.")
    };
    let next = scene.exchange.told(Err(Unserved::Refused(slowed)));
    let Next::Answer(answer) = next else {
        panic!("{next:?}");
    };
    assert_eq!(answer.rule.as_deref(), Some("rate.limited"));
    assert!(matches!(answer.response.body, ResponseBody::Bytes(_)));

    // The service is not asked about the next one from there, but about whom it has not slowed down.
    let again = |token: &str, path: &str| {
        let incoming = incoming("GET", path, &[("authorization", token)]);
        Exchange::begin(Rc::clone(&scene.exchange.gateway), incoming, NOW).1
    };
    match again("Bearer pat.ACC1.tok1.another", &path) {
        Next::Answer(answer) => assert_eq!(answer.rule.as_deref(), Some("rate.limited")),
        other => panic!("{other:?}"),
    }
    let management = "/gateway/ng/api/user-groups/team?accountIdentifier=ACC1";
    assert!(!matches!(
        again("Bearer of a session", management),
        Next::Answer(_)
    ));
}

#[test]
fn what_two_parsers_could_read_differently_is_refused_before_anybody_is_asked() {
    for (path, headers) in [
        ("/gateway/ng/api/user-groups//x", vec![]),
        ("/gateway/ng/api/%2e%2e/x", vec![]),
        (
            "/gateway/ng/api/user-groups/x",
            vec![("host", "other.example.com")],
        ),
    ] {
        let mut scene = Scene::of("DELETE", path, &headers, &Value::Null);
        let answer = scene.run(None);
        assert_eq!(
            answer.rule.as_deref(),
            Some("route.ambiguous-path"),
            "{path}"
        );
        assert_eq!(scene.done, [], "{path}");
    }
}

#[test]
fn whoever_waits_for_a_body_holds_no_pass_and_asks_for_everything_again() {
    let mut scene = creating();
    scene.step(false);
    assert!(matches!(scene.next, Some(Next::ReadBody(_))));
    let ended = scene.exchange.suspend().unwrap();
    assert!(ended.end && ended.pass.is_some() && ended.verdict.is_none());
    assert!(
        scene.exchange.suspend().is_none(),
        "nothing is held any more"
    );
    let answer = scene.run(None);
    assert_eq!((answer.response.status, answer.rule), (201, None));
    // The token again, under a pass of its own, and then what the body needs.
    let [ask, read, rest @ ..] = &WHOLE_WAY;
    let expected = [&[*ask, *read, Done::Ask][..], rest].concat();
    assert_eq!(scene.done, expected);
}

#[test]
fn what_the_gateway_cannot_hold_is_refused_before_anything_is_recorded() {
    let mut scene = creating();
    scene.exchange.gateway.set_room(10);
    let answer = scene.run(None);
    assert_eq!(answer.rule.as_deref(), Some("body.too-large"));
    assert!(scene.told.is_empty() && scene.sent.is_empty());
    assert!(answer.farewell.unwrap().end);
}

#[test]
fn what_did_not_reach_the_application_leaves_no_intent() {
    let mut scene = creating();
    for _ in 0..4 {
        assert!(scene.step(false).is_none());
    }
    assert!(matches!(scene.next, Some(Next::Send(_))));
    let answer = scene.exchange.undelivered(&Refused::no_room(10));
    let ended = answer.farewell.unwrap();
    assert!(ended.end && !ended.records.is_empty(), "{ended:?}");
}
