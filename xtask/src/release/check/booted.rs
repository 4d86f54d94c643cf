//! A Debian in a folder whose systemd runs, with the network of this machine.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::super::output;
use super::chroot::{self, Chroot};

/// Seconds after which it ends in any case.
const TIME_LIMIT: &str = "900";

/// How long systemd may take to appear, and to shut down: the guard has 45 seconds of it.
const PATIENCE: Duration = Duration::from_secs(90);

const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// It is killed when this is dropped, if it was not shut down.
pub(super) struct Booted {
    container: Child,
}

impl Booted {
    pub(super) fn start(system: &Chroot) -> Result<Self> {
        // Neither the host's systemd, if it has one, nor a terminal is involved.
        let container = Command::new("timeout")
            .args(["--foreground", "--kill-after=5", TIME_LIMIT])
            .args([
                "systemd-nspawn",
                "--boot",
                "--quiet",
                "--register=no",
                "--keep-unit",
            ])
            .arg("--directory")
            .arg(system.path(""))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .context("cannot start systemd-nspawn")?;
        Ok(Self { container })
    }

    /// Commands of a shell, as root.
    pub(super) fn shell(&self, script: &str) -> Result<String> {
        let mut command = Command::new("nsenter");
        command.args(["--all", "--target", &self.systemd()?.to_string()]);
        chroot::limited(&mut command, "sh");
        output(command.args(["-euc", script])).with_context(|| format!("in {script:?}"))
    }

    pub(super) fn shut_down(mut self) -> Result<()> {
        // systemd-nspawn, which asks systemd to shut down.
        let nspawn = only_child(self.container.id())?;
        output(Command::new("kill").arg(nspawn.to_string()))?;
        let end = Instant::now() + PATIENCE;
        while self.container.try_wait()?.is_none() {
            ensure!(Instant::now() < end, "the system does not shut down");
            thread::sleep(POLL_INTERVAL);
        }
        Ok(())
    }

    /// The process that is 1 inside.
    fn systemd(&self) -> Result<u32> {
        only_child(only_child(self.container.id())?)
    }
}

impl Drop for Booted {
    fn drop(&mut self) {
        let is_over = self
            .container
            .try_wait()
            .is_ok_and(|status| status.is_some());
        if is_over {
            return;
        }
        let killed = only_child(self.container.id())
            .and_then(|nspawn| output(Command::new("kill").args(["-KILL", &nspawn.to_string()])));
        let ended = killed.and_then(|_| Ok(self.container.wait()?));
        if let Err(error) = ended {
            anstream::eprintln!("systemd-nspawn could not be ended: {error:#}");
        }
    }
}

/// Waits until a process has a child.
fn only_child(process: u32) -> Result<u32> {
    let file = format!("/proc/{process}/task/{process}/children");
    let end = Instant::now() + PATIENCE;
    loop {
        let children = fs::read_to_string(&file).context("systemd-nspawn has ended")?;
        if let Some(child) = children.split_whitespace().next() {
            return Ok(child.parse()?);
        }
        ensure!(Instant::now() < end, "systemd-nspawn starts nothing");
        thread::sleep(POLL_INTERVAL);
    }
}
