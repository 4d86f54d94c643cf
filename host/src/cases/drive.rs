//! The conversation between a face and the policy, on a record in memory: needs are answered until
//! there is a verdict.

use scimguard_core::facts::{Fact, Table};
use scimguard_core::message::{AnswerBody, BackendAnswer};
use scimguard_core::{
    BackendOutcome, Body, Forward, Need, Outcome, Reject, Request, Respond, Verdict,
};

use crate::engine::{Engine, Fault, Session};

/// The end of an evaluation.
pub(crate) enum Decided {
    Forward(Forward),
    Reject(Reject),
}

/// Why there is no decision.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Stuck {
    #[error(transparent)]
    Fault(#[from] Fault),
    /// `settings.rounds` in `wit/policy.wit`.
    #[error("the plugin asks for more after {0} rounds")]
    Rounds(u32),
    /// The document has one answer of the backend.
    #[error(
        "the plugin sends another request to the backend ({method} {path}), whose answer is not given"
    )]
    Another { method: String, path: String },
}

/// A policy in one session, and what it said that it needs.
pub(crate) struct Driver<'engine> {
    session: Session<'engine>,
    rounds: u32,
    answer_limit: u64,
}

impl<'engine> Driver<'engine> {
    pub(crate) fn new(engine: &'engine Engine) -> Result<Self, Fault> {
        Ok(Self {
            session: engine.session()?,
            rounds: engine.settings().rounds,
            answer_limit: engine.settings().answer_limit,
        })
    }

    /// Decides a request, whose body is given only if the policy asks for it.
    pub(crate) fn evaluate(
        &mut self,
        request: &Request,
        table: &Table,
        now: u64,
    ) -> Result<Decided, Stuck> {
        let mut shown = Request {
            body: Body::Unread,
            ..request.clone()
        };
        let mut facts = Vec::new();
        for _ in 0..=self.rounds {
            match self.session.evaluate(&shown, &facts, now)? {
                Verdict::Forward(forward) => return Ok(Decided::Forward(forward)),
                Verdict::Reject(reject) => return Ok(Decided::Reject(reject)),
                Verdict::Need(need) => {
                    answer(&need, table, &mut facts);
                    if let Some(limit) = need.body_limit {
                        shown.body = limited(&request.body, limit);
                    }
                }
            }
        }
        Err(Stuck::Rounds(self.rounds))
    }

    /// Judges the backend's answer.
    pub(crate) fn observe(
        &mut self,
        continuation: &[u8],
        outcome: &BackendOutcome,
        table: &Table,
        now: u64,
    ) -> Result<Respond, Stuck> {
        let outcome = self.limited_answer(outcome);
        let mut facts = Vec::new();
        for _ in 0..=self.rounds {
            match self.session.observe(continuation, &outcome, &facts, now)? {
                Outcome::Respond(respond) => return Ok(respond),
                Outcome::Need(need) => answer(&need, table, &mut facts),
                Outcome::Forward(forward) => {
                    return Err(Stuck::Another {
                        method: forward.method,
                        path: forward.path,
                    });
                }
            }
        }
        Err(Stuck::Rounds(self.rounds))
    }

    fn limited_answer(&self, outcome: &BackendOutcome) -> BackendOutcome {
        match outcome {
            BackendOutcome::Answered(BackendAnswer {
                status,
                headers,
                body: AnswerBody::Bytes(bytes),
            }) if bytes.len() as u64 > self.answer_limit => {
                BackendOutcome::Answered(BackendAnswer {
                    status: *status,
                    headers: headers.clone(),
                    body: AnswerBody::OverLimit,
                })
            }
            outcome => outcome.clone(),
        }
    }
}

fn limited(body: &Body, limit: u64) -> Body {
    match body {
        Body::Bytes(bytes) if bytes.len() as u64 > limit => Body::OverLimit,
        body => body.clone(),
    }
}

fn answer(need: &Need, table: &Table, facts: &mut Vec<Fact>) {
    for key in &need.keys {
        if !facts.iter().any(|fact| fact.key == *key) {
            facts.push(Fact {
                key: key.clone(),
                answer: table.answer(key),
            });
        }
    }
}
