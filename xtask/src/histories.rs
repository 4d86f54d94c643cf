//! `cargo xtask histories`: a long run of the histories in tests/ownership, which kills the guard again
//! and again.

use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};

use crate::project::Project;
use crate::steps::Steps;
use crate::{component, host, python};

pub(crate) const EXAMPLES: &str = "\
Okta and administrators act at the same time on a guard in front of the example application. The
test kills the guard (SIGKILL) while requests are in flight, and restarts it. It checks every write
that reaches the application against a model of who may change what, and after every few kills it
compares the guard's record with the application.

A thousand kills take about ten minutes. The seed determines all random choices except the exact time
of each kill, so a failure may need several runs to recur.

Examples:
  cargo xtask histories
  cargo xtask histories --kills 100 --seed 7";

/// The test to run.
const TEST: &str = "histories::nothing_forbidden_passes_and_the_record_is_right_after_any_kill";

/// Builds everything and runs the test, showing its latest line.
pub(crate) fn run(
    project: &Project,
    steps: &mut Steps,
    kills: u64,
    seed: Option<u64>,
) -> Result<ExitCode> {
    let python = python::environment(project, steps)?;
    let component = component::build(project, steps)?;
    let program = host::build(project, steps, &component)?;
    let seed = seed.map_or_else(seed_of_the_clock, Ok)?;
    let test = || {
        let mut cargo = project.cargo();
        cargo.arg("test").args(host::PROFILE).args([
            "--package",
            "scimguard-tests",
            "--test",
            "ownership",
        ]);
        cargo
    };
    steps.step("histories, built", |step| step.run(test().arg("--no-run")))?;
    anstream::eprintln!("seed {seed}");
    steps.step("histories", |step| {
        step.run(
            test()
                .args(["--", "--exact", TEST, "--nocapture"])
                .env("SCIMGUARD_BIN", &program)
                .env("SCIMGUARD_COMPONENT", &component)
                .env("SCIMGUARD_PYTHON", &python)
                .env("SCIMGUARD_HISTORIES_KILLS", kills.to_string())
                .env("SCIMGUARD_HISTORIES_SEED", seed.to_string()),
        )
    })?;
    anstream::println!("{}", steps.summary());
    Ok(ExitCode::SUCCESS)
}

fn seed_of_the_clock() -> Result<u64> {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .context("the clock is before 1970")?;
    Ok(since.as_secs())
}
