//! A policy that breaks the protocol of `wit/policy.wit` is refused with `plugin.trapped`; one that keeps it
//! up to its last allowed pass is not.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use scimguard_core::facts::{Answer, Fact, Key, Unseen, UserKey};
use scimguard_core::message::{Need, Proceed, Respond, ResponseBody};
use scimguard_core::{BackendOutcome, Body, Outcome, Request, Response, Settings, Verdict};
use scimguard_exchange::{Answer as End, Exchange, Found, Needed, Setup, Step};
use scimguard_interface::{Given, Observed, Pass, Policy};

const PASSES: u32 = 3;
const ROUNDS: u32 = 2;

/// How a test policy answers.
#[derive(Clone, Copy, Debug)]
enum Says {
    /// Asks this many times, then stops asking.
    Asks(u32),
    /// Proceeds this many times, then answers.
    Proceeds(u32),
    /// Asks about a user of another account.
    AsksOfOthers,
}

#[derive(Clone)]
struct Script {
    settings: Settings,
    says: Says,
    said: Arc<AtomicU32>,
    /// The number of passes begun.
    begun: Arc<AtomicU32>,
}

impl Script {
    fn new(says: Says) -> Self {
        Self {
            settings: Settings {
                body_limit: 1_000,
                answer_limit: 1_000,
                rounds: ROUNDS,
                passes: PASSES,
                scim_base: "/scim/{account}".to_owned(),
                upstream_base: "/scim/{account}".to_owned(),
                scim_account: None,
            },
            says,
            said: Arc::default(),
            begun: Arc::default(),
        }
    }

    /// Counts an answer; whether there were fewer than `times` before.
    fn again(&self, times: u32) -> bool {
        self.said.fetch_add(1, Ordering::Relaxed) < times
    }
}

impl Policy for Script {
    type Fault = Infallible;
    type Pass = Self;

    fn settings(&self) -> &Settings {
        &self.settings
    }

    fn pass(&self) -> Result<Self, Infallible> {
        self.begun.fetch_add(1, Ordering::Relaxed);
        Ok(self.clone())
    }
}

impl Pass for Script {
    type Fault = Infallible;

    fn evaluate(&mut self, _: Given<'_>) -> Result<Verdict, Infallible> {
        Ok(match self.says {
            Says::Asks(times) if self.again(times) => Verdict::Need(asks("A")),
            Says::AsksOfOthers => Verdict::Need(asks("B")),
            Says::Asks(_) => Verdict::Proceed(proceeds()),
            Says::Proceeds(_) => {
                self.said.store(1, Ordering::Relaxed);
                Verdict::Proceed(proceeds())
            }
        })
    }

    fn resume_evaluate(&mut self, given: Given<'_>) -> Result<Verdict, Infallible> {
        self.evaluate(given)
    }

    fn observe(&mut self, _: &Arc<Observed>, given: Given<'_>) -> Result<Outcome, Infallible> {
        self.resume_observe(given)
    }

    fn resume_observe(&mut self, _: Given<'_>) -> Result<Outcome, Infallible> {
        Ok(match self.says {
            Says::Proceeds(times) if self.again(times) => Outcome::Proceed(proceeds()),
            _ => Outcome::Respond(Respond {
                response: Response {
                    status: 204,
                    headers: Vec::new(),
                    body: ResponseBody::None,
                },
                records: Vec::new(),
                rule: None,
            }),
        })
    }
}

fn asks(account: &str) -> Need {
    Need {
        keys: vec![Key::User(UserKey {
            account: account.to_owned(),
            value: "u1".to_owned(),
            unseen: Unseen::Absent,
        })],
        body_limit: None,
    }
}

fn proceeds() -> Proceed {
    Proceed {
        records: Vec::new(),
        continuation: vec![1],
        changes: Vec::new(),
        rule: None,
        account: Some("A".to_owned()),
        verified_token: None,
    }
}

fn request(method: &str) -> Request {
    Request {
        method: method.to_owned(),
        path: "/scim/A/Users/u1".to_owned(),
        headers: Vec::new(),
        body: Body::Unread,
        annotate: false,
    }
}

fn end(says: Says) -> End {
    let setup = Arc::new(Setup::new(Script::new(says), false));
    let mut exchange = Exchange::new(setup, request("DELETE"), 0, ());
    let mut step = exchange.start();
    for _ in 0..20 {
        step = match step {
            Step::GetFacts(needed) => {
                let facts = needed.keys.into_iter().map(|key| Fact {
                    key,
                    answer: Answer::Absent,
                });
                let facts = Arc::new(facts.collect());
                exchange.facts(Ok(Found { now: 0, facts }))
            }
            Step::Store(_) => exchange.stored(Ok(())),
            Step::Respond(end) => return end,
            Step::ReadBody(_) | Step::Send(_) => panic!("{step:?} by {says:?}"),
        };
    }
    panic!("{says:?} never ends")
}

#[test]
fn a_policy_goes_on_as_often_as_it_may_and_no_more() {
    for (says, trapped) in [
        (Says::Asks(0), false),
        (Says::Asks(ROUNDS), false),
        (Says::Asks(ROUNDS + 1), true),
        (Says::Asks(u32::MAX), true),
        (Says::Proceeds(1), false),
        // The last allowed pass ends with a response.
        (Says::Proceeds(PASSES), false),
        (Says::Proceeds(PASSES + 1), true),
        (Says::Proceeds(u32::MAX), true),
        (Says::AsksOfOthers, true),
    ] {
        let end = end(says);
        let expected = match trapped {
            true => (500, Some("plugin.trapped")),
            false => (204, None),
        };
        assert_eq!(
            (end.response.status, end.rule.as_deref()),
            expected,
            "{says:?}"
        );
    }
}

#[test]
fn an_answer_that_nobody_asked_for_is_not_believed() {
    let setup = Arc::new(Setup::new(Script::new(Says::Asks(1)), false));
    let mut exchange = Exchange::new(setup, request("GET"), 0, ());
    assert!(matches!(exchange.start(), Step::GetFacts(_)));
    let Step::Respond(end) = exchange.answered(BackendOutcome::NotAsked) else {
        panic!("it does not stop")
    };
    assert_eq!(end.rule.as_deref(), Some("plugin.trapped"));
    let Step::Respond(end) = exchange.stored(Ok(())) else {
        panic!("it does not stop")
    };
    assert_eq!(end.rule.as_deref(), Some("plugin.trapped"));
}

#[test]
fn a_pass_begins_again_if_what_it_knows_does_not_hold_or_is_let_go_of() {
    for (holds, released, begun) in [(true, false, 1), (false, false, 2), (true, true, 2)] {
        let script = Script::new(Says::Asks(2));
        let setup = Arc::new(Setup::new(script.clone(), false));
        let mut exchange = Exchange::new(setup, request("DELETE"), 0, ());
        let fact = |needed: &Needed, answer| Fact {
            key: needed.keys[0].clone(),
            answer,
        };
        let found = |facts: Vec<Fact>| {
            let facts = Arc::new(facts);
            Ok(Found { now: 0, facts })
        };
        let Step::GetFacts(needed) = exchange.start() else {
            panic!("it asks for nothing")
        };
        let first = fact(&needed, Answer::Absent);
        let Step::GetFacts(needed) = exchange.facts(found(vec![first.clone()])) else {
            panic!("it asks once")
        };
        if released {
            exchange.release();
        }
        let first = match holds {
            true => first,
            false => fact(&needed, Answer::Unavailable),
        };
        let facts = vec![first, fact(&needed, Answer::Absent)];
        assert!(matches!(exchange.facts(found(facts)), Step::Store(_)));
        assert_eq!(script.begun.load(Ordering::Relaxed), begun);
    }
}
