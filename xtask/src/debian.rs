//! Finds programs, and installs missing packages where that needs no questions: as root on a Debian
//! system.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use crate::steps::Step;

/// Finds a program in the folders of the PATH.
pub(crate) fn in_path(program: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    std::env::split_paths(&folders)
        .map(|folder| folder.join(program))
        .find(|program| program.is_file())
}

/// Whether this is root on a Debian system.
pub(crate) fn can_install() -> bool {
    let root = std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
    root && Path::new("/etc/debian_version").exists()
}

/// Installs packages if something is missing, or fails with advice on how to.
pub(crate) fn need(
    step: &Step,
    is_usable: fn() -> bool,
    packages: &[&str],
    advice: &'static str,
) -> Result<()> {
    if !is_usable() && can_install() {
        install(step, packages)?;
    }
    if !is_usable() {
        bail!(advice);
    }
    Ok(())
}

/// Installs packages.
pub(crate) fn install(step: &Step, packages: &[&str]) -> Result<()> {
    step.run(Command::new("apt-get").arg("update"))?;
    step.run(
        Command::new("apt-get")
            .args(["install", "--yes", "--no-install-recommends"])
            .args(packages)
            .env("DEBIAN_FRONTEND", "noninteractive"),
    )
}
