//! Drives one exchange over a record in memory, in front of an application.

use std::fmt::Display;
use std::sync::Arc;

use scimguard_core::facts::{Fact, Key, Table};
use scimguard_core::message::{AnswerBody, ResponseBody};
use scimguard_core::{BackendOutcome, Body, Request, Response};
use scimguard_exchange::{Exchange, Found, Incoming, Outgoing, Refused, Send, Setup, Step};
use scimguard_interface::Policy;

pub(crate) const NOW: u64 = 1_780_000_000_000;

/// How a request ended.
#[allow(dead_code, reason = "not every suite counts")]
pub(crate) struct Driven {
    pub(crate) response: Response,
    /// The rule behind the response, unless it is the application's.
    pub(crate) rule: Option<String>,
    /// What the driver did: reads, look-ups, stores and requests to the application.
    pub(crate) steps: u32,
    /// How often the application was asked.
    pub(crate) sent: u32,
}

/// Plays one request. What it records is applied to the table.
pub(crate) fn drive<P>(
    setup: &Arc<Setup<P>>,
    request: &Request,
    table: &mut Table,
    mut application: impl FnMut(&Sent<'_>) -> BackendOutcome,
) -> Driven
where
    P: Policy<Fault: Into<Refused> + Display>,
{
    let incoming = Incoming {
        method: request.method.clone(),
        path: request.path.clone(),
        authority: None,
        headers: request.headers.clone(),
    };
    let (mut exchange, mut step) = Exchange::begin(Arc::clone(setup), incoming, NOW);
    let mut keys: Vec<Key> = Vec::new();
    let (mut steps, mut sent) = (0, 0);
    loop {
        steps += 1;
        step = match step {
            Step::ReadBody(limit) => exchange.body(match &request.body {
                Body::Bytes(bytes) if bytes.len() as u64 > limit => Body::OverLimit,
                body => body.clone(),
            }),
            Step::GetFacts(needed) => {
                if needed.first {
                    keys.clear();
                }
                for key in needed.keys {
                    if !keys.contains(&key) {
                        keys.push(key);
                    }
                }
                let answers = table.answer_all(&keys);
                let facts = keys.iter().cloned().zip(answers);
                let facts = facts.map(|(key, answer)| Fact { key, answer }).collect();
                let facts = Arc::new(facts);
                exchange.facts(Ok(Found { now: NOW, facts }))
            }
            Step::Store(report) => {
                report.records.iter().for_each(|record| table.apply(record));
                exchange.stored(Ok(()))
            }
            Step::Send(send) => {
                sent += 1;
                let outcome = application(&Sent::of(&send, request));
                if !send.observe {
                    let last = send.final_report.into_iter();
                    let records = last.flat_map(|report| report.records);
                    records.for_each(|record| table.apply(&record));
                    let (response, rule) = (passed(outcome), None);
                    return Driven {
                        response,
                        rule,
                        steps,
                        sent,
                    };
                }
                exchange.answered(outcome)
            }
            Step::Respond(answer) => {
                let last = answer.final_report.into_iter();
                let records = last.flat_map(|report| report.records);
                records.for_each(|record| table.apply(&record));
                return Driven {
                    response: answer.response,
                    rule: answer.rule,
                    steps,
                    sent,
                };
            }
        };
    }
}

/// A request as the application gets it.
pub(crate) struct Sent<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) body: &'a [u8],
}

impl<'a> Sent<'a> {
    fn of(send: &'a Send, request: &'a Request) -> Self {
        let body = match (&send.body, &request.body) {
            (Outgoing::Whole(bytes), _) => bytes,
            (Outgoing::AsItComes, Body::Bytes(bytes)) => bytes,
            _ => [].as_slice(),
        };
        Self {
            method: &send.method,
            path: &send.path,
            body,
        }
    }
}

/// The response when the answer is passed on as it came.
fn passed(outcome: BackendOutcome) -> Response {
    let (status, headers, body) = match outcome {
        BackendOutcome::Answered(answer) => (answer.status, answer.headers, answer.body),
        BackendOutcome::Unanswered | BackendOutcome::NotAsked => {
            (503, Vec::new(), AnswerBody::None)
        }
    };
    let body = match body {
        AnswerBody::Bytes(bytes) => ResponseBody::Bytes(bytes),
        AnswerBody::None | AnswerBody::OverLimit => ResponseBody::None,
    };
    Response {
        status,
        headers,
        body,
    }
}
