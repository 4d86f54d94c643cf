//! `scimguard serve` with a folder of its own, which outlives the process: a guard that was killed
//! starts again from what it wrote.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use crate::client::Client;
use crate::environment::{self, COMPONENT, PROGRAM};
use crate::process::{self, TIME_LIMIT};
use crate::secrets::{PASSWORD, Secrets};

/// A guard: its folder, and its process while it runs.
pub struct Guard {
    /// Where clients connect.
    pub url: String,
    admin: SocketAddr,
    folder: TempDir,
    process: Option<Child>,
    starts: usize,
    secrets: Mutex<Secrets>,
    /// Files that a test put secrets into.
    given: Mutex<Vec<PathBuf>>,
}

impl Guard {
    /// Writes the configuration of a guard in front of `backend`, with a policy document.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn configure(backend: &str, policy: &Value) -> anyhow::Result<Self> {
        Self::with_store(backend, policy, Path::new("scimguard.db"))
    }

    /// Another guard of the same configuration, on the same store.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn another(&self, backend: &str, policy: &Value) -> anyhow::Result<Self> {
        let another = Self::with_store(backend, policy, &self.database())?;
        *another.secrets() = self.secrets().clone();
        Ok(another)
    }

    /// The same with a store elsewhere, such as on a disk of its own.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn with_store(backend: &str, policy: &Value, store: &Path) -> anyhow::Result<Self> {
        let folder = TempDir::with_prefix("scimguard-tests-")?;
        let (listen, admin) = (process::free_address()?, process::free_address()?);
        let component = environment::file(COMPONENT);
        let text = format!(
            "listen = \"{listen}\"\nadmin = \"{admin}\"\nbackend = \"{backend}\"\n\
             store = \"sqlite:{}\"\npolicy = \"policy.json\"\ncomponent = {:?}\n",
            store.display(),
            component.display().to_string()
        );
        fs::write(folder.path().join("scimguard.toml"), text)?;
        fs::write(folder.path().join("policy.json"), policy.to_string())?;
        let url = format!("http://{listen}");
        let mut secrets = Secrets::default();
        secrets.keep(PASSWORD);
        Ok(Self {
            url,
            admin,
            folder,
            process: None,
            starts: 0,
            secrets: Mutex::new(secrets),
            given: Mutex::default(),
        })
    }

    /// Keeps compiled code in the guard's own folder, where the user's cache has nothing yet.
    ///
    /// # Errors
    /// If the configuration cannot be written.
    pub fn keep_own_cache(&self) -> anyhow::Result<PathBuf> {
        self.configure_also("cache = \"cache\"\n")?;
        Ok(self.folder.path().join("cache"))
    }

    /// A command of the program with this guard's configuration.
    #[must_use]
    pub fn program(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(environment::file(PROGRAM));
        command
            .args(arguments)
            .arg("--config")
            .arg(self.configuration());
        command
    }

    /// Adds lines to the configuration; tables come last.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn configure_also(&self, lines: &str) -> anyhow::Result<()> {
        let mut file = File::options().append(true).open(self.configuration())?;
        Ok(file.write_all(lines.as_bytes())?)
    }

    /// Writes a file that the configuration names.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, name: &str, text: &str) -> anyhow::Result<()> {
        Ok(fs::write(self.folder.path().join(name), text)?)
    }

    /// Writes a file with a secret that the guard is trusted with. Returns where it is.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write_secret(&self, name: &str, text: &str) -> anyhow::Result<PathBuf> {
        self.write(name, text)?;
        self.keep_secret(text);
        let path = self.folder.path().join(name);
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        given.push(path.clone());
        Ok(path)
    }

    /// Where operators and monitoring systems connect.
    #[must_use]
    pub fn admin_url(&self) -> String {
        format!("http://{}", self.admin)
    }

    /// What the guard keeps its record in.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.folder.path().join("scimguard.db")
    }

    /// Adds a service account with all permissions and gives it a token, for a provider or none.
    ///
    /// # Errors
    /// If one of the program's commands fails.
    pub async fn token(
        &self,
        account: &str,
        principal: &str,
        provider: Option<&str>,
    ) -> anyhow::Result<String> {
        let create = [
            "principal",
            "create",
            "--kind",
            "service-account",
            "--permissions",
            "all",
        ];
        self.command(&create, &["--account", account, "--id", principal])
            .await?;
        let create = ["token", "create", "--expires", "90d"];
        let mut rest = vec!["--account", account, "--principal", principal];
        match provider {
            Some(provider) => rest.extend(["--provider", provider]),
            None => rest.push("--operator"),
        }
        Ok(self.command(&create, &rest).await?.trim().to_owned())
    }

    /// What one of the program's commands prints as JSON, with this guard's configuration.
    ///
    /// # Errors
    /// If it fails, or prints something else.
    pub async fn told(&self, command: &[&str]) -> anyhow::Result<Value> {
        Ok(serde_json::from_str(
            &self.command(command, &["--json"]).await?,
        )?)
    }

    /// The same, whether it found what it was asked for (0) or not (1).
    ///
    /// # Errors
    /// If it fails, or prints something else.
    pub async fn found(&self, command: &[&str]) -> anyhow::Result<Value> {
        let output = process::run(self.program(command).arg("--json")).await?;
        ensure!(
            matches!(output.status.code(), Some(0 | 1)),
            "{command:?}: {output:?}"
        );
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    /// Runs one of the program's commands with this guard's configuration, and returns what it prints.
    ///
    /// # Errors
    /// If it fails.
    pub async fn command(&self, command: &[&str], rest: &[&str]) -> anyhow::Result<String> {
        let printed = process::output(self.program(command).args(rest)).await?;
        if matches!(command, ["token", "create" | "rotate", ..]) {
            self.keep_secret(&printed);
        }
        Ok(printed)
    }

    /// Starts the process and waits until it is ready. Returns how long that took.
    ///
    /// # Errors
    /// If it ends or is not ready in time; the message has the end of its log.
    pub async fn start(&mut self) -> anyhow::Result<Duration> {
        self.start_as("serve").await
    }

    /// The same with another of the program's commands that serve.
    ///
    /// # Errors
    /// If it ends or is not ready in time; the message has the end of its log.
    pub async fn start_as(&mut self, command: &str) -> anyhow::Result<Duration> {
        let program = environment::file(PROGRAM);
        self.start_with(Command::new(program).arg(command)).await
    }

    /// Starts it where a write that is larger than it may be is an error and no signal (setrlimit(2)).
    ///
    /// # Errors
    /// If it ends or is not ready in time; the message has the end of its log.
    pub async fn start_without_file_size_signal(&mut self) -> anyhow::Result<Duration> {
        let program = environment::file(PROGRAM);
        let mut command = Command::new("env");
        command
            .arg("--ignore-signal=XFSZ")
            .arg(program)
            .arg("serve");
        self.start_with(&mut command).await
    }

    async fn start_with(&mut self, command: &mut Command) -> anyhow::Result<Duration> {
        ensure!(self.process.is_none(), "the guard runs already");
        self.starts += 1;
        let begun = Instant::now();
        let process = command
            .arg("--config")
            .arg(self.configuration())
            .stdin(Stdio::null())
            .stdout(File::create(self.log("stdout"))?)
            .stderr(File::create(self.log("stderr"))?)
            .kill_on_drop(true)
            .spawn()
            .context("cannot start the guard")?;
        let admin = Client::new(format!("http://{}", self.admin));
        self.process = Some(process);
        while !matches!(admin.get("/readyz").await, Ok(answer) if answer.status == 200) {
            let ended = self
                .process
                .as_mut()
                .map(Child::try_wait)
                .transpose()?
                .flatten();
            if ended.is_some() || begun.elapsed() > TIME_LIMIT {
                let log = fs::read_to_string(self.log("stderr")).unwrap_or_default();
                bail!("the guard is not ready ({ended:?}):\n{log}");
            }
            sleep(Duration::from_millis(20)).await;
        }
        Ok(begun.elapsed())
    }

    /// Kills the process as a power failure would: it gets no chance to write anything more.
    ///
    /// # Errors
    /// If it does not run.
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        let mut process = self.process.take().context("the guard does not run")?;
        process.kill().await?;
        Ok(())
    }

    /// Asks the process to end, and waits until it has.
    ///
    /// # Errors
    /// If it does not run, or does not end in time.
    pub async fn terminate(&mut self) -> anyhow::Result<ExitStatus> {
        let mut process = self.process.take().context("the guard does not run")?;
        process::terminate(&mut process).await
    }

    /// From now on this is a secret: it must not be in anything that the guard writes or says.
    pub fn keep_secret(&self, text: &str) {
        self.secrets().keep(text);
    }

    /// The lines of the guard's log that are decisions.
    ///
    /// # Errors
    /// If one of them is not JSON.
    pub fn decisions(&self) -> anyhow::Result<Vec<Value>> {
        let log = self.logged();
        let lines = log
            .lines()
            .filter(|line| line.contains("\"scimguard::decision\""));
        lines.map(|line| Ok(serde_json::from_str(line)?)).collect()
    }

    /// What the guard tells a monitoring system.
    ///
    /// # Errors
    /// If it does not.
    pub fn metrics(&self) -> anyhow::Result<String> {
        let limit = Duration::from_secs(5);
        let mut stream = TcpStream::connect_timeout(&self.admin, limit)?;
        stream.set_read_timeout(Some(limit))?;
        stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: guard\r\nconnection: close\r\n\r\n")?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        ensure!(text.starts_with("HTTP/1.1 200"), "{text}");
        Ok(text)
    }

    /// The guard's process, while it runs.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.process.as_ref()?.id()
    }

    /// Everything that the guard wrote and still says, but for what a test put into its folder as a
    /// secret: the database with its log, what the process printed, the code cache, the metrics.
    fn hides_secrets(&self) -> anyhow::Result<()> {
        let secrets = self.secrets().clone();
        if self.process.is_some() {
            let told = self.metrics().unwrap_or_default();
            secrets.are_not_in("/metrics", told.as_bytes())?;
        }
        let given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        for file in files_below(self.folder.path())? {
            if !given.contains(&file) {
                secrets.are_not_in(file.display(), &fs::read(&file)?)?;
            }
        }
        Ok(())
    }

    fn secrets(&self) -> MutexGuard<'_, Secrets> {
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the present process, or the last one, has logged.
    #[must_use]
    pub fn logged(&self) -> String {
        fs::read_to_string(self.log("stderr")).unwrap_or_default()
    }

    fn configuration(&self) -> PathBuf {
        self.folder.path().join("scimguard.toml")
    }

    fn log(&self, stream: &str) -> PathBuf {
        self.folder
            .path()
            .join(format!("guard-{}.{stream}", self.starts))
    }
}

impl Drop for Guard {
    /// Whatever a test was about: no guard gives away what it was trusted with.
    fn drop(&mut self) {
        if !std::thread::panicking()
            && let Err(error) = self.hides_secrets()
        {
            panic!("{error:#}");
        }
    }
}

/// Every file in a folder and in those below it, sorted.
///
/// # Errors
/// If one of them cannot be read.
pub fn files_below(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        match path.is_dir() {
            true => files.extend(files_below(&path)?),
            false => files.push(path),
        }
    }
    files.sort();
    Ok(files)
}
