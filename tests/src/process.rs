//! Servers as child processes. Each is ready when it is returned, and killed when it is dropped.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{self, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::{Instant, sleep, timeout};

use crate::environment::{self, NODE_MODULES, PYTHON};

/// How long a server may take to be ready, and a command to end. The first compilation of the
/// component, without optimisation, takes longest.
pub const TIME_LIMIT: Duration = Duration::from_secs(300);

/// A running server.
pub struct Server {
    /// Such as `http://127.0.0.1:9000`.
    pub url: String,
    process: Child,
    /// Kept open: a server must not meet a closed pipe.
    _output: Option<BufReader<ChildStdout>>,
}

impl Server {
    /// A stock `scim2-server`, whose SCIM end points are under `/v2`.
    pub async fn scim2() -> anyhow::Result<Self> {
        let address = free_address()?;
        let process = Command::new(environment::python_command("scim2-server"))
            .args(["--port", &address.port().to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("cannot start scim2-server")?;
        until_connected(address).await?;
        Ok(Self {
            url: format!("http://{address}"),
            process,
            _output: None,
        })
    }

    /// The example application of the demo.
    pub async fn example_application() -> anyhow::Result<Self> {
        let mut command = Command::new(environment::file(PYTHON));
        Self::announced(command.arg(example_application())).await
    }

    /// A server made of `scimmy`, whose SCIM end points are under `/scim`.
    pub async fn scimmy() -> anyhow::Result<Self> {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/scimmy-server.mjs");
        let mut command = Command::new("node");
        command
            .arg(program)
            .env(NODE_MODULES, environment::file(NODE_MODULES));
        Self::announced(&mut command).await
    }

    /// An OpenID provider made of `oidc-provider`, at a given address; its clients have this secret.
    pub async fn openid(address: SocketAddr, client_secret: &str) -> anyhow::Result<Self> {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/openid-provider.mjs");
        let mut command = Command::new("node");
        command
            .arg(program)
            .arg(address.port().to_string())
            .env(NODE_MODULES, environment::file(NODE_MODULES))
            .env("CLIENT_SECRET", client_secret)
            // It warns of every default.
            .stderr(Stdio::null());
        Self::announced(&mut command).await
    }

    /// Ends it.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        Ok(self.process.kill().await?)
    }

    /// Starts a program that prints where it listens.
    async fn announced(command: &mut Command) -> anyhow::Result<Self> {
        let mut process = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {}", shown(command)))?;
        let mut output = BufReader::new(process.stdout.take().context("no standard output")?);
        let mut line = String::new();
        timeout(TIME_LIMIT, output.read_line(&mut line))
            .await
            .with_context(|| format!("no line from {}", shown(command)))??;
        let Some(url) = line.trim().strip_prefix("listening on ") else {
            bail!(
                "{} printed {line:?}, not `listening on URL`",
                shown(command)
            );
        };
        Ok(Self {
            url: url.to_owned(),
            process,
            _output: Some(output),
        })
    }
}

/// The program of the example application.
#[must_use]
pub fn example_application() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .with_file_name("demo")
        .join("application.py")
}

/// Runs a command to its end and returns what it printed.
pub async fn output(command: &mut Command) -> anyhow::Result<String> {
    let output = run(command).await?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        bail!(
            "{}: {}\n{printed}{complaint}",
            shown(command),
            output.status
        );
    }
    Ok(printed)
}

/// Runs a command to its end, whether it succeeds or not.
pub async fn run(command: &mut Command) -> anyhow::Result<Output> {
    let ended = command.stdin(Stdio::null()).kill_on_drop(true).output();
    timeout(TIME_LIMIT, ended)
        .await
        .with_context(|| format!("did not end within {TIME_LIMIT:?}: {}", shown(command)))?
        .with_context(|| format!("cannot run {}", shown(command)))
}

/// Asks a process to end, and waits until it has.
pub async fn terminate(process: &mut Child) -> anyhow::Result<ExitStatus> {
    let id = process.id().context("it has ended already")?.to_string();
    output(Command::new("kill").args(["-TERM", &id])).await?;
    timeout(Duration::from_secs(20), process.wait())
        .await
        .context("it did not end within 20 s after SIGTERM")?
        .context("waiting for it")
}

/// Program and arguments; not the environment, in which a token may be.
fn shown(command: &Command) -> String {
    let command = command.as_std();
    let words: Vec<_> = std::iter::once(command.get_program())
        .chain(command.get_args())
        .collect();
    format!("{words:?}")
}

/// An address of this machine at which nothing listens now, and which nobody else in this process
/// was given: what it is for may start to listen much later.
pub fn free_address() -> anyhow::Result<SocketAddr> {
    // From 32768 on, systems take ports for the other ends of connections (ip(7)): what was free a moment
    // ago would be taken by chance.
    const FIRST: u32 = 16_384;
    const COUNT: u32 = 16_384;
    /// The distance between the first ports of processes that run at the same time.
    const APART: u32 = 1_021;
    static NEXT: AtomicU32 = AtomicU32::new(0);
    for _ in 0..COUNT {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let place = process::id().wrapping_mul(APART).wrapping_add(number) % COUNT;
        let address = SocketAddr::from(([127, 0, 0, 1], u16::try_from(FIRST + place)?));
        if TcpListener::bind(address).is_ok() {
            return Ok(address);
        }
    }
    bail!("no port is free")
}

/// Waits until a server listens there.
pub async fn until_connected(address: SocketAddr) -> anyhow::Result<()> {
    let until = Instant::now() + TIME_LIMIT;
    while tokio::net::TcpStream::connect(address).await.is_err() {
        if Instant::now() > until {
            bail!("nothing listens at {address} after {TIME_LIMIT:?}");
        }
        sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}
