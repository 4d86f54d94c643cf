//! The two servers of the demo and the commands that prepare them, as child processes that always
//! end with the demo.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use rand::TryRngCore as _;
use rand::rngs::OsRng;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use super::client::Client;
use super::envoy::{self, Parts, Place};

/// How long a server may take to be ready, and a command to end.
const TIME_LIMIT: Duration = Duration::from_secs(60);

/// The application that the guard protects.
pub(super) struct Application {
    /// Such as `http://127.0.0.1:9000`.
    pub(super) url: String,
    _process: Child,
}

impl Application {
    /// Starts a command line and waits for the line `listening on URL`.
    pub(super) async fn start(command: &str) -> anyhow::Result<Self> {
        // `exec` makes the application the child itself, which ends with the demo.
        let mut process = Command::new("sh")
            .arg("-c")
            .arg(format!("exec {command}"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("cannot start `sh` to run the application")?;
        let output = process
            .stdout
            .take()
            .context("the application has no standard output")?;
        let mut lines = BufReader::new(output).lines();
        let announced = async {
            while let Some(line) = lines.next_line().await? {
                if let Some(url) = line.strip_prefix("listening on ") {
                    return anyhow::Ok(url.trim().to_owned());
                }
            }
            bail!("the application ended without a line `listening on URL`: {command}")
        };
        let url = tokio::time::timeout(TIME_LIMIT, announced)
            .await
            .with_context(|| format!("the application printed no line `listening on URL` within {TIME_LIMIT:?}: {command}"))??;
        Ok(Self {
            url,
            _process: process,
        })
    }
}

/// A guard with its own store, in a folder that is removed with it.
pub(super) struct Guard {
    /// The address for clients.
    pub(super) url: String,
    /// The address of its pages.
    pub(super) admin: String,
    facts: std::net::SocketAddr,
    secret: String,
    folder: tempfile::TempDir,
    process: Option<Child>,
    envoy: Option<Child>,
}

impl Guard {
    /// Writes the configuration of a guard in front of a backend.
    pub(super) fn configure(backend: &str, pages: Option<&Path>) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("scimguard-demo-")
            .tempdir()?;
        let [listen, admin, facts] = free_addresses()?;
        let mut random = [0; 32];
        OsRng
            .try_fill_bytes(&mut random)
            .context("no random numbers")?;
        let guard = Self {
            url: format!("http://{listen}"),
            admin: format!("http://{admin}"),
            facts,
            secret: scimguard_core::sha256_hex(&random),
            folder,
            process: None,
            envoy: None,
        };
        let mut text = format!(
            "listen = \"{listen}\"\nadmin = \"{admin}\"\nbackend = \"{backend}\"\nstore = \"sqlite:scimguard.db\"\n"
        );
        if let Some(pages) = pages {
            let pages = std::path::absolute(pages)?;
            writeln!(
                text,
                "pages = {}",
                toml::Value::from(pages.display().to_string())
            )?;
        }
        write!(
            text,
            "[facts]\nlisten = \"{facts}\"\n\
             [[facts.gateway]]\nname = \"envoy\"\nsecret_file = \"gateway.secret\"\n"
        )?;
        let secret = guard.folder.path().join("gateway.secret");
        std::fs::write(&secret, &guard.secret)?;
        std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600))?;
        std::fs::write(guard.configuration(), text)?;
        Ok(guard)
    }

    /// Adds a service account and creates a token for it.
    pub(super) async fn token(
        &self,
        account: &str,
        principal: &str,
        permissions: &str,
        expires: &str,
    ) -> anyhow::Result<String> {
        let named = ["--account", account];
        let rights = [
            "--id",
            principal,
            "--kind",
            "service-account",
            "--permissions",
            permissions,
        ];
        self.command(&[&["principal", "create"][..], &named, &rights].concat())
            .await?;
        let token = [
            "--principal",
            principal,
            "--provider",
            "okta",
            "--expires",
            expires,
        ];
        let output = self
            .command(&[&["token", "create"][..], &named, &token].concat())
            .await?;
        Ok(output.trim().to_owned())
    }

    /// Runs one of the program's own commands.
    async fn command(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let shown = format!("scimguard {}", arguments.join(" "));
        let mut command = own_program()?;
        command
            .args(arguments)
            .arg("--config")
            .arg(self.configuration())
            .stdin(Stdio::null());
        let output = tokio::time::timeout(TIME_LIMIT, command.output())
            .await
            .with_context(|| format!("`{shown}` did not end within {TIME_LIMIT:?}"))??;
        if !output.status.success() {
            bail!(
                "`{shown}` failed: {}",
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Starts `scimguard serve` and waits until it is ready.
    pub(super) async fn start(&mut self, client: &Client) -> anyhow::Result<()> {
        let log = std::fs::File::create(self.log_file())?;
        let process = own_program()?
            .args([
                OsStr::new("serve"),
                OsStr::new("--config"),
                self.configuration().as_os_str(),
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .context("cannot start `scimguard serve`")?;
        let process = self.process.insert(process);
        let ready = format!("{}/readyz", self.admin);
        let until = tokio::time::Instant::now() + TIME_LIMIT;
        while !matches!(client.get(&ready).await, Ok(answer) if answer.status == 200) {
            if let Some(status) = process.try_wait()? {
                bail!(
                    "`scimguard serve` ended with {status}:\n{}",
                    self.last_log_lines()
                );
            }
            if tokio::time::Instant::now() > until {
                bail!(
                    "`scimguard serve` was not ready within {TIME_LIMIT:?}:\n{}",
                    self.last_log_lines()
                );
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// Starts Envoy with the filter in front, and this guard as its facts service.
    pub(super) async fn behind_envoy(
        &mut self,
        parts: &Parts,
        application: &str,
        client: &Client,
    ) -> anyhow::Result<()> {
        let [listen, admin] = free_addresses()?;
        let place = Place {
            listen,
            admin,
            application,
            facts: self.facts,
            secret: &self.secret,
        };
        let process = envoy::start(parts, &place, self.folder.path(), client).await?;
        self.url = format!("http://{}", place.listen);
        self.envoy = Some(process);
        Ok(())
    }

    /// The last lines of the guard's log, for diagnosis.
    pub(super) fn last_log_lines(&self) -> String {
        let log = std::fs::read_to_string(self.log_file()).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(10)..].join("\n")
    }

    fn configuration(&self) -> PathBuf {
        self.folder.path().join("scimguard.toml")
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join("guard.log")
    }
}

fn own_program() -> anyhow::Result<Command> {
    let program = std::env::current_exe().context("cannot find the running program")?;
    let mut command = Command::new::<&Path>(&program);
    command.kill_on_drop(true);
    Ok(command)
}

/// Different free addresses of this machine.
fn free_addresses<const N: usize>() -> anyhow::Result<[std::net::SocketAddr; N]> {
    let mut held = Vec::new();
    for _ in 0..N {
        held.push(TcpListener::bind("127.0.0.1:0")?);
    }
    let addresses: Vec<_> = held
        .iter()
        .map(TcpListener::local_addr)
        .collect::<Result<_, _>>()?;
    <[_; N]>::try_from(addresses).map_err(|_| anyhow::anyhow!("there are not {N} free addresses"))
}
