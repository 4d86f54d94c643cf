//! `cargo xtask conformance`: repeats the public conformance runs of tests/end_to_end, which send random
//! data.

use std::process::ExitCode;

use anyhow::Result;

use crate::project::Project;
use crate::steps::Steps;
use crate::{component, host, node, python};

pub(crate) const EXAMPLES: &str = "\
The checks of `scim2 test` and `scim-sanity probe` in front of scim2-server and of scimmy, with and
without the guard. They send random data, so a single run proves little.

Examples:
  cargo xtask conformance
  cargo xtask conformance --runs 5";

/// Builds everything and runs the tests, showing their progress.
pub(crate) fn run(project: &Project, steps: &mut Steps, runs: u32) -> Result<ExitCode> {
    let python = python::environment(project, steps)?;
    let modules = node::modules(project, steps)?;
    let component = component::build(project, steps)?;
    let program = host::build(project, steps, &component)?;
    let test = || {
        let mut cargo = project.cargo();
        cargo.arg("test").args(host::PROFILE).args([
            "--package",
            "scimguard-tests",
            "--test",
            "end_to_end",
        ]);
        cargo
    };
    steps.step("conformance, built", |step| {
        step.run(test().arg("--no-run"))
    })?;
    steps.step("conformance", |step| {
        step.run(
            test()
                .args(["--", "conformance::", "--nocapture"])
                .env("SCIMGUARD_BIN", &program)
                .env("SCIMGUARD_COMPONENT", &component)
                .env("SCIMGUARD_PYTHON", &python)
                .env("SCIMGUARD_NODE_MODULES", &modules)
                .env("SCIMGUARD_CONFORMANCE_RUNS", runs.to_string()),
        )
    })?;
    anstream::println!("{}", steps.summary());
    Ok(ExitCode::SUCCESS)
}
