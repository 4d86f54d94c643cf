//! Finds nginx, which the benchmark of gateways compares with Envoy.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::debian;
use crate::steps::Steps;

const ADVICE: &str = "nginx is needed in the PATH or as /usr/sbin/nginx (Debian: `apt-get install \
    nginx`; Fedora: `dnf install nginx`; macOS: `brew install nginx`)";

/// Finds the program, and installs it if it is missing.
pub(crate) fn program(steps: &mut Steps) -> Result<PathBuf> {
    if let Some(program) = installed() {
        return Ok(program);
    }
    steps.step("nginx", |step| {
        debian::need(step, || installed().is_some(), &["nginx"], ADVICE)?;
        installed().context(ADVICE)
    })
}

fn installed() -> Option<PathBuf> {
    // Debian installs it in a folder that only root's PATH has.
    let of_root = || Some(PathBuf::from("/usr/sbin/nginx")).filter(|program| program.is_file());
    debian::in_path("nginx").or_else(of_root)
}
