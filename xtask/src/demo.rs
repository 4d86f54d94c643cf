//! `cargo xtask demo`: runs `scimguard demo` in front of the example application.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::project::Project;
use crate::steps::Steps;
use crate::{component, envoy, host, page, python, web};

/// What follows the story.
pub(crate) enum Ending {
    /// The demo ends.
    Over,
    /// The demo shows the pages until it is stopped.
    Pages,
}

/// Builds what the demo needs and runs it; returns its exit status.
pub(crate) fn run(
    project: &Project,
    steps: &mut Steps,
    through_envoy: bool,
    ending: &Ending,
    arguments: Vec<OsString>,
) -> Result<ExitCode> {
    let python = python::environment(project, steps)?;
    let (component, filter) = if through_envoy {
        let envoy::Built { component, filter } = envoy::filter_and_plugin(project, steps)?;
        (component, Some(filter))
    } else {
        (component::build(project, steps)?, None)
    };
    let program = host::build(project, steps, &component)?;
    let application = format!(
        "{} {}",
        quoted(&python),
        quoted(&project.file("demo/application.py"))
    );
    let mut demo = project.command(&program);
    demo.args(["demo", "--application"]).arg(application);
    if let Some(filter) = filter {
        demo.arg("--envoy").arg(envoy::program(&python)?);
        demo.arg("--filter").arg(filter);
    }
    if let Ending::Pages = ending {
        let package = web::build(project, steps)?;
        demo.arg("--pages")
            .arg(page::build(project, steps, &package)?);
    }
    let status = demo
        .args(arguments)
        .status()
        .with_context(|| format!("cannot run {}", program.display()))?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Quotes a path for a shell.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}
