//! A fresh Debian in a folder.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::super::{emptied, output};
use crate::project::Project;
use crate::steps::Step;

/// Seconds that a command may take: the plugin is compiled in them, perhaps on a busy machine.
const TIME_LIMIT: &str = "300";

const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Folders whose files change with whatever is installed, and with each start of the system.
const IGNORED: [&str; 6] = [
    "proc",
    "run",
    "var/cache/ldconfig",
    "var/lib/dpkg",
    "var/lib/systemd/timers",
    "var/log",
];

/// A tarball of a Debian of this release, which is made once.
pub(super) struct Base(PathBuf);

impl Base {
    pub(super) fn get(project: &Project, step: &Step) -> Result<Self> {
        let suite = suite()?;
        let file = project.built(&format!("tools/debian-{suite}.tar"));
        if !file.exists() {
            let unfinished = file.with_extension("new.tar");
            fs::create_dir_all(project.built("tools"))?;
            step.run(
                Command::new("mmdebstrap")
                    .args(["--variant=minbase", "--include=systemd", &suite])
                    .arg(&unfinished),
            )?;
            fs::rename(unfinished, &file)?;
        }
        Ok(Self(file))
    }
}

/// The name of this Debian, with whose libraries the program is linked.
fn suite() -> Result<String> {
    let about = fs::read_to_string("/etc/os-release").context("/etc/os-release")?;
    let name = about
        .lines()
        .find_map(|line| line.strip_prefix("VERSION_CODENAME="));
    Ok(name.context("this Debian has no name")?.to_owned())
}

/// A Debian in a folder.
pub(super) struct Chroot {
    root: PathBuf,
}

impl Chroot {
    pub(super) fn unpack(base: &Base, root: PathBuf) -> Result<Self> {
        let root = emptied(root)?;
        let mut tar = Command::new("tar");
        output(
            tar.arg("--extract")
                .arg("--file")
                .arg(&base.0)
                .arg("--directory")
                .arg(&root),
        )?;
        Ok(Self { root })
    }

    pub(super) fn remove(self) -> Result<()> {
        fs::remove_dir_all(&self.root)
            .with_context(|| format!("cannot remove {}", self.root.display()))
    }

    pub(super) fn path(&self, place: &str) -> PathBuf {
        self.root.join(place)
    }

    /// Copies a file to `/root`.
    pub(super) fn put(&self, file: &Path, name: &str) -> Result<()> {
        let place = self.path("root").join(name);
        fs::copy(file, place).with_context(|| format!("cannot copy {}", file.display()))?;
        Ok(())
    }

    /// A program in it, as root. It ends with this process, or when its time is up.
    pub(super) fn run(&self, program: &str) -> Command {
        let mut command = Command::new("unshare");
        command
            .args(["--mount", "--pid", "--fork", "--kill-child", "--mount-proc"])
            .arg("--root")
            .arg(&self.root);
        limited(&mut command, program);
        command
    }

    /// Commands of a shell, as root.
    pub(super) fn shell(&self, script: &str) -> Result<String> {
        output(self.run("sh").args(["-euc", script])).with_context(|| format!("in {script:?}"))
    }

    /// Every file, and every folder of the guard's own, but for those that change in any
    /// case. A folder that others use, such as `/usr/local/lib/systemd`, may stay.
    pub(super) fn files(&self) -> Result<BTreeSet<PathBuf>> {
        let mut files = BTreeSet::new();
        self.gather(&self.root, &mut files)?;
        Ok(files)
    }

    fn gather(&self, folder: &Path, files: &mut BTreeSet<PathBuf>) -> Result<()> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let path = entry.path();
            let place = path.strip_prefix(&self.root)?.to_owned();
            if IGNORED.iter().any(|ignored| place.starts_with(ignored)) {
                continue;
            }
            if entry.file_type()?.is_dir() {
                self.gather(&path, files)?;
                if !place.ends_with("scimguard") {
                    continue;
                }
            }
            files.insert(place);
        }
        Ok(())
    }
}

/// Lets a command run a program with a time limit and the environment of a fresh system.
pub(super) fn limited(command: &mut Command, program: &str) {
    command
        .args(["timeout", "--kill-after=5", TIME_LIMIT, program])
        .env_clear()
        .env("PATH", PATH)
        .env("LC_ALL", "C.UTF-8")
        .env("HOME", "/root")
        .env("DEBIAN_FRONTEND", "noninteractive");
}
