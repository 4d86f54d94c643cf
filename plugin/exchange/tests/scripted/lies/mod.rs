//! A policy that lies: whatever does not belong to the request is refused, and nothing is looked up, stored
//! or sent because of it. Next to each lie is the truth that it resembles most.

mod accounts;
mod claims;
mod every;
mod foreseen;
mod goodness;
mod lending;
mod questions;
mod records;
mod repeated;
mod targets;
mod tokens;

use std::fmt::Debug;
use std::sync::Arc;

use scimguard_core::facts::{Answer, Fact, Key};
use scimguard_core::message::{AnswerBody, AnswerHandling};
use scimguard_core::record::Record;
use scimguard_core::{Body, Forward, Outcome, Proceed, Request, Respond, Verdict, sha256_hex};
use scimguard_exchange::{Exchange, Found, Send, Setup, Step, Witness};
use serde_json::Value;

use self::claims::{Claim, proceeds};
use crate::script::facts::{
    NOW, OTHERS, OWN, other, own, stored, token_key, user_key, user_key_of, verified_key, vouched,
};
use crate::script::says::{answered_with, need_keys, request, respond};
use crate::script::{Says, Script};

const USERS: &str = "/scim/ACC1/Users";
const MANAGED: &str = "/manage/groups?accountIdentifier=ACC1";
/// Names no account.
const UNNAMED: &str = "/manage/groups";

const OTHER_ACCOUNT: &str = "it names another account than the request's";
const CHANGED_ACCOUNT: &str = "it names another account than before";
const CHANGED_TOKEN: &str = "it names another token than before";
const NO_SUCH_TOKEN: &str = "it accepts a token that the request does not have";

/// A request, and what is known about it.
#[derive(Clone)]
struct Client {
    request: Request,
    facts: Vec<Fact>,
    lends: bool,
}

impl Client {
    fn at(path: &str) -> Self {
        Self {
            request: Request {
                method: "POST".to_owned(),
                path: path.to_owned(),
                ..request(Body::default())
            },
            facts: Vec::new(),
            lends: false,
        }
    }

    /// With the token `own`, which is good.
    fn own(path: &str) -> Self {
        Self::at(path).bearing(OWN).knowing(stored(OWN, own()))
    }

    fn with(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        let header = (name.to_owned(), value.into());
        self.request.headers.push(header);
        self
    }

    fn bearing(self, token: &str) -> Self {
        self.with("authorization", format!("Bearer {token}"))
    }

    fn sending(mut self, body: Body) -> Self {
        self.request.body = body;
        self
    }

    fn json(self, body: &Value) -> Self {
        self.sending(Body::Bytes(body.to_string().into_bytes()))
    }

    fn knowing(mut self, fact: Fact) -> Self {
        self.facts.push(fact);
        self
    }

    fn found(&self) -> Found {
        Found {
            now: NOW,
            facts: Arc::new(self.facts.clone()),
        }
    }

    /// In front of a guard that has a credential of its own.
    fn lent(self) -> Self {
        Self {
            lends: true,
            ..self
        }
    }
}

/// What came of the last thing that the policy said.
#[derive(Debug, Default)]
struct End {
    status: u16,
    rule: Option<String>,
    /// Why the policy was not believed.
    why: Option<String>,
    asked: Vec<Key>,
    stored: Vec<Record>,
    sent: Vec<Send>,
}

/// Keeps why the policy was not believed.
#[derive(Default)]
struct Why(Option<String>);

impl Witness for Why {
    fn trapped(&mut self, why: &str) {
        self.0 = Some(why.to_owned());
    }
}

/// A policy that says this and then ends the request.
fn setup(client: &Client, says: &[Says]) -> (Setup<Script>, Script) {
    let script = Script::new([says, &[Says::Ends]].concat());
    let setup = Setup::new(script.clone(), false).lending(client.lends);
    (setup, script)
}

fn begin(client: &Client, says: &[Says]) -> (Exchange<Script, Why>, Script) {
    let (setup, script) = setup(client, says);
    let request = client.request.clone();
    let exchange = Exchange::new(Arc::new(setup), request, NOW, Why::default());
    (exchange, script)
}

fn run(client: &Client, says: &[Says]) -> End {
    let (mut exchange, script) = begin(client, says);
    let mut step = exchange.start();
    let mut end = End::default();
    let answer = loop {
        let is_last = script.left() == 0;
        step = match step {
            Step::ReadBody(_) => panic!("nobody asked for the body"),
            Step::GetFacts(needed) => {
                if is_last {
                    end.asked.extend(needed.keys);
                }
                exchange.facts(Ok(client.found()))
            }
            Step::Store(report) => {
                if is_last {
                    end.stored.extend(report.records);
                }
                exchange.stored(Ok(()))
            }
            Step::Send(send) => {
                let is_observed = send.observe;
                if is_last {
                    end.sent.push(send);
                }
                if !is_observed {
                    break None;
                }
                exchange.answered(answered_with(AnswerBody::None))
            }
            Step::Respond(answer) => break Some(answer),
        };
    };
    end.status = answer.as_ref().map_or(204, |answer| answer.response.status);
    if let Some(answer) = answer {
        end.rule = answer.rule;
        let last = answer.final_report.map(|report| report.records);
        end.stored.extend(last.unwrap_or_default());
    }
    end.why = exchange.into_witness().0;
    assert_eq!(script.left(), 0, "it ended early: {end:?}");
    end
}

/// The policy's last answer is refused for this reason, before anything was done because of it.
#[track_caller]
fn assert_lie(client: &Client, says: &[Says], why: &str, case: impl Debug) {
    let end = run(client, says);
    let refused = (end.status, end.rule.as_deref());
    assert_eq!(refused, (500, Some("plugin.trapped")), "{case:?}: {end:?}");
    let is_why = end.why.as_ref().is_some_and(|it| it.starts_with(why));
    assert!(is_why, "{case:?}: {why}: {end:?}");
    let nothing = end.asked.is_empty() && end.stored.is_empty() && end.sent.is_empty();
    assert!(nothing, "{case:?}: {end:?}");
}

#[track_caller]
fn assert_true(client: &Client, says: &[Says], case: impl Debug) -> End {
    let end = run(client, says);
    assert_eq!((end.status, &end.why), (204, &None), "{case:?}: {end:?}");
    end
}
