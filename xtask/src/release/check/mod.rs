//! Checks what was packed: installs it in a fresh Debian as a user would, and uses, upgrades and removes
//! it there.

mod backend;
mod booted;
mod chroot;
mod guard;
mod installation;

use std::process::Command;

use anyhow::{Result, ensure};

use super::{DebianPackage, Release, SUMS, emptied, output, tarball_name};
use crate::debian;
use crate::steps::{Step, Steps};

use chroot::{Base, Chroot};
use installation::Kind;

/// Programs and their packages.
const TOOLS: [(&str, &str); 3] = [
    ("lintian", "lintian"),
    ("mmdebstrap", "mmdebstrap"),
    ("systemd-nspawn", "systemd-container"),
];

const ADVICE: &str = "lintian, mmdebstrap and systemd-nspawn are needed (Debian: `apt-get install \
    lintian mmdebstrap systemd-container`)";

/// The exposure that `systemd-analyze security` may find in the unit, in tenths.
const MOST_EXPOSURE: &str = "--threshold=20";

/// Checks everything.
pub(super) fn run(release: &Release, steps: &mut Steps, package: &DebianPackage) -> Result<()> {
    steps.step("tools to check packages", need_tools)?;
    steps.step("checksums", |step| {
        let mut sums = Command::new("sha256sum");
        step.run(
            sums.args(["--check", "--strict", SUMS])
                .current_dir(&release.folder),
        )
    })?;
    let first = release.folder.join(DebianPackage::file_name(1));
    steps.step("lintian", |step| {
        let mut lintian = Command::new("lintian");
        lintian.args(["--allow-root", "--fail-on=error,warning"]);
        step.run(lintian.arg(&first))
    })?;

    let folder = emptied(release.trees.join("check"))?;
    let next = steps.step("the next revision", |_| package.pack(release, 2, &folder))?;
    let base = steps.step("a fresh Debian", |step| Base::get(release.project, step))?;
    steps.step("the Debian package, installed", |_| {
        let system = Chroot::unpack(&base, folder.join("debian"))?;
        system.put(&first, "first.deb")?;
        system.put(&next, "next.deb")?;
        installation::check(&system, Kind::DebianPackage)?;
        system.remove()
    })?;
    steps.step("the tarball, installed", |_| {
        let system = Chroot::unpack(&base, folder.join("tarball"))?;
        let tarball = format!("{}.tar.gz", tarball_name());
        system.put(&release.folder.join(&tarball), &tarball)?;
        installation::check(&system, Kind::Tarball)?;
        system.remove()
    })
}

fn need_tools(step: &Step) -> Result<()> {
    ensure!(
        debian::can_install(),
        "the packages are tried in a Debian of their own: run this as root on a Debian system"
    );
    let is_usable = || {
        TOOLS
            .iter()
            .all(|(program, _)| Command::new(program).arg("--version").output().is_ok())
    };
    debian::need(step, is_usable, &TOOLS.map(|(_, package)| package), ADVICE)
}

/// Checks the unit as systemd reads it, on the system where it is installed.
fn unit(system: &Chroot, place: &str) -> Result<()> {
    let analyze = |arguments: &[&str]| output(system.run("systemd-analyze").args(arguments));
    analyze(&["verify", "--man=no", place])?;
    analyze(&[
        "security",
        "--no-pager",
        "--offline=true",
        MOST_EXPOSURE,
        place,
    ])?;
    Ok(())
}
