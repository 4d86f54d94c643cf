#[path = "../../../core/tests/fixtures/mod.rs"]
mod fixtures;

use std::sync::Arc;

use scimguard_core::facts::{Fact, Table};
use scimguard_core::message::{AnswerBody, BackendAnswer, BackendOutcome, ResponseBody};
use scimguard_core::{Body, Guard};
use scimguard_wire::{FactsRequest, FactsResponse, Pass, RecordsRequest, Stage};
use serde_json::{Value, json};

use fixtures::BASE;

use super::{Answer, Exchange, Incoming, Outgoing, Send, Step};
use crate::{Refused, Remote, Setup, Strangers};

const NOW: u64 = 1_780_272_000_000;

/// A request in progress, with everything that answers it.
struct TestBed {
    exchange: Exchange<Guard>,
    remote: Remote,
    strangers: Arc<Strangers>,
    step: Option<Step>,
    table: Table,
    keys: Vec<scimguard_core::facts::Key>,
    body: Vec<u8>,
    /// What was done, in order.
    done: Vec<Done>,
    told: Vec<RecordsRequest>,
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

fn remote(strangers: &Arc<Strangers>, incoming: &Incoming) -> Remote {
    let source = Some("192.0.2.7".to_owned());
    Remote::new(Arc::clone(strangers), incoming, source, NOW)
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
    }
}

impl TestBed {
    fn of(method: &str, path: &str, headers: &[(&str, &str)], body: &Value) -> Self {
        let guard = fixtures::guard("");
        let incoming = incoming(method, path, headers);
        let strangers = Arc::default();
        let remote = remote(&strangers, &incoming);
        let (exchange, step) = Exchange::begin(Arc::new(Setup::new(guard, false)), incoming, NOW);
        Self {
            exchange,
            remote,
            strangers,
            step: Some(step),
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

    /// Performs one step; the service and the application fail if `fails`. Returns the answer at the end.
    fn step(&mut self, fails: bool) -> Option<Answer> {
        let step = match self.step.take().unwrap() {
            Step::Respond(answer) => return Some(answer),
            Step::ReadBody(limit) => {
                self.done.push(Done::ReadBody);
                assert!(self.body.len() as u64 <= limit);
                self.exchange.body(match self.body.is_empty() {
                    true => Body::None,
                    false => Body::Bytes(self.body.clone()),
                })
            }
            Step::GetFacts(needed) => {
                let asked = self.remote.ask(needed).unwrap();
                self.done.push(match asked.stage {
                    Stage::Decide => Done::Ask,
                    Stage::Observe => Done::AskAfter,
                });
                let answer = serde_json::to_vec(&self.facts(asked)).unwrap();
                let found = match fails {
                    true => self.remote.found(0, b""),
                    false => self.remote.found(200, &answer),
                };
                self.exchange.facts(found)
            }
            Step::Store(report) => match self.remote.tell(report) {
                Some(told) => {
                    self.done.push(Done::Tell);
                    self.told.push(told);
                    let status = if fails { 0 } else { 204 };
                    self.exchange.stored(self.remote.stored(status, b""))
                }
                None => self.exchange.stored(Ok(())),
            },
            Step::Send(send) => {
                self.done.push(Done::Send);
                self.sent.push(send);
                self.exchange.answered(match fails {
                    true => BackendOutcome::Unanswered,
                    false => created(),
                })
            }
        };
        self.step = Some(step);
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

    fn facts(&mut self, ask: FactsRequest) -> FactsResponse {
        if ask.first {
            self.keys.clear();
        }
        self.keys.extend(ask.keys);
        let facts = self.keys.iter().map(|key| Fact {
            key: key.clone(),
            answer: self.table.answer(key),
        });
        FactsResponse {
            unsettled: true,
            pass: Pass("a pass".to_owned()),
            now: NOW,
            facts: facts.collect(),
        }
    }
}

fn table() -> Table {
    fixtures::table(json!({
        "groups": [{"account": "ACC1", "id": "team", "displayName": "team", "managed_by": "okta"}],
    }))
}

/// Okta creates a user.
fn creating() -> TestBed {
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
    TestBed::of("POST", &format!("{BASE}/Users"), &headers, &body)
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
    let mut bed = creating();
    let answer = bed.run(None);
    assert_eq!((answer.response.status, answer.rule), (201, None));
    assert_eq!(bed.done, WHOLE_WAY);
    let [intent, record] = &bed.told[..] else {
        panic!("{:?}", bed.told);
    };
    assert!(!intent.end && !intent.records.is_empty() && intent.verdict.is_some());
    assert!(record.end && !record.records.is_empty() && record.verdict.is_none());
    assert!(answer.final_report.is_none(), "the pass has ended already");
    let Outgoing::Whole(body) = &bed.sent[0].body else {
        panic!("{:?}", bed.sent);
    };
    assert!(!String::from_utf8_lossy(body).contains("locale"));
}

#[test]
fn the_service_learns_the_token_and_no_cookie() {
    let mut bed = creating();
    bed.run(None);
    for tell in &bed.told {
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
        let mut bed = creating();
        let answer = bed.run(Some(position));
        let rule = match step {
            Done::Send => "upstream.unavailable",
            _ => "facts.unavailable",
        };
        assert_eq!(answer.rule.as_deref(), Some(rule), "at step {position}");
        assert!(matches!(answer.response.status, 502..=504));
        assert_eq!(bed.sent.len(), usize::from(position >= 4));
    }
}

#[test]
fn who_goes_away_leaves_no_pass_open() {
    for steps in 0..=WHOLE_WAY.len() {
        let mut bed = creating();
        for _ in 0..steps {
            assert!(bed.step(false).is_none());
        }
        let report = bed.exchange.abandoned();
        match steps {
            // No pass has begun, or its end is already being reported.
            0 | 6 | 7 => assert!(report.is_none(), "after {steps} steps: {report:?}"),
            _ => assert!(report.unwrap().ends, "after {steps} steps"),
        }
    }
}

#[test]
fn wrong_credentials_are_told_and_the_services_word_on_them_stands() {
    let wrong = [("authorization", "Bearer pat.ACC1.tok1.wrong")];
    let path = format!("{BASE}/Users");
    let mut bed = TestBed::of("GET", &path, &wrong, &Value::Null);
    let answer = bed.run(None);
    assert_eq!(answer.rule.as_deref(), Some("token.unknown"));
    let verdict = bed.told[0].verdict.as_ref().unwrap();
    assert_eq!((verdict.status, bed.told[0].end), (Some(401), true));

    let mut bed = TestBed::of("GET", &path, &wrong, &Value::Null);
    while !matches!(bed.step, Some(Step::Store(_))) {
        bed.step(false);
    }
    let Some(Step::Store(report)) = bed.step.take() else {
        panic!("{:?}", bed.done)
    };
    bed.remote.tell(report).unwrap();
    let slowed = br#"{"rule": "rate.limited", "detail": "Too many.", "retry_after": 9}"#;
    let step = bed.exchange.stored(bed.remote.stored(429, slowed));
    let Step::Respond(answer) = step else {
        panic!("{step:?}");
    };
    assert_eq!(answer.rule.as_deref(), Some("rate.limited"));
    assert!(matches!(answer.response.body, ResponseBody::Bytes(_)));

    // The service is no longer asked about tokens from there, only about everything else.
    let another = [("authorization", "Bearer pat.ACC1.tok1.another")];
    let again = remote(&bed.strangers, &incoming("GET", &path, &another));
    let mut bed = TestBed::of("GET", &path, &another, &Value::Null);
    let Some(Step::GetFacts(needed)) = bed.step.take() else {
        panic!("{:?}", bed.done)
    };
    let asked = again.ask(needed).unwrap_err();
    let Step::Respond(answer) = bed.exchange.facts(Err(asked)) else {
        panic!("{:?}", bed.done)
    };
    assert_eq!(answer.rule.as_deref(), Some("rate.limited"));
    let management = "/gateway/ng/api/user-groups/team?accountIdentifier=ACC1";
    let mut bed = TestBed::of("DELETE", management, &another, &Value::Null);
    assert!(bed.step(false).is_none(), "there is no body");
    let step = bed.step.take();
    let Some(Step::GetFacts(needed)) = step else {
        panic!("{step:?}");
    };
    assert!(again.ask(needed).is_ok());
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
        let mut bed = TestBed::of("DELETE", path, &headers, &Value::Null);
        let answer = bed.run(None);
        assert_eq!(
            answer.rule.as_deref(),
            Some("route.ambiguous-path"),
            "{path}"
        );
        assert_eq!(bed.done, [], "{path}");
    }
}

#[test]
fn whoever_waits_for_a_body_holds_no_pass_and_asks_for_everything_again() {
    let mut bed = creating();
    bed.step(false);
    assert!(matches!(bed.step, Some(Step::ReadBody(_))));
    let ended = bed.exchange.suspend().unwrap();
    let ended = bed.remote.tell(ended).unwrap();
    assert!(ended.end && ended.pass.is_some() && ended.verdict.is_none());
    assert!(
        bed.exchange.suspend().is_none(),
        "nothing is held any longer"
    );
    let answer = bed.run(None);
    assert_eq!((answer.response.status, answer.rule), (201, None));
    // Asks for the token again in a new pass, and then for the body's needs.
    let [ask, read, rest @ ..] = &WHOLE_WAY;
    let expected = [&[*ask, *read, Done::Ask][..], rest].concat();
    assert_eq!(bed.done, expected);
}

#[test]
fn what_the_gateway_cannot_hold_is_refused_before_anything_is_recorded() {
    let mut bed = creating();
    bed.exchange.setup.set_room(10);
    let answer = bed.run(None);
    assert_eq!(answer.rule.as_deref(), Some("body.too-large"));
    assert!(bed.told.is_empty() && bed.sent.is_empty());
    assert!(answer.final_report.unwrap().ends);
}

#[test]
fn what_did_not_reach_the_application_leaves_no_intent() {
    let mut bed = creating();
    for _ in 0..4 {
        assert!(bed.step(false).is_none());
    }
    assert!(matches!(bed.step, Some(Step::Send(_))));
    let answer = bed.exchange.undelivered(&Refused::no_room(10));
    let ended = answer.final_report.unwrap();
    assert!(ended.ends && !ended.records.is_empty(), "{ended:?}");
}
