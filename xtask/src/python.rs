//! Installs the Python tools for tests and demo into a virtual environment. They are not part of scimguard:
//! a public SCIM server, and a public conformance run.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::debian;
use crate::project::Project;
use crate::steps::Steps;

const REQUIREMENTS: [&str; 2] = ["demo/requirements.txt", "tests/requirements.txt"];

/// Checks the interpreter.
const CHECK: &str = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))";

const ADVICE: &str = "Python 3.10 or newer with its `venv` module is needed as `python3` (Debian: \
    `apt-get install python3 python3-venv`; Fedora: `dnf install python3`; macOS: `brew install \
    python`)";

/// Installs the tools; returns the interpreter of `target/venv`.
pub(crate) fn environment(project: &Project, steps: &mut Steps) -> Result<PathBuf> {
    let folder = project.built("venv");
    let python = folder.join("bin/python");
    let stamp = folder.join("installed.txt");
    let wanted = project.contents(REQUIREMENTS)?;
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(python);
    }
    steps.step("Python tools", |step| {
        debian::need(step, is_usable, &["python3", "python3-venv"], ADVICE)?;
        step.run(
            Command::new("python3")
                .args(["-m", "venv", "--clear"])
                .arg(&folder),
        )?;
        step.run(
            project
                .command(&python)
                .args(["-m", "pip", "install", "--disable-pip-version-check"])
                .args(REQUIREMENTS.iter().flat_map(|file| ["--requirement", file])),
        )?;
        fs::write(&stamp, &wanted)?;
        Ok(())
    })?;
    Ok(python)
}

fn is_usable() -> bool {
    Command::new("python3")
        .args(["-c", CHECK])
        .output()
        .is_ok_and(|output| output.status.success())
}
