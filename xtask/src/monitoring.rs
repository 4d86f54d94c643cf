//! Checks the alert rules of `packaging/prometheus` with Prometheus's own tool.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::debian;
use crate::project::Project;
use crate::steps::{Step, Steps};

const ADVICE: &str = "promtool is needed in the PATH (Debian: `apt-get install prometheus`; macOS: \
    `brew install prometheus`)";

/// Checks the rules, and runs their tests.
pub(crate) fn check(project: &Project, steps: &mut Steps) -> Result<()> {
    let promtool = program(project, steps)?;
    steps.step("alert rules", |step| {
        let run = |arguments: [&str; 3]| {
            let folder = project.file("packaging/prometheus");
            step.run(Command::new(&promtool).args(arguments).current_dir(folder))
        };
        run(["check", "rules", "alerts.yml"])?;
        run(["test", "rules", "alerts.test.yml"])
    })
}

/// Finds the tool, or unpacks it from Debian's package, whose installation would start a service.
fn program(project: &Project, steps: &mut Steps) -> Result<PathBuf> {
    if let Some(program) = debian::in_path("promtool") {
        return Ok(program);
    }
    let folder = project.built("tools/prometheus");
    let program = folder.join("usr/bin/promtool");
    if program.is_file() {
        return Ok(program);
    }
    steps.step("promtool", |step| unpack(step, &folder))?;
    program.is_file().then_some(program).context(ADVICE)
}

fn unpack(step: &Step, folder: &PathBuf) -> Result<()> {
    anyhow::ensure!(debian::can_install(), ADVICE);
    std::fs::create_dir_all(folder)?;
    let run = |program: &str, arguments: &[&str]| {
        step.run(Command::new(program).args(arguments).current_dir(folder))
    };
    run("apt-get", &["update"])?;
    run("apt-get", &["download", "prometheus"])?;
    let package = std::fs::read_dir(folder)?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .find(|name| name.starts_with("prometheus_") && name.ends_with(".deb"))
        .context("the package was not downloaded")?;
    run("dpkg-deb", &["--extract", &package, "."])?;
    std::fs::remove_file(folder.join(package))?;
    Ok(())
}
