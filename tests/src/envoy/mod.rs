//! A stock Envoy with the filter, as a process: listeners, each with a plugin configuration of its
//! own, in front of one application, with one facts service beside it.

mod configuration;
mod running;

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

pub use self::running::Running;
use self::running::TIME_LIMIT;
use crate::environment::{self, FILTER};
use crate::fixtures::GATEWAY_SECRET;

/// What Envoy stands in front of.
pub struct TestBed {
    /// The application.
    pub application: SocketAddr,
    /// The facts service.
    pub facts: SocketAddr,
    /// What the facts service knows the gateway by.
    pub secret: Option<String>,
    /// Speak HTTP/2 with the application.
    pub http2: bool,
    /// Its worker threads.
    pub workers: usize,
    /// How much of a body Envoy buffers, in bytes; `None`: its default, 1 MiB.
    pub buffers: Option<u32>,
    /// A function of Envoy that the filter may not call: where it needs it, it breaks off.
    pub forbidden: Option<&'static str>,
}

/// A running Envoy.
pub struct Envoy {
    /// One for each plugin configuration.
    pub listeners: Vec<SocketAddr>,
    running: Running,
    settings: Settings,
    folder: TempDir,
}

/// What a listener has before its router.
#[derive(Clone)]
pub enum Filter {
    /// Nothing.
    None,
    /// A proxy-wasm filter.
    Wasm {
        /// Where it is.
        file: PathBuf,
        /// Its configuration.
        plugin: Value,
    },
}

/// The plugin configuration around a policy document.
#[must_use]
pub fn plugin(policy: &Value, annotate: bool) -> Value {
    json!({
        "policy": policy,
        "facts": {"cluster": "facts"},
        "backend": {"cluster": "application"},
        "annotate": annotate,
    })
}

// === impl TestBed ===

impl TestBed {
    /// The simplest one, with one worker; the facts service knows the gateway.
    #[must_use]
    pub fn new(application: SocketAddr, facts: SocketAddr) -> Self {
        Self {
            application,
            facts,
            secret: Some(GATEWAY_SECRET.to_owned()),
            http2: false,
            workers: 1,
            buffers: None,
            forbidden: None,
        }
    }
}

// === impl Filter ===

impl Filter {
    /// The policy's, with this configuration.
    #[must_use]
    pub fn scimguard(plugin: &Value) -> Self {
        Self::Wasm {
            file: environment::file(FILTER),
            plugin: plugin.clone(),
        }
    }
}

// === impl Envoy ===

impl Envoy {
    /// Starts it, with a listener for each plugin configuration.
    pub async fn start(bed: &TestBed, plugins: &[Value]) -> anyhow::Result<Self> {
        let filters: Vec<Filter> = plugins.iter().map(Filter::scimguard).collect();
        Self::start_with(bed, &filters).await
    }

    /// Starts it, with a listener for each of these filters.
    pub async fn start_with(bed: &TestBed, filters: &[Filter]) -> anyhow::Result<Self> {
        let folder = TempDir::with_prefix("scimguard-envoy-")?;
        let settings = Settings {
            buffers: bed.buffers,
            forbidden: bed.forbidden,
        };
        write(&folder, filters, settings)?;
        let document = configuration::whole(bed, &folder.path().join("listeners.json"));
        let workers = bed.workers.to_string();
        let node = ["--service-cluster", "tests", "--service-node", "tests"];
        let arguments = [&node[..], &["--concurrency", &workers]].concat();
        let running = Running::start(folder.path(), &document.to_string(), &arguments).await?;
        let envoy = Self {
            listeners: addresses(&running).await?,
            running,
            settings,
            folder,
        };
        ensure!(
            envoy.listeners.len() == filters.len(),
            "Envoy refuses a configuration:\n{}",
            envoy.logged()
        );
        Ok(envoy)
    }

    /// Gives it other plugin configurations, and waits until it has taken or refused them.
    pub async fn reconfigure(&self, plugins: &[Value]) -> anyhow::Result<Taken> {
        let [taken, refused] = [
            "listener_manager.lds.update_success",
            "listener_manager.lds.update_rejected",
        ];
        let before = (self.count(taken).await?, self.count(refused).await?);
        let filters: Vec<Filter> = plugins.iter().map(Filter::scimguard).collect();
        write(&self.folder, &filters, self.settings)?;
        let begun = Instant::now();
        while begun.elapsed() < TIME_LIMIT {
            if self.count(refused).await? > before.1 {
                return Ok(Taken::Refused);
            }
            if self.count(taken).await? > before.0 {
                return Ok(Taken::Yes);
            }
            sleep(Duration::from_millis(50)).await;
        }
        bail!("Envoy did not see its configuration:\n{}", self.logged())
    }

    /// One of its counters; 0 while there is none of this name.
    pub async fn count(&self, name: &str) -> anyhow::Result<u64> {
        let stats = self.stats(name).await?;
        let found = stats.iter().find(|stat| stat["name"] == name);
        Ok(found
            .and_then(|stat| stat["value"].as_u64())
            .unwrap_or_default())
    }

    /// What it tells a monitoring system of everything whose name has this in it.
    pub async fn stats(&self, part: &str) -> anyhow::Result<Vec<Value>> {
        self.running.stats(part).await
    }

    /// What it has logged.
    #[must_use]
    pub fn logged(&self) -> String {
        self.running.logged()
    }

    /// Its process.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.running.id()
    }
}

/// Where it listens, in the order of the plugin configurations.
async fn addresses(running: &Running) -> anyhow::Result<Vec<SocketAddr>> {
    let mut listeners = Vec::new();
    for (name, address) in running.listeners().await? {
        let number = name.strip_prefix(configuration::LISTENER);
        let number: usize = number.context("the name of a listener")?.parse()?;
        listeners.push((number, address));
    }
    listeners.sort_unstable();
    Ok(listeners.into_iter().map(|(_, address)| address).collect())
}

/// What all listeners have alike.
#[derive(Clone, Copy)]
struct Settings {
    buffers: Option<u32>,
    forbidden: Option<&'static str>,
}

/// What Envoy did with a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It works by it.
    Yes,
    /// It goes on with the one before.
    Refused,
}

/// Envoy reads the file of its listeners whenever another one is put in its place.
fn write(folder: &TempDir, filters: &[Filter], settings: Settings) -> anyhow::Result<()> {
    let (file, written) = (
        folder.path().join("listeners.json"),
        folder.path().join("listeners.new"),
    );
    fs::write(
        &written,
        configuration::listeners(filters, settings).to_string(),
    )?;
    fs::rename(&written, &file)?;
    Ok(())
}
