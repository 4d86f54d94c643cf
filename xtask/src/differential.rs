//! `cargo xtask differential`: a long run of the byte-level comparison in tests/envoy.

use std::process::ExitCode;

use anyhow::Result;

use crate::project::Project;
use crate::steps::Steps;
use crate::{envoy, host, python};

/// The test to run.
const TEST: &str = "differential::the_same_bytes_have_the_same_outcome_and_stay_apart";

/// Builds everything and runs the test for this many seconds.
pub(crate) fn run(
    project: &Project,
    steps: &mut Steps,
    seconds: u64,
    seed: u64,
) -> Result<ExitCode> {
    let python = python::environment(project, steps)?;
    let envoy::Built { component, filter } = envoy::filter_and_plugin(project, steps)?;
    let program = host::build(project, steps, &component)?;
    let envoy = envoy::program(&python)?;
    steps.step("the same bytes to serve and to Envoy", |step| {
        step.run(
            project
                .cargo()
                .arg("test")
                .args(host::PROFILE)
                .args(["--package", "scimguard-tests", "--test", "envoy"])
                .args(["--", "--exact", TEST, "--nocapture"])
                .env("SCIMGUARD_BIN", &program)
                .env("SCIMGUARD_COMPONENT", &component)
                .env("SCIMGUARD_ENVOY", &envoy)
                .env("SCIMGUARD_FILTER", &filter)
                .env("SCIMGUARD_DIFFERENTIAL_SECONDS", seconds.to_string())
                .env("SCIMGUARD_DIFFERENTIAL_SEED", seed.to_string()),
        )
    })?;
    anstream::println!("{}", steps.summary());
    Ok(ExitCode::SUCCESS)
}
