//! Envoy's process, whatever it is configured with.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::Value;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use crate::client::Client;
use crate::environment::{self, ENVOY};

/// How long it may take to be ready: it compiles the filter first.
pub(super) const TIME_LIMIT: Duration = Duration::from_secs(120);

/// A running Envoy.
pub struct Running {
    /// Its administration.
    pub admin: Client,
    log: PathBuf,
    process: Child,
}

impl Running {
    /// Starts it in a folder, with a configuration (YAML, or JSON, which is YAML) that leaves the port of the administration to it, and
    /// waits until it is ready.
    pub async fn start(
        folder: &Path,
        configuration: &str,
        arguments: &[&str],
    ) -> anyhow::Result<Self> {
        let (file, log) = (folder.join("envoy.yaml"), folder.join("envoy.log"));
        fs::write(&file, configuration)?;
        let admin = folder.join("admin.txt");
        let process = Command::new(environment::file(ENVOY))
            .current_dir(folder)
            .arg("--config-path")
            .arg(&file)
            .arg("--admin-address-path")
            .arg(&admin)
            .args(["--disable-hot-restart", "--log-level", "warning"])
            .args(["--component-log-level", "wasm:info"])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log)?)
            .kill_on_drop(true)
            .spawn()
            .context("cannot start Envoy")?;
        let mut running = Self {
            admin: Client::new(""),
            log,
            process,
        };
        running.until_ready(&admin).await?;
        Ok(running)
    }

    async fn until_ready(&mut self, admin: &Path) -> anyhow::Result<()> {
        let begun = Instant::now();
        loop {
            if let Ok(address) = fs::read_to_string(admin) {
                self.admin = Client::new(format!("http://{}", address.trim()));
                if matches!(self.admin.get("/ready").await, Ok(answer) if answer.status == 200) {
                    return Ok(());
                }
            }
            let ended = self.process.try_wait()?;
            if ended.is_some() || begun.elapsed() > TIME_LIMIT {
                bail!("Envoy is not ready ({ended:?}):\n{}", self.logged());
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Its listeners by name, and where they listen.
    pub async fn listeners(&self) -> anyhow::Result<Vec<(String, SocketAddr)>> {
        let told = self.admin.get("/listeners?format=json").await?.body;
        let listeners = told["listener_statuses"].as_array().into_iter().flatten();
        listeners
            .map(|status| {
                let place = &status["local_address"]["socket_address"];
                let (ip, port) = (place["address"].as_str(), place["port_value"].as_u64());
                let (ip, port) = (ip.context("no address")?, port.context("no port")?);
                let name = status["name"].as_str().unwrap_or_default();
                Ok((name.to_owned(), format!("{ip}:{port}").parse()?))
            })
            .collect()
    }

    /// Where clients reach the only listener.
    pub async fn url(&self) -> anyhow::Result<String> {
        match &self.listeners().await?[..] {
            [(_, address)] => Ok(format!("http://{address}")),
            others => bail!("{} listeners", others.len()),
        }
    }

    /// What it tells a monitoring system of everything whose name has this in it.
    pub async fn stats(&self, part: &str) -> anyhow::Result<Vec<Value>> {
        let path = format!("/stats?format=json&filter={part}");
        let told = self.admin.get(&path).await?.status(200)?.body;
        Ok(told["stats"].as_array().cloned().unwrap_or_default())
    }

    /// What it has logged.
    #[must_use]
    pub fn logged(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Its process.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.process.id()
    }
}
