//! `cargo xtask explore`: the exploration in tests/exploration, for as long as one likes.

use std::process::ExitCode;

use anyhow::Result;

use crate::project::Project;
use crate::steps::Steps;

pub(crate) const EXAMPLES: &str = "\
The whole protocol runs in one process, in an order that the exploration chooses: requests of Okta and
of administrators, the answers of the application, faults, and deaths of the guard. Histories are random
and the same for the same seed; with --orders, every order of two requests is tried instead, from every
starting record. A failure is shown as the shortest history that goes wrong in the same way.

Examples:
  cargo xtask explore --seconds 600
  cargo xtask explore --orders 1
  cargo xtask explore --seed 7 --save tests/exploration/regressions/NAME.json";

/// Builds the exploration and runs it with these arguments.
pub(crate) fn run(project: &Project, steps: &mut Steps, arguments: &[String]) -> Result<ExitCode> {
    let explore = |verb: &str| {
        let mut cargo = project.cargo();
        cargo.args([verb, "--profile", "explore"]);
        cargo.args(["--package", "scimguard-exploration"]);
        cargo
    };
    steps.step("exploration, built", |step| step.run(&mut explore("build")))?;
    let status = explore("run")
        .arg("--quiet")
        .arg("--")
        .args(arguments)
        .status()?;
    Ok(match status.success() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}
