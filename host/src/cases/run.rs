//! One case from beginning to end: each step's decision, the backend's answer, and what becomes of
//! the facts.

use std::fmt;

use scimguard_core::facts::Table;
use scimguard_core::message::{AnswerBody, AnswerHandling, BackendAnswer, Response, ResponseBody};
use scimguard_core::{BackendOutcome, ErrorForm, refusal};

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
    let mut decided = driver.evaluate(&step.request, table, step.now)?;
    let mut differences = expect::decision(&step.expect, &step.request, &decided);
    let mut answers = step.upstream.iter();
    let same = step.upstream.first().filter(|_| step.same_upstream);
    let mut received = None;
    let response = loop {
        let forward = match decided {
            Decided::Reject(reject) => break Some(reject.response),
            Decided::Respond(respond) => break Some(respond.response),
            Decided::Forward(forward) => forward,
        };
        let answer = match answers.next().or(same) {
            Some(answer) => answer,
            None if step.upstream.is_empty() => break None,
            None => {
                return Err(Stuck::Another {
                    method: forward.method,
                    path: forward.path,
                });
            }
        };
        if let Some(asked) = &answer.asked {
            let forwarded = Decided::Forward(forward.clone());
            differences.extend(expect::decision(asked, &step.request, &forwarded));
        }
        let answer = &answer.outcome;
        received = Some(answer);
        decided = match (forward.answer, answer) {
            (AnswerHandling::Observe, _) => {
                driver.observe(&forward.continuation, answer, table, step.now)?
            }
            (AnswerHandling::Pass, answer) => break passed(answer),
        };
    };
    if let Some(expected) = &step.response {
        match response {
            Some(response) => {
                let received = received.and_then(body);
                differences.extend(expect::response(expected, &response, received));
            }
            None => differences.push(Difference::unanswered()),
        }
    }
    Ok(differences)
}

/// What the client gets of an answer that nobody looks at.
fn passed(answer: &BackendOutcome) -> Option<Response> {
    match answer {
        BackendOutcome::Answered(answer) => Some(Response {
            status: answer.status,
            headers: answer.headers.clone(),
            body: ResponseBody::AsReceived,
        }),
        // What a face says by itself.
        BackendOutcome::Unanswered | BackendOutcome::NotAsked => refusal(
            "upstream.unavailable",
            "The application gave no answer.",
            ErrorForm::Problem,
        ),
    }
}

fn body(answer: &BackendOutcome) -> Option<&[u8]> {
    match answer {
        BackendOutcome::Answered(BackendAnswer {
            body: AnswerBody::Bytes(bytes),
            ..
        }) => Some(bytes),
        _ => None,
    }
}
