//! `scimguard serve` with a folder of its own, which outlives the process: a guard that was killed
//! starts again from what it wrote.

use std::fs::{self, File};
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

use crate::client::Client;
use crate::environment::{self, COMPONENT, PROGRAM};
use crate::process::{self, TIME_LIMIT};

/// A guard: its folder, and its process while it runs.
pub struct Guard {
    /// Where clients connect.
    pub url: String,
    admin: SocketAddr,
    folder: TempDir,
    process: Option<Child>,
    starts: usize,
    tokens: Vec<String>,
}

impl Guard {
    /// Writes the configuration of a guard in front of `backend`, with a policy document.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn configure(backend: &str, policy: &Value) -> anyhow::Result<Self> {
        let folder = TempDir::with_prefix("scimguard-tests-")?;
        let (listen, admin) = (process::free_address()?, process::free_address()?);
        let component = environment::file(COMPONENT);
        let text = format!(
            "listen = \"{listen}\"\nadmin = \"{admin}\"\nbackend = \"{backend}\"\n\
             store = \"sqlite:scimguard.db\"\npolicy = \"policy.json\"\ncomponent = {:?}\n",
            component.display().to_string()
        );
        fs::write(folder.path().join("scimguard.toml"), text)?;
        fs::write(folder.path().join("policy.json"), policy.to_string())?;
        let url = format!("http://{listen}");
        Ok(Self {
            url,
            admin,
            folder,
            process: None,
            starts: 0,
            tokens: Vec::new(),
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
        &mut self,
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
        rest.extend(
            provider
                .iter()
                .flat_map(|provider| ["--provider", provider]),
        );
        let token = self.command(&create, &rest).await?.trim().to_owned();
        self.tokens.push(token.clone());
        Ok(token)
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

    /// Runs one of the program's commands with this guard's configuration, and returns what it prints.
    ///
    /// # Errors
    /// If it fails.
    pub async fn command(&self, command: &[&str], rest: &[&str]) -> anyhow::Result<String> {
        process::output(self.program(command).args(rest)).await
    }

    /// Starts the process and waits until it is ready. Returns how long that took.
    ///
    /// # Errors
    /// If it ends or is not ready in time; the message has the end of its log.
    pub async fn start(&mut self) -> anyhow::Result<Duration> {
        ensure!(self.process.is_none(), "the guard runs already");
        self.starts += 1;
        let begun = Instant::now();
        let process = Command::new(environment::file(PROGRAM))
            .arg("serve")
            .arg("--config")
            .arg(self.configuration())
            .stdin(Stdio::null())
            .stdout(File::create(self.log("stdout"))?)
            .stderr(File::create(self.log("stderr"))?)
            .kill_on_drop(true)
            .spawn()
            .context("cannot start `scimguard serve`")?;
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
        let id = process
            .id()
            .context("the guard has ended already")?
            .to_string();
        process::output(Command::new("kill").args(["-TERM", &id])).await?;
        timeout(Duration::from_secs(20), process.wait())
            .await
            .context("the guard did not end within 20 s after SIGTERM")?
            .context("waiting for the guard")
    }

    /// Passes if none of the guard's tokens, nor the secret part of one, is in any file of its
    /// folder: the database with its log, what the process printed, the code cache.
    ///
    /// # Errors
    /// Names the file that has one.
    pub fn wrote_no_token(&self) -> anyhow::Result<()> {
        ensure!(!self.tokens.is_empty(), "there are no tokens to look for");
        let files = files_below(self.folder.path())?;
        ensure!(
            files.iter().any(|file| file.ends_with("scimguard.db")),
            "no database among {files:?}"
        );
        for file in files {
            let bytes = fs::read(&file)?;
            for token in &self.tokens {
                let secret = token.rsplit('.').next().unwrap_or(token);
                let found = bytes
                    .windows(secret.len())
                    .any(|window| window == secret.as_bytes());
                ensure!(!found, "{} has the secret of a token", file.display());
            }
        }
        Ok(())
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
