//! A small disk (tmpfs) that can be filled and made read-only. Mounting needs root.

use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};
use tempfile::TempDir;

/// What takes the space.
const BALLAST: &str = "ballast";

/// A disk. It is unmounted when this is dropped.
pub struct Disk {
    folder: TempDir,
}

impl Disk {
    /// Mounts a disk of this many kilobytes, at two places: one for the guard, one for the test.
    pub fn mount(kilobytes: u32) -> anyhow::Result<Self> {
        let folder = TempDir::with_prefix("scimguard-disk-")?;
        let disk = Self { folder };
        for place in [disk.own(), disk.path()] {
            fs::create_dir(place)?;
        }
        let size = format!("size={kilobytes}k");
        mount(&["-t", "tmpfs", "-o", &size, "tmpfs"], &[&disk.own()])?;
        mount(&["--bind"], &[&disk.own(), &disk.path()])?;
        Ok(disk)
    }

    /// Where the guard has it.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("guard")
    }

    /// Where the test has it, whatever the guard sees.
    fn own(&self) -> PathBuf {
        self.folder.path().join("test")
    }

    /// Takes all the space that is left, to the last kilobyte.
    pub fn fill(&self) -> anyhow::Result<()> {
        let mut ballast = File::options()
            .append(true)
            .create(true)
            .open(self.own().join(BALLAST))?;
        for size in [64 * 1024, 1024] {
            let bytes = vec![0; size];
            loop {
                match ballast.write(&bytes) {
                    Ok(_) => {}
                    Err(error) if error.kind() == ErrorKind::StorageFull => break,
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(())
    }

    /// Gives the space back.
    pub fn free(&self) -> anyhow::Result<()> {
        Ok(fs::remove_file(self.own().join(BALLAST))?)
    }

    /// What is opened from now on can only be read.
    pub fn close_to_writers(&self) -> anyhow::Result<()> {
        mount(&["--bind"], &[&self.own(), &self.path()])?;
        mount(&["-o", "remount,bind,ro"], &[&self.path()])
    }

    /// What is opened from now on can be written again.
    pub fn open_to_writers(&self) -> anyhow::Result<()> {
        unmount(&self.path())
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Mounts may lie one over the other.
        for place in [self.path(), self.path(), self.own()] {
            let _ = unmount(&place);
        }
    }
}

fn mount(options: &[&str], places: &[&Path]) -> anyhow::Result<()> {
    run(Command::new("mount").args(options).args(places))
}

fn unmount(place: &Path) -> anyhow::Result<()> {
    run(Command::new("umount").arg("--lazy").arg(place))
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let done = command
        .output()
        .with_context(|| format!("{command:?} cannot be run"))?;
    let why = String::from_utf8_lossy(&done.stderr);
    ensure!(
        done.status.success(),
        "{command:?} failed ({}); it takes root, also in a container: {why}",
        done.status
    );
    Ok(())
}
