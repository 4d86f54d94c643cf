//! `scimguard serve` in a folder that outlives the process: a guard that was killed starts again from
//! what it wrote.

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
use crate::deployment::administrator;
use crate::environment::{self, COMPONENT, PROGRAM};
use crate::fixtures::ACCOUNT;
use crate::okta::{Okta, scim_client};
use crate::process::{self, TIME_LIMIT};
use crate::secrets::{PASSWORD, Secrets};

/// How long a change may take to be seen.
const CHANGE_LIMIT: Duration = Duration::from_secs(20);

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
    pub fn configure(backend: &str, policy: &Value) -> anyhow::Result<Self> {
        Self::with_store(backend, policy, Path::new("scimguard.db"))
    }

    /// Another guard of the same configuration, on the same store.
    pub fn another(&self, backend: &str, policy: &Value) -> anyhow::Result<Self> {
        let another = Self::with_store(backend, policy, &self.database())?;
        *another.secrets() = self.secrets().clone();
        Ok(another)
    }

    /// The same with its store elsewhere, such as on a small disk.
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

    /// Keeps compiled code in the guard's folder and not in the user's cache.
    pub fn keep_own_cache(&self) -> anyhow::Result<PathBuf> {
        self.configure_also("cache = \"cache\"\n")?;
        Ok(self.folder.path().join("cache"))
    }

    /// A command of the program with this guard's configuration; words have blanks between them.
    #[must_use]
    pub fn program(&self, line: &str) -> Command {
        let mut command = Command::new(environment::file(PROGRAM));
        command
            .args(line.split_whitespace())
            .arg("--config")
            .arg(self.configuration());
        command
    }

    /// Adds lines to the configuration; tables come last.
    pub fn configure_also(&self, lines: &str) -> anyhow::Result<()> {
        let mut file = File::options().append(true).open(self.configuration())?;
        Ok(file.write_all(lines.as_bytes())?)
    }

    /// Writes a file that the configuration names.
    pub fn write(&self, name: &str, text: &str) -> anyhow::Result<()> {
        Ok(fs::write(self.folder.path().join(name), text)?)
    }

    /// Writes a file with a secret that the guard is trusted with. Returns where it is.
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
    pub async fn token(
        &self,
        account: &str,
        principal: &str,
        provider: Option<&str>,
    ) -> anyhow::Result<String> {
        self.command(&format!(
            "principal create --kind service-account --permissions all --account {account} --id {principal}"
        ))
        .await?;
        let whose = provider.map_or("--operator".to_owned(), |it| format!("--provider {it}"));
        self.command(&format!(
            "token create --expires 90d --account {account} --principal {principal} {whose}"
        ))
        .await
    }

    /// Okta in front of the guard, with a token of its own; `base` is where the guard has its SCIM end
    /// points, and `backend` where the application has them.
    pub async fn okta(&self, base: &str, backend: &str) -> anyhow::Result<Okta> {
        let token = self.token(ACCOUNT, "svc-okta", Some("okta")).await?;
        Ok(Okta {
            scim: self.scim(base, &token),
            backend: Client::new(backend),
        })
    }

    /// A client of the guard's SCIM end points at this base.
    #[must_use]
    pub fn scim(&self, base: &str, token: &str) -> Client {
        scim_client(&format!("{}{base}", self.url), token)
    }

    /// An administrator, who uses the management API.
    #[must_use]
    pub fn administrator(&self) -> Client {
        administrator(&self.url)
    }

    /// What one of the program's commands prints as JSON, with this guard's configuration.
    pub async fn told(&self, line: &str) -> anyhow::Result<Value> {
        let printed = self.command(&format!("{line} --json")).await?;
        Ok(serde_json::from_str(&printed)?)
    }

    /// The same, whether it found what it was asked for (0) or not (1).
    pub async fn found(&self, line: &str) -> anyhow::Result<Value> {
        let output = process::run(self.program(line).arg("--json")).await?;
        ensure!(
            matches!(output.status.code(), Some(0 | 1)),
            "{line}: {output:?}"
        );
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    /// Runs one of the program's commands with this guard's configuration, and returns what it prints.
    pub async fn command(&self, line: &str) -> anyhow::Result<String> {
        let printed = process::output(&mut self.program(line)).await?;
        let printed = printed.trim().to_owned();
        if line.starts_with("token create") || line.starts_with("token rotate") {
            self.keep_secret(&printed);
        }
        Ok(printed)
    }

    /// The tokens on record.
    pub async fn tokens(&self) -> anyhow::Result<Vec<Value>> {
        let all = self.told("token list").await?;
        Ok(all.as_array().cloned().unwrap_or_default())
    }

    /// Revokes the only token there is.
    pub async fn revoke_token(&self) -> anyhow::Result<()> {
        let tokens = self.tokens().await?;
        let id = tokens[0]["id"].as_str().context("no id")?;
        let line = format!("token revoke --account {ACCOUNT} --id {id}");
        self.command(&line).await.map(drop)
    }

    /// Waits until something is there, and fails with the guard's log if it does not come in time.
    pub async fn until<T>(
        &self,
        what: &str,
        mut look: impl AsyncFnMut() -> anyhow::Result<Option<T>>,
    ) -> anyhow::Result<T> {
        let begun = Instant::now();
        loop {
            if let Some(found) = look().await? {
                return Ok(found);
            }
            ensure!(begun.elapsed() < CHANGE_LIMIT, "{what}: {}", self.logged());
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Starts the process and waits until it is ready. Returns how long that took.
    pub async fn start(&mut self) -> anyhow::Result<Duration> {
        self.start_as("serve").await
    }

    /// The same with another of the program's commands that serve.
    pub async fn start_as(&mut self, command: &str) -> anyhow::Result<Duration> {
        let program = environment::file(PROGRAM);
        self.start_with(Command::new(program).arg(command)).await
    }

    /// Starts it so that a write over the file-size limit is an error and no signal (setrlimit(2)).
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
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        let mut process = self.process.take().context("the guard does not run")?;
        process.kill().await?;
        Ok(())
    }

    /// Sends SIGTERM, and waits until the process has ended.
    pub async fn terminate(&mut self) -> anyhow::Result<ExitStatus> {
        let mut process = self.process.take().context("the guard does not run")?;
        process::terminate(&mut process).await
    }

    /// Registers a secret, which must not appear in anything that the guard writes or sends.
    pub fn keep_secret(&self, text: &str) {
        self.secrets().keep(text);
    }

    /// The lines of the guard's log that are decisions.
    pub fn decisions(&self) -> anyhow::Result<Vec<Value>> {
        let log = self.logged();
        let lines = log
            .lines()
            .filter(|line| line.contains("\"scimguard::decision\""));
        lines.map(|line| Ok(serde_json::from_str(line)?)).collect()
    }

    /// The guard's metrics, as a monitoring system reads them.
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

    /// Passes if no secret appears in what the guard wrote: the database with its log, the output of the
    /// process, the code cache, the metrics. Files that a test put there as secrets are not searched.
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
    /// At the end of every test, no guard has revealed a secret.
    fn drop(&mut self) {
        if !std::thread::panicking()
            && let Err(error) = self.hides_secrets()
        {
            panic!("{error:#}");
        }
    }
}

/// Every file in a folder and in those below it, sorted.
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
