//! A stock Envoy with the filter, as a process: listeners, each with a plugin configuration of its
//! own, in front of one application, with one facts service beside it.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use crate::client::Client;
use crate::environment::{self, ENVOY, FILTER};
use crate::process;

/// How long Envoy may take to be ready: it compiles the filter first.
const TIME_LIMIT: Duration = Duration::from_secs(120);

/// What Envoy stands in front of.
pub struct Scene {
    /// The application.
    pub application: SocketAddr,
    /// The facts service.
    pub facts: SocketAddr,
    /// Speak HTTP/2 with the application.
    pub http2: bool,
    /// Its worker threads.
    pub workers: usize,
}

/// A running Envoy.
pub struct Envoy {
    /// One for each plugin configuration.
    pub listeners: Vec<SocketAddr>,
    /// Its own address, for its state and metrics.
    pub admin: SocketAddr,
    folder: TempDir,
    process: Child,
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

impl Envoy {
    /// Starts it, with a listener for each plugin configuration.
    ///
    /// # Errors
    /// If it ends or is not ready in time; the message has the end of its log.
    pub async fn start(scene: &Scene, plugins: &[Value]) -> anyhow::Result<Self> {
        let folder = TempDir::with_prefix("scimguard-envoy-")?;
        let admin = process::free_address()?;
        let listeners = plugins
            .iter()
            .map(|_| process::free_address())
            .collect::<anyhow::Result<Vec<_>>>()?;
        let file = folder.path().join("envoy.json");
        let document = configuration(scene, admin, &listeners, plugins);
        fs::write(&file, document.to_string())?;
        let log = folder.path().join("envoy.log");
        let process = Command::new(environment::file(ENVOY))
            .arg("--config-path")
            .arg(&file)
            .args(["--concurrency", &scene.workers.to_string()])
            .args(["--disable-hot-restart", "--log-level", "warning"])
            .args(["--component-log-level", "wasm:info"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log)?)
            .kill_on_drop(true)
            .spawn()
            .context("cannot start Envoy")?;
        let mut envoy = Self {
            listeners,
            admin,
            folder,
            process,
        };
        envoy.until_ready().await?;
        Ok(envoy)
    }

    async fn until_ready(&mut self) -> anyhow::Result<()> {
        let begun = Instant::now();
        let admin = Client::new(format!("http://{}", self.admin));
        while !matches!(admin.get("/ready").await, Ok(answer) if answer.status == 200) {
            let ended = self.process.try_wait()?;
            if ended.is_some() || begun.elapsed() > TIME_LIMIT {
                bail!("Envoy is not ready ({ended:?}):\n{}", self.logged());
            }
            sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// What it has logged.
    #[must_use]
    pub fn logged(&self) -> String {
        fs::read_to_string(self.log()).unwrap_or_default()
    }

    /// Its process.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.process.id()
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("envoy.log")
    }
}

fn configuration(
    scene: &Scene,
    admin: SocketAddr,
    listeners: &[SocketAddr],
    plugins: &[Value],
) -> Value {
    let listeners: Vec<Value> = listeners
        .iter()
        .zip(plugins)
        .enumerate()
        .map(|(number, (address, plugin))| listener(number, *address, plugin))
        .collect();
    json!({
        "admin": {"address": socket(admin)},
        "static_resources": {
            "listeners": listeners,
            "clusters": [
                cluster("application", scene.application, scene.http2),
                cluster("facts", scene.facts, false),
            ],
        },
    })
}

fn listener(number: usize, address: SocketAddr, plugin: &Value) -> Value {
    let manager =
        "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
    let wasm = json!({
        "@type": kind("envoy.extensions.filters.http.wasm.v3.Wasm"),
        "config": {
            "name": format!("scimguard-{number}"),
            "fail_open": false,
            "allow_on_headers_stop_iteration": true,
            "configuration": {
                "@type": kind("google.protobuf.StringValue"),
                "value": plugin.to_string(),
            },
            "vm_config": {
                "vm_id": "scimguard",
                "runtime": "envoy.wasm.runtime.v8",
                "code": {"local": {"filename": environment::file(FILTER)}},
            },
        },
    });
    let router = json!({
        "@type": kind("envoy.extensions.filters.http.router.v3.Router"),
        "suppress_envoy_headers": true,
    });
    let route = json!({
        "match": {"prefix": "/"},
        "route": {"cluster": "application", "timeout": "15s"},
    });
    json!({
        "name": format!("clients-{number}"),
        "address": socket(address),
        "filter_chains": [{"filters": [{
            "name": "envoy.filters.network.http_connection_manager",
            "typed_config": {
                "@type": kind(manager),
                "stat_prefix": "clients",
                "generate_request_id": false,
                "server_header_transformation": "PASS_THROUGH",
                "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
                "http_filters": [
                    {"name": "scimguard", "typed_config": wasm},
                    {"name": "envoy.filters.http.router", "typed_config": router},
                ],
            },
        }]}],
    })
}

fn cluster(name: &str, address: SocketAddr, http2: bool) -> Value {
    let endpoint = json!({"endpoint": {"address": socket(address)}});
    let protocol = match http2 {
        true => json!({"http2_protocol_options": {}}),
        false => json!({"http_protocol_options": {}}),
    };
    json!({
        "name": name,
        "type": "STATIC",
        "connect_timeout": "2s",
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [endpoint]}],
        },
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": kind("envoy.extensions.upstreams.http.v3.HttpProtocolOptions"),
                "explicit_http_config": protocol,
            },
        },
    })
}

fn socket(address: SocketAddr) -> Value {
    json!({"socket_address": {"address": address.ip().to_string(), "port_value": address.port()}})
}

fn kind(name: &str) -> String {
    format!("type.googleapis.com/{name}")
}
