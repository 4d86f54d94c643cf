//! `cargo xtask bench`: the benchmarks of the host, with the plugin as it is shipped.

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};

use crate::project::Project;
use crate::steps::Steps;
use crate::{component, host};

/// Builds the plugin and the benchmarks, and runs them.
pub(crate) fn run(
    project: &Project,
    steps: &mut Steps,
    arguments: Vec<OsString>,
) -> Result<ExitCode> {
    let component = component::build(project, steps)?;
    let bench = || {
        let mut cargo = project.cargo();
        cargo.arg("bench").args(host::PROFILE).args([
            "--quiet",
            "--package",
            "scimguard",
            "--bench",
            "*",
        ]);
        cargo
    };
    steps.step("benchmarks", |step| {
        host::need_c_compiler()?;
        step.run(bench().arg("--no-run"))
    })?;
    let status = bench()
        .env("SCIMGUARD_COMPONENT", &component)
        .arg("--")
        .args(arguments)
        .status()
        .context("cannot run cargo")?;
    ensure!(status.success(), "the benchmarks failed ({status})");
    Ok(ExitCode::SUCCESS)
}
