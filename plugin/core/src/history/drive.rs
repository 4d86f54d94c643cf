//! The conversation between a face and the policy, on a record in memory: needs are answered until
//! there is a verdict.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::fmt;

use crate::Guard;
use crate::Settings;
use crate::facts::{Fact, Key, Table};
use crate::message::{
    AnswerBody, BackendAnswer, BackendOutcome, Body, Change, Forward, Need, Outcome, Proceed,
    Reject, Request, Respond, Verdict,
};
use crate::record::Record;

/// The calls of `wit/policy.wit`: this policy itself, or a plugin in its sandbox.
pub trait Calls {
    /// Why a call gives nothing.
    type Fault;

    /// See [`Guard::evaluate`].
    ///
    /// # Errors
    /// The plugin failed.
    fn evaluate(
        &mut self,
        request: &Request,
        facts: &[Fact],
        now: u64,
    ) -> Result<Verdict, Self::Fault>;

    /// See [`Guard::observe`].
    ///
    /// # Errors
    /// The plugin failed.
    fn observe(
        &mut self,
        continuation: &[u8],
        answer: &BackendOutcome,
        facts: &[Fact],
        now: u64,
    ) -> Result<Outcome, Self::Fault>;
}

/// Where a request's way comes to a stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decided {
    /// The backend is asked.
    Forward(Forward),
    /// Nothing of it is done.
    Reject(Reject),
    /// The client is answered.
    Respond(Respond),
}

/// Why there is no decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stuck<F> {
    /// The policy failed.
    Fault(F),
    /// It asks for more after `settings.rounds` in `wit/policy.wit`.
    Rounds(u32),
    /// It goes on after `settings.passes` in `wit/policy.wit`.
    Passes(u32),
    /// There are fewer answers of the backend than it sends requests.
    Another {
        /// The method of the request that has no answer.
        method: String,
        /// Its path.
        path: String,
    },
}

/// A policy in conversation.
pub struct Driver<C> {
    calls: C,
    rounds: u32,
    passes: u32,
    answer_limit: u64,
    journal: Journal,
}

/// What came of a request on all of its way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Journal {
    /// What was normalised, of every part.
    pub changes: Vec<Change>,
    /// What was recorded.
    pub records: Vec<Record>,
}

// === impl Calls ===

impl Calls for &Guard {
    type Fault = Infallible;

    fn evaluate(
        &mut self,
        request: &Request,
        facts: &[Fact],
        now: u64,
    ) -> Result<Verdict, Infallible> {
        Ok(Guard::evaluate(self, request, facts, now))
    }

    fn observe(
        &mut self,
        continuation: &[u8],
        answer: &BackendOutcome,
        facts: &[Fact],
        now: u64,
    ) -> Result<Outcome, Infallible> {
        Ok(Guard::observe(self, continuation, answer, facts, now))
    }
}

// === impl Driver ===

impl<C: Calls> Driver<C> {
    /// Begins a conversation with a policy of these settings.
    pub fn new(calls: C, settings: &Settings) -> Self {
        Self {
            calls,
            rounds: settings.rounds,
            passes: settings.passes,
            answer_limit: settings.answer_limit,
            journal: Journal::default(),
        }
    }

    /// What came of what was asked since the last call.
    pub fn journal(&mut self) -> Journal {
        std::mem::take(&mut self.journal)
    }

    /// Decides a request, whose body is given only if the policy asks for it. What is to be recorded
    /// before a stop is in the table then.
    ///
    /// # Errors
    /// There is no decision.
    pub fn evaluate(
        &mut self,
        request: &Request,
        table: &mut Table,
        now: u64,
    ) -> Result<Decided, Stuck<C::Fault>> {
        let mut shown = Request {
            body: Body::Unread,
            ..request.clone()
        };
        let mut facts = Vec::new();
        for _ in 0..=self.rounds {
            match self
                .calls
                .evaluate(&shown, &facts, now)
                .map_err(Stuck::Fault)?
            {
                Verdict::Forward(forward) => return Ok(self.forwarded(forward, table)),
                Verdict::Reject(reject) => {
                    self.journal.changes.extend_from_slice(&reject.changes);
                    return Ok(Decided::Reject(reject));
                }
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
    ///
    /// # Errors
    /// There is no decision.
    pub fn observe(
        &mut self,
        continuation: &[u8],
        outcome: &BackendOutcome,
        table: &mut Table,
        now: u64,
    ) -> Result<Decided, Stuck<C::Fault>> {
        match self.pass(continuation, outcome, table, now)? {
            Pass::To(decided) => Ok(decided),
            Pass::On(proceed) => self.proceed(proceed, table, now),
        }
    }

    /// Part after part, to the next stop.
    fn proceed(
        &mut self,
        mut proceed: Proceed,
        table: &mut Table,
        now: u64,
    ) -> Result<Decided, Stuck<C::Fault>> {
        for _ in 0..self.passes {
            self.apply(table, &proceed.records);
            self.journal.changes.append(&mut proceed.changes);
            let begun = &BackendOutcome::NotAsked;
            match self.pass(&proceed.continuation, begun, table, now)? {
                Pass::To(decided) => return Ok(decided),
                Pass::On(next) => proceed = next,
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
    ) -> Result<Pass, Stuck<C::Fault>> {
        let outcome = self.limited_answer(outcome);
        let mut facts = Vec::new();
        for _ in 0..=self.rounds {
            match self
                .calls
                .observe(continuation, &outcome, &facts, now)
                .map_err(Stuck::Fault)?
            {
                Outcome::Need(need) => answer(&need, table, &mut facts),
                Outcome::Forward(forward) => return Ok(Pass::To(self.forwarded(forward, table))),
                Outcome::Respond(respond) => {
                    self.apply(table, &respond.records);
                    return Ok(Pass::To(Decided::Respond(respond)));
                }
                Outcome::Proceed(proceed) => return Ok(Pass::On(proceed)),
            }
        }
        Err(Stuck::Rounds(self.rounds))
    }

    fn forwarded(&mut self, forward: Forward, table: &mut Table) -> Decided {
        self.apply(table, &forward.records);
        self.journal.changes.extend_from_slice(&forward.changes);
        Decided::Forward(forward)
    }

    fn apply(&mut self, table: &mut Table, records: &[Record]) {
        for record in records {
            table.apply(record);
        }
        self.journal.records.extend_from_slice(records);
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

impl<F: fmt::Display> fmt::Display for Stuck<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fault(fault) => fault.fmt(f),
            Self::Rounds(rounds) => write!(f, "the plugin asks for more after {rounds} rounds"),
            Self::Passes(passes) => write!(f, "the plugin goes on after {passes} passes"),
            Self::Another { method, path } => write!(
                f,
                "the plugin sends another request to the backend ({method} {path}), whose answer is \
                 not given"
            ),
        }
    }
}

impl<F: fmt::Debug + fmt::Display> std::error::Error for Stuck<F> {}

/// The end of one pass.
enum Pass {
    To(Decided),
    On(Proceed),
}

fn limited(body: &Body, limit: u64) -> Body {
    match body {
        Body::Bytes(bytes) if bytes.len() as u64 > limit => Body::OverLimit,
        body => body.clone(),
    }
}

fn answer(need: &Need, table: &Table, facts: &mut Vec<Fact>) {
    let known: BTreeSet<&Key> = facts.iter().map(|fact| &fact.key).collect();
    let missing = need.keys.iter().filter(|key| !known.contains(key));
    let missing: Vec<Key> = missing.cloned().collect();
    let answers = table.answer_all(&missing);
    let answered = missing.into_iter().zip(answers);
    facts.extend(answered.map(|(key, answer)| Fact { key, answer }));
}
