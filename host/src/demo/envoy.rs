//! A stock Envoy with the filter as the demo's gateway: its configuration and its process.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::{Value, json};
use tokio::process::{Child, Command};
use tokio::time::Instant;

use super::client::Client;

/// It compiles the filter before it is ready.
const TIME_LIMIT: Duration = Duration::from_secs(120);

/// The files to run.
pub(crate) struct Parts {
    /// Envoy itself.
    pub(crate) program: PathBuf,
    /// The filter.
    pub(crate) filter: PathBuf,
}

/// The addresses of the demo's Envoy and of what it connects.
pub(super) struct Place<'a> {
    pub(super) listen: SocketAddr,
    pub(super) admin: SocketAddr,
    /// Such as `http://127.0.0.1:9000`.
    pub(super) application: &'a str,
    pub(super) facts: SocketAddr,
    pub(super) secret: &'a str,
}

/// Starts Envoy and waits until it is ready.
pub(super) async fn start(
    parts: &Parts,
    place: &Place<'_>,
    folder: &Path,
    client: &Client,
) -> anyhow::Result<Child> {
    let file = folder.join("envoy.json");
    std::fs::write(&file, configuration(parts, place)?.to_string())?;
    let mut process = Command::new(&parts.program)
        .arg("--config-path")
        .arg(&file)
        .args(["--concurrency", "1", "--disable-hot-restart"])
        .args(["--log-level", "warning"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(std::fs::File::create(folder.join("envoy.log"))?)
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("cannot start {}", parts.program.display()))?;
    let ready = format!("http://{}/ready", place.admin);
    let until = Instant::now() + TIME_LIMIT;
    while !matches!(client.get(&ready).await, Ok(answer) if answer.status == 200) {
        let ended = process.try_wait()?;
        if ended.is_some() || Instant::now() > until {
            let log = std::fs::read_to_string(folder.join("envoy.log")).unwrap_or_default();
            bail!("Envoy is not ready ({ended:?}):\n{log}");
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(process)
}

fn configuration(parts: &Parts, place: &Place<'_>) -> anyhow::Result<Value> {
    let application: SocketAddr = place
        .application
        .trim_start_matches("http://")
        .parse()
        .context("the application is not at an address of this machine")?;
    let plugin = json!({
        "policy": {"version": 1, "preset": "harness"},
        "facts": {"cluster": "facts"},
        "backend": {"cluster": "application"},
    });
    let wasm = json!({
        "@type": kind("envoy.extensions.filters.http.wasm.v3.Wasm"),
        "config": {
            "name": "scimguard",
            "fail_open": false,
            "failure_policy": "FAIL_RELOAD",
            "allow_on_headers_stop_iteration": true,
            "configuration": {"@type": kind("google.protobuf.StringValue"), "value": plugin.to_string()},
            "vm_config": {
                "runtime": "envoy.wasm.runtime.v8",
                "code": {"local": {"filename": parts.filter}},
            },
        },
    });
    let manager =
        "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
    let route = json!({"match": {"prefix": "/"}, "route": {"cluster": "application"}});
    Ok(json!({
        "admin": {"address": socket(place.admin)},
        "static_resources": {
            "secrets": [{
                "name": "gateway-secret",
                "generic_secret": {"secret": {"inline_string": format!("Bearer {}", place.secret)}},
            }],
            "listeners": [{
                "address": socket(place.listen),
                "per_connection_buffer_limit_bytes": 64 << 20,
                "filter_chains": [{"filters": [{
                    "name": "envoy.filters.network.http_connection_manager",
                    "typed_config": {
                        "@type": kind(manager),
                        "stat_prefix": "clients",
                        "use_remote_address": true,
                        "stream_idle_timeout": "60s",
                        "route_config": {"virtual_hosts": [
                            {"name": "all", "domains": ["*"], "routes": [route]}
                        ]},
                        "http_filters": [
                            {"name": "scimguard", "typed_config": wasm},
                            {"name": "envoy.filters.http.router", "typed_config": {
                                "@type": kind("envoy.extensions.filters.http.router.v3.Router"),
                            }},
                        ],
                    },
                }]}],
            }],
            "clusters": [
                cluster("application", application, json!([])),
                cluster("facts", place.facts, with_secret()),
            ],
        },
    }))
}

/// Filters that add the gateway's secret to requests to the facts service.
fn with_secret() -> Value {
    json!([
        {"name": "envoy.filters.http.credential_injector", "typed_config": {
            "@type": kind("envoy.extensions.filters.http.credential_injector.v3.CredentialInjector"),
            "overwrite": true,
            "credential": {
                "name": "envoy.http.injected_credentials.generic",
                "typed_config": {
                    "@type": kind("envoy.extensions.http.injected_credentials.generic.v3.Generic"),
                    "credential": {"name": "gateway-secret"},
                },
            },
        }},
        {"name": "envoy.filters.http.upstream_codec", "typed_config": {
            "@type": kind("envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec"),
        }},
    ])
}

fn cluster(name: &str, address: SocketAddr, filters: Value) -> Value {
    let options = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
    let endpoint = json!({"endpoint": {"address": socket(address)}});
    json!({
        "name": name,
        "type": "STATIC",
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]},
        "typed_extension_protocol_options": {options: {
            "@type": kind(options),
            "explicit_http_config": {"http_protocol_options": {}},
            "http_filters": filters,
        }},
    })
}

fn socket(address: SocketAddr) -> Value {
    json!({"socket_address": {"address": address.ip().to_string(), "port_value": address.port()}})
}

fn kind(name: &str) -> String {
    format!("type.googleapis.com/{name}")
}
