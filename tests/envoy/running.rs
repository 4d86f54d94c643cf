//! A stock Envoy with a configuration of a test's own.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use scimguard_tests::client::Client;
use scimguard_tests::environment::{self, ENVOY};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

/// How long it may take to be ready: it compiles the filter first.
const TIME_LIMIT: Duration = Duration::from_secs(120);

/// A running Envoy.
pub(crate) struct Running {
    /// Its only listener.
    pub(crate) url: String,
    log: PathBuf,
    _process: Child,
}

impl Running {
    /// Starts it in a folder. The listener and the administration are at ports that Envoy takes.
    pub(crate) async fn start(folder: &Path, name: &str, text: &str) -> anyhow::Result<Self> {
        fs::write(folder.join(name), text)?;
        let log = folder.join("envoy.log");
        let admin = folder.join("admin.txt");
        let mut process = Command::new(environment::file(ENVOY))
            .current_dir(folder)
            .args(["--config-path", name, "--concurrency", "1"])
            .args(["--disable-hot-restart", "--log-level", "warning"])
            .args(["--component-log-level", "wasm:info"])
            // What comes from files is as strict as what is in the configuration itself.
            .arg("--reject-unknown-dynamic-fields")
            .arg("--admin-address-path")
            .arg(&admin)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log)?)
            .kill_on_drop(true)
            .spawn()
            .context("cannot start Envoy")?;
        let begun = Instant::now();
        let logged = || fs::read_to_string(&log).unwrap_or_default();
        loop {
            if let Some(url) = listener(&admin).await {
                return Ok(Self {
                    url,
                    log,
                    _process: process,
                });
            }
            let ended = process.try_wait()?;
            if ended.is_some() || begun.elapsed() > TIME_LIMIT {
                bail!("Envoy is not ready ({ended:?}):\n{}", logged());
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// What it has logged.
    pub(crate) fn logged(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

/// Where its listener is, once it is ready.
async fn listener(admin: &Path) -> Option<String> {
    let admin = fs::read_to_string(admin).ok().filter(|it| !it.is_empty())?;
    let admin = Client::new(format!("http://{}", admin.trim()));
    let ready = admin.get("/ready").await.ok()?;
    let listeners = admin.get("/listeners?format=json").await.ok()?.body;
    let address = &listeners["listener_statuses"][0]["local_address"]["socket_address"];
    let (host, port) = (
        address["address"].as_str()?,
        address["port_value"].as_u64()?,
    );
    (ready.status == 200).then(|| format!("http://{host}:{port}"))
}
