//! One case from beginning to end: each step's decision, the backend's answer, and what becomes of
//! the facts.

use std::fmt;

use scimguard_core::facts::Table;
use scimguard_core::message::{AnswerBody, AnswerHandling, BackendAnswer, Response, ResponseBody};
use scimguard_core::record::Record;
use scimguard_core::{BackendOutcome, Forward};

use super::drive::{Decided, Driver, Stuck};
use super::expect::{self, Difference};
use super::suite::{Case, Step};
use crate::engine::Engine;

/// Why a case failed.
pub(crate) struct Failure {
    /// From 1; `None` where the case has one step.
    step: Option<usize>,
    reason: Reason,
}

enum Reason {
    Stuck(Stuck),
    Differences(Vec<Difference>),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let step = self.step.map(|step| format!("step {step}: "));
        let step = step.unwrap_or_default();
        match &self.reason {
            Reason::Stuck(stuck) => write!(f, "    {step}{stuck}"),
            Reason::Differences(differences) => {
                for (index, difference) in differences.iter().enumerate() {
                    let end = if index == 0 { "" } else { "\n" };
                    write!(f, "{end}    {step}{difference}")?;
                }
                Ok(())
            }
        }
    }
}

/// Runs a case in one session of the engine.
pub(crate) fn run(engine: &Engine, case: &Case) -> Result<(), Failure> {
    let several = case.steps.len() > 1;
    let failure = |step: usize, reason| Failure {
        step: several.then_some(step + 1),
        reason,
    };
    let mut driver =
        Driver::new(engine).map_err(|fault| failure(0, Reason::Stuck(fault.into())))?;
    let mut table = case.facts.clone();
    for (index, step) in case.steps.iter().enumerate() {
        let differences = play(&mut driver, step, &mut table)
            .map_err(|stuck| failure(index, Reason::Stuck(stuck)))?;
        if !differences.is_empty() {
            return Err(failure(index, Reason::Differences(differences)));
        }
    }
    Ok(())
}

fn play(driver: &mut Driver<'_>, step: &Step, table: &mut Table) -> Result<Vec<Difference>, Stuck> {
    let decided = driver.evaluate(&step.request, table, step.now)?;
    let mut differences = expect::decision(&step.expect, &step.request, &decided);
    let response = match decided {
        Decided::Reject(reject) => Some(reject.response),
        Decided::Forward(forward) => {
            apply(table, &forward.records);
            match &step.upstream {
                Some(upstream) => Some(answered(driver, &forward, upstream, step.now, table)?),
                None => None,
            }
        }
    };
    if let Some(expected) = &step.response {
        match response {
            Some(response) => {
                differences.extend(expect::response(expected, &response, received(step)));
            }
            None => differences.push(Difference::unanswered()),
        }
    }
    Ok(differences)
}

/// What the client gets of a forwarded request.
fn answered(
    driver: &mut Driver<'_>,
    forward: &Forward,
    upstream: &BackendOutcome,
    now: u64,
    table: &mut Table,
) -> Result<Response, Stuck> {
    if let (AnswerHandling::Pass, BackendOutcome::Answered(answer)) = (forward.answer, upstream) {
        return Ok(Response {
            status: answer.status,
            headers: answer.headers.clone(),
            body: ResponseBody::AsReceived,
        });
    }
    let respond = driver.observe(&forward.continuation, upstream, table, now)?;
    apply(table, &respond.records);
    Ok(respond.response)
}

fn apply(table: &mut Table, records: &[Record]) {
    for record in records {
        table.apply(record);
    }
}

fn received(step: &Step) -> Option<&[u8]> {
    match &step.upstream {
        Some(BackendOutcome::Answered(BackendAnswer {
            body: AnswerBody::Bytes(bytes),
            ..
        })) => Some(bytes),
        _ => None,
    }
}
