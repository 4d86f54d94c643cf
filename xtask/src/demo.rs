//! `cargo xtask demo`: `scimguard demo` with the example application behind it.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::project::Project;
use crate::steps::Steps;
use crate::{component, host, python};

/// Builds what is needed and runs the demo; its exit status is ours.
pub(crate) fn run(
    project: &Project,
    steps: &mut Steps,
    arguments: Vec<OsString>,
) -> Result<ExitCode> {
    let python = python::environment(project, steps)?;
    let component = component::build(project, steps)?;
    let program = host::build(project, steps, &component)?;
    let application = format!(
        "{} {}",
        quoted(&python),
        quoted(&project.file("demo/application.py"))
    );
    let status = project
        .command(&program)
        .args(["demo", "--application"])
        .arg(application)
        .args(arguments)
        .status()
        .with_context(|| format!("cannot run {}", program.display()))?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// A path as one word of a shell.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}
