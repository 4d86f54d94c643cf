//! One case from beginning to end: each step's decision, the backend's answer, and what becomes of
//! the facts.

use std::fmt;

use scimguard_core::facts::Table;
use scimguard_core::history::{Decided, Driver, Stuck, play};

use super::expect::{self, Difference};
use super::suite::{Case, Step};
use crate::engine::{Engine, Fault, Session};

/// Why a case failed.
pub(crate) struct Failure {
    /// From 1; `None` where the case has one step.
    step: Option<usize>,
    reason: Reason,
}

enum Reason {
    Stuck(Stuck<Fault>),
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
    let session = engine
        .session()
        .map_err(|fault| failure(0, Reason::Stuck(Stuck::Fault(fault))))?;
    let mut driver = Driver::new(session, engine.settings());
    let mut table = case.facts.clone();
    for (index, each) in case.steps.iter().enumerate() {
        let differences = step(&mut driver, each, &mut table)
            .map_err(|stuck| failure(index, Reason::Stuck(stuck)))?;
        if !differences.is_empty() {
            return Err(failure(index, Reason::Differences(differences)));
        }
    }
    Ok(())
}

fn step(
    driver: &mut Driver<Session<'_>>,
    step: &Step,
    table: &mut Table,
) -> Result<Vec<Difference>, Stuck<Fault>> {
    let played = play(driver, &step.request, &step.upstream, table, step.now)?;
    let mut differences = Vec::new();
    for (index, stop) in played.stops.iter().enumerate() {
        if index == 0 {
            differences.extend(expect::decision(&step.expect, &step.request, stop));
        }
        if let (Decided::Forward(_), Some(asked)) = (stop, step.asked(index)) {
            differences.extend(expect::decision(asked, &step.request, stop));
        }
    }
    if let Some(expected) = &step.response {
        match played.response {
            Some(response) => differences.extend(expect::response(expected, &response)),
            None => differences.push(Difference::unanswered()),
        }
    }
    Ok(differences)
}
