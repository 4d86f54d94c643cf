//! Runs one case: each step's decision, the backend's answer, and the resulting facts.

use std::fmt::{self, Display};

use scimguard_core::history::Decided;
use scimguard_exchange::Refused;
use scimguard_exchange::history::{Driver, Played, Stuck};
use scimguard_interface::Policy;

use super::expect::{self, Difference};
use super::suite::{Case, Step};

/// Why a case failed.
pub struct Failure {
    /// From 1; `None` if the case has one step.
    step: Option<usize>,
    reason: Reason,
}

enum Reason {
    Stuck(Stuck),
    Differences(Vec<Difference>),
}

impl Display for Failure {
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

impl Failure {
    /// The policy failed before the first step.
    #[must_use]
    pub fn begin(fault: &impl Display) -> Self {
        Self {
            step: None,
            reason: Reason::Stuck(Stuck::Trapped(fault.to_string())),
        }
    }
}

/// Runs a case.
///
/// # Errors
/// Each difference from what the case expects.
pub fn run(
    policy: impl Policy<Fault: Into<Refused> + Display>,
    case: &Case,
) -> Result<(), Failure> {
    tell(policy, case, |_, _| {})
}

/// Runs a case, shows the result of each step, and compares it with what is expected.
pub(super) fn tell(
    policy: impl Policy<Fault: Into<Refused> + Display>,
    case: &Case,
    mut show: impl FnMut(&Step, &Played),
) -> Result<(), Failure> {
    let several = case.steps.len() > 1;
    let failure = |step: usize, reason| Failure {
        step: several.then_some(step + 1),
        reason,
    };
    let mut driver = Driver::new(policy);
    let mut table = case.facts.clone();
    for (index, step) in case.steps.iter().enumerate() {
        let played = driver
            .play(&step.request, &step.upstream, &mut table, step.now)
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
