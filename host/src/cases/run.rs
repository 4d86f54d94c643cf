//! One case from beginning to end: each step's decision, the backend's answer, and what becomes of
//! the facts.

use std::fmt;

use scimguard_core::facts::Fact;
use scimguard_core::history::{Calls, Decided, Driver, Played, Stuck, play};
use scimguard_core::{BackendOutcome, Outcome, Request, Settings, Verdict};
use scimguard_exchange::{ScimPaths, Seen, Trust};

use super::expect::{self, Difference};
use super::suite::{Case, Step};
use crate::engine::{Engine, Fault};

/// A policy whose answers are checked as the host does before it acts on them.
struct Trusting<C> {
    calls: C,
    paths: ScimPaths,
    /// The request that is decided, and what is known of it.
    decided: Option<(Request, Trust)>,
}

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

impl<C: Calls<Fault = Fault>> Calls for Trusting<C> {
    type Fault = Fault;

    fn evaluate(&mut self, request: &Request, facts: &[Fact], now: u64) -> Result<Verdict, Fault> {
        let verdict = self.calls.evaluate(request, facts, now)?;
        let mut trust = Trust::default();
        let checked = trust.decided(&seen(&self.paths, request, facts, now), &verdict);
        self.decided = Some((request.clone(), trust));
        checked.map_err(refused)?;
        Ok(verdict)
    }

    fn observe(
        &mut self,
        continuation: &[u8],
        answer: &BackendOutcome,
        facts: &[Fact],
        now: u64,
    ) -> Result<Outcome, Fault> {
        let outcome = self.calls.observe(continuation, answer, facts, now)?;
        if let Some((request, trust)) = &mut self.decided {
            let checked = trust.observed(&seen(&self.paths, request, facts, now), &outcome);
            checked.map_err(refused)?;
        }
        Ok(outcome)
    }
}

fn seen<'a>(paths: &'a ScimPaths, request: &'a Request, facts: &'a [Fact], now: u64) -> Seen<'a> {
    Seen {
        paths,
        request,
        facts,
        now,
    }
}

fn refused(why: &str) -> Fault {
    Fault::Trapped(why.to_owned())
}

impl Failure {
    /// The policy failed before it was asked.
    pub(super) fn begin(fault: Fault) -> Self {
        Self {
            step: None,
            reason: Reason::Stuck(Stuck::Fault(fault)),
        }
    }
}

/// Runs a case in one session of the engine.
pub(crate) fn run(engine: &Engine, case: &Case) -> Result<(), Failure> {
    let session = engine.session().map_err(Failure::begin)?;
    tell(session, engine.settings(), case, |_, _| {})
}

/// Plays a case, shows what came of each step, and compares it with what is expected.
pub(super) fn tell<C: Calls<Fault = Fault>>(
    calls: C,
    settings: &Settings,
    case: &Case,
    mut show: impl FnMut(&Step, &Played),
) -> Result<(), Failure> {
    let several = case.steps.len() > 1;
    let failure = |step: usize, reason| Failure {
        step: several.then_some(step + 1),
        reason,
    };
    let calls = Trusting {
        calls,
        paths: ScimPaths::new(settings),
        decided: None,
    };
    let mut driver = Driver::new(calls, settings);
    let mut table = case.facts.clone();
    for (index, step) in case.steps.iter().enumerate() {
        let played = play(
            &mut driver,
            &step.request,
            &step.upstream,
            &mut table,
            step.now,
        )
        .map_err(|stuck| failure(index, Reason::Stuck(stuck)))?;
        show(step, &played);
        let differences = differences(step, &played);
        if !differences.is_empty() {
            return Err(failure(index, Reason::Differences(differences)));
        }
    }
    Ok(())
}

fn differences(step: &Step, played: &Played) -> Vec<Difference> {
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
        match &played.response {
            Some(response) => differences.extend(expect::response(expected, response)),
            None => differences.push(Difference::unanswered()),
        }
    }
    differences
}
