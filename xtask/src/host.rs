//! Builds the program `scimguard`, with the plugin beside it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Result, ensure};

use crate::project::Project;
use crate::steps::Steps;

/// The Cargo profile of everything that contains the host. There is only one, so that nothing is
/// compiled twice.
pub(crate) const PROFILE: [&str; 2] = ["--profile", "host"];

/// Builds `target/host/scimguard`.
pub(crate) fn build(project: &Project, steps: &mut Steps, component: &Path) -> Result<PathBuf> {
    let mut cargo = project.cargo();
    cargo.arg("build").args(PROFILE);
    cargo.args(["--package", "scimguard"]);
    build_by(project, steps, component, &mut cargo)
}

/// Builds `target/host/scimguard` by this command, which may build more.
pub(crate) fn build_by(
    project: &Project,
    steps: &mut Steps,
    component: &Path,
    cargo: &mut Command,
) -> Result<PathBuf> {
    steps.step("host", |step| {
        need_c_compiler()?;
        step.run(cargo)?;
        beside(component, &project.built("host/scimguard.wasm"))
    })?;
    Ok(project.built("host/scimguard"))
}

/// Checks for a C compiler, which SQLite needs.
pub(crate) fn need_c_compiler() -> Result<()> {
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
    let runs = Command::new(&compiler)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    ensure!(
        runs,
        "there is no C compiler `{compiler}`, which SQLite needs: install one (Debian: `apt-get \
         install gcc libc6-dev`; Fedora: `dnf install gcc`; macOS: `xcode-select --install`)"
    );
    Ok(())
}

/// Links the plugin beside the program, where the host looks for it.
fn beside(component: &Path, place: &Path) -> Result<()> {
    if place.exists() {
        fs::remove_file(place)?;
    }
    if fs::hard_link(component, place).is_err() {
        fs::copy(component, place)?;
    }
    Ok(())
}
