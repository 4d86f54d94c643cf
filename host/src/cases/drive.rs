//! The conversation between a face and the policy, on a record in memory: needs are answered until
//! there is a verdict.

use scimguard_core::facts::{Fact, Table};
use scimguard_core::message::{AnswerBody, BackendAnswer};
use scimguard_core::record::Record;
use scimguard_core::{
    BackendOutcome, Body, Forward, Need, Outcome, Proceed, Reject, Request, Respond, Verdict,
};

use crate::engine::{Engine, Fault, Session};

/// Where a request's way comes to a stop.
pub(crate) enum Decided {
    /// The backend is asked.
    Forward(Forward),
    /// Nothing of it is done.
    Reject(Reject),
    /// The client is answered.
    Respond(Respond),
}

/// Why there is no decision.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Stuck {
    #[error(transparent)]
    Fault(#[from] Fault),
    /// `settings.rounds` in `wit/policy.wit`.
    #[error("the plugin asks for more after {0} rounds")]
    Rounds(u32),
    /// `settings.passes` in `wit/policy.wit`.
    #[error("the plugin goes on after {0} passes")]
    Passes(u32),
    /// The document has fewer answers of the backend.
    #[error(
        "the plugin sends another request to the backend ({method} {path}), whose answer is not given"
    )]
    Another { method: String, path: String },
}

/// A policy in one session, and what it said that it needs.
pub(crate) struct Driver<'engine> {
    session: Session<'engine>,
    rounds: u32,
    passes: u32,
    answer_limit: u64,
}

impl<'engine> Driver<'engine> {
    pub(crate) fn new(engine: &'engine Engine) -> Result<Self, Fault> {
        let settings = engine.settings();
        Ok(Self {
            session: engine.session()?,
            rounds: settings.rounds,
            passes: settings.passes,
            answer_limit: settings.answer_limit,
        })
    }

    /// Decides a request, whose body is given only if the policy asks for it. What is to be recorded
    /// before a stop is in the table then.
    pub(crate) fn evaluate(
        &mut self,
        request: &Request,
        table: &mut Table,
        now: u64,
    ) -> Result<Decided, Stuck> {
        let mut shown = Request {
            body: Body::Unread,
            ..request.clone()
        };
        let mut facts = Vec::new();
        for _ in 0..=self.rounds {
            match self.session.evaluate(&shown, &facts, now)? {
                Verdict::Forward(forward) => return Ok(forwarded(forward, table)),
                Verdict::Reject(reject) => return Ok(Decided::Reject(reject)),
                Verdict::Proceed(proceed) => return self.proceed(proceed, table, now),
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

    /// Judges the backend's answer, and goes on to the next stop.
    pub(crate) fn observe(
        &mut self,
        continuation: &[u8],
        outcome: &BackendOutcome,
        table: &mut Table,
        now: u64,
    ) -> Result<Decided, Stuck> {
        match self.pass(continuation, outcome, table, now)? {
            Passed::To(decided) => Ok(decided),
            Passed::On(proceed) => self.proceed(proceed, table, now),
        }
    }

    /// Part after part, to the next stop.
    fn proceed(
        &mut self,
        mut proceed: Proceed,
        table: &mut Table,
        now: u64,
    ) -> Result<Decided, Stuck> {
        for _ in 0..self.passes {
            apply(table, &proceed.records);
            let begun = &BackendOutcome::NotAsked;
            match self.pass(&proceed.continuation, begun, table, now)? {
                Passed::To(decided) => return Ok(decided),
                Passed::On(next) => proceed = next,
            }
        }
        Err(Stuck::Passes(self.passes))
    }

    fn pass(
        &mut self,
        continuation: &[u8],
        outcome: &BackendOutcome,
        table: &mut Table,
        now: u64,
    ) -> Result<Passed, Stuck> {
        let outcome = self.limited_answer(outcome);
        let mut facts = Vec::new();
        for _ in 0..=self.rounds {
            match self.session.observe(continuation, &outcome, &facts, now)? {
                Outcome::Need(need) => answer(&need, table, &mut facts),
                Outcome::Forward(forward) => return Ok(Passed::To(forwarded(forward, table))),
                Outcome::Respond(respond) => {
                    apply(table, &respond.records);
                    return Ok(Passed::To(Decided::Respond(respond)));
                }
                Outcome::Proceed(proceed) => return Ok(Passed::On(proceed)),
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

/// The end of one pass.
enum Passed {
    To(Decided),
    On(Proceed),
}

fn forwarded(forward: Forward, table: &mut Table) -> Decided {
    apply(table, &forward.records);
    Decided::Forward(forward)
}

fn apply(table: &mut Table, records: &[Record]) {
    for record in records {
        table.apply(record);
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
