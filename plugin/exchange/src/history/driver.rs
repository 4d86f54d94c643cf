//! Drives exchanges over a record in memory.

use std::collections::BTreeSet;
use std::fmt;
use std::fmt::Display;
use std::sync::Arc;

use scimguard_core::facts::{Fact, Key, Table};
use scimguard_core::history::{Answers, Decided};
use scimguard_core::message::{AnswerBody, BackendAnswer, ResponseBody};
use scimguard_core::record::Record;
use scimguard_core::{BackendOutcome, Body, ErrorForm, Normalisation, Request, Response, refusal};
use scimguard_interface::Policy;

use super::watcher::Watcher;
use crate::{Exchange, Found, Refused, Report, Send, Setup, Step};

/// A policy, and the results of the requests that it decided.
pub struct Driver<P> {
    setup: Arc<Setup<P>>,
    journal: Journal,
}

/// The results of several requests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Journal {
    /// The normalisations of every part.
    pub changes: Vec<Normalisation>,
    /// The records stored.
    pub records: Vec<Record>,
}

/// The result of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Played {
    /// The decisions: on the request, then after each answer of the backend.
    pub stops: Vec<Decided>,
    /// The response to the client, with its body; `None` while an answer is awaited.
    pub response: Option<Response>,
}

/// Why there is no decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stuck {
    /// The policy failed or broke the protocol, for this reason.
    Trapped(String),
    /// The backend has fewer answers than requests.
    Another {
        /// The method of the request without an answer.
        method: String,
        /// Its path.
        path: String,
    },
}

impl<P: Policy<Fault: Into<Refused> + Display>> Driver<P> {
    /// A driver of this policy.
    #[must_use]
    pub fn new(policy: P) -> Self {
        Self {
            setup: Arc::new(Setup::new(policy, false)),
            journal: Journal::default(),
        }
    }

    /// Takes the results since the last call.
    pub fn journal(&mut self) -> Journal {
        std::mem::take(&mut self.journal)
    }

    /// Decides a request before the backend is asked, and applies its records to the table. `now` is in
    /// milliseconds since 1970.
    ///
    /// # Errors
    /// There is no decision.
    pub fn decide(
        &mut self,
        request: &Request,
        table: &mut Table,
        now: u64,
    ) -> Result<Decided, Stuck> {
        let played = self.play(request, &Answers::Awaited, table, now)?;
        let decided = played.stops.into_iter().next();
        decided.ok_or_else(|| Stuck::Trapped("it made no decision".to_owned()))
    }

    /// Plays one request and applies its records to the table. The policy gets the body only if it asks for
    /// it. `now` is in milliseconds since 1970.
    ///
    /// # Errors
    /// There is no decision, or an answer of the backend is missing.
    pub fn play(
        &mut self,
        request: &Request,
        answers: &Answers,
        table: &mut Table,
        now: u64,
    ) -> Result<Played, Stuck> {
        let head = Request {
            body: Body::Unread,
            ..request.clone()
        };
        let limit = self.setup.answer_limit();
        let setup = Arc::clone(&self.setup);
        let mut exchange = Exchange::new(setup, head, now, Watcher::default());
        let mut step = exchange.start();
        let mut keys: Vec<Key> = Vec::new();
        let mut sent = 0;
        let response = loop {
            step = match step {
                Step::ReadBody(limit) => exchange.body(match &request.body {
                    Body::Bytes(bytes) if bytes.len() as u64 > limit => Body::OverLimit,
                    body => body.clone(),
                }),
                Step::GetFacts(needed) => {
                    if needed.first {
                        keys.clear();
                    }
                    let known: BTreeSet<&Key> = keys.iter().collect();
                    let new = needed.keys.into_iter();
                    let new: Vec<Key> = new.filter(|key| !known.contains(key)).collect();
                    keys.extend(new);
                    let facts = found(&keys, table);
                    exchange.facts(Ok(Found { now, facts }))
                }
                Step::Store(report) => {
                    self.store(report, table);
                    exchange.stored(Ok(()))
                }
                Step::Send(send) => {
                    let answer = match answers.get(sent) {
                        Some(answer) => answer,
                        None if *answers == Answers::Awaited => break None,
                        None => return Err(Stuck::another(send)),
                    };
                    sent += 1;
                    if !send.observe {
                        break passed(answer);
                    }
                    exchange.answered(limited(answer, limit))
                }
                Step::Respond(answer) => break Some(answer.response),
            };
        };
        let watched = exchange.into_witness();
        self.journal.changes.extend(watched.changes);
        match watched.trapped {
            Some(why) => Err(Stuck::Trapped(why)),
            None => Ok(Played {
                stops: watched.stops,
                response,
            }),
        }
    }

    fn store(&mut self, report: Report, table: &mut Table) {
        for record in &report.records {
            table.apply(record);
        }
        self.journal.records.extend(report.records);
    }
}

impl Stuck {
    fn another(send: Send) -> Self {
        Self::Another {
            method: send.method,
            path: send.path,
        }
    }
}

impl fmt::Display for Stuck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Trapped(why) => f.write_str(why),
            Self::Another { method, path } => write!(
                f,
                "the plugin sends another request to the backend ({method} {path}), whose answer is \
                 not given"
            ),
        }
    }
}

impl std::error::Error for Stuck {}

fn found(keys: &[Key], table: &Table) -> Arc<Vec<Fact>> {
    let answers = table.answer_all(keys);
    let facts = keys.iter().cloned().zip(answers);
    Arc::new(facts.map(|(key, answer)| Fact { key, answer }).collect())
}

/// The part of an answer that the policy may see.
fn limited(outcome: &BackendOutcome, limit: u64) -> BackendOutcome {
    match outcome {
        BackendOutcome::Answered(BackendAnswer {
            status,
            headers,
            body: AnswerBody::Bytes(bytes),
        }) if bytes.len() as u64 > limit => BackendOutcome::Answered(BackendAnswer {
            status: *status,
            headers: headers.clone(),
            body: AnswerBody::OverLimit,
        }),
        outcome => outcome.clone(),
    }
}

/// The response to the client when the answer is not observed.
fn passed(answer: &BackendOutcome) -> Option<Response> {
    match answer {
        BackendOutcome::Answered(answer) => Some(Response {
            status: answer.status,
            headers: answer.headers.clone(),
            body: match &answer.body {
                AnswerBody::Bytes(bytes) => ResponseBody::Bytes(bytes.clone()),
                AnswerBody::None | AnswerBody::OverLimit => ResponseBody::None,
            },
        }),
        // The host's own refusal.
        BackendOutcome::Unanswered | BackendOutcome::NotAsked => refusal(
            "upstream.unavailable",
            "The application gave no answer.",
            ErrorForm::Problem,
        ),
    }
}
