//! Envoy's configuration as Envoy Gateway and Istio make it of the resources of an example, as far as the
//! filter and the facts service are concerned. Other than there are the addresses, where files are, and that
//! clients come in clear text.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context as _, bail, ensure};
use scimguard_tests::environment::{self, FILTER};
use serde_json::{Value, json};
use serde_json_path::JsonPath;

/// What the example's names stand for here.
pub(crate) struct Place {
    pub(crate) application: SocketAddr,
    pub(crate) facts: SocketAddr,
    /// `/etc/scimguard`.
    pub(crate) secrets: PathBuf,
}

const MOUNT: &str = "/etc/scimguard";
const ROUTER: &str = "envoy.filters.http.router";

/// The only resource of a kind.
pub(crate) fn resource<'a>(resources: &'a [Value], kind: &str) -> anyhow::Result<&'a Value> {
    let mut found = resources.iter().filter(|resource| resource["kind"] == kind);
    let resource = found.next().with_context(|| format!("no {kind}"))?;
    ensure!(found.next().is_none(), "more than one {kind}");
    Ok(resource)
}

/// What Envoy Gateway makes of its example: `processJSONPatches`, `buildHCMWasmFilter` and `wasmConfig` of its
/// xDS translator.
pub(crate) fn envoy_gateway(resources: &[Value], place: &Place) -> anyhow::Result<Value> {
    let extension = resource(resources, "EnvoyExtensionPolicy")?;
    let wasm = &extension["spec"]["wasm"][0];
    let id = format!("envoyextensionpolicy/{}/wasm/0", named(extension)?);
    let name = format!("envoy.filters.http.wasm/{id}");
    let filter = json!({
        "name": name,
        "disabled": true,
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
            "config": {
                "name": wasm["name"],
                "fail_open": wasm["failOpen"],
                "configuration": {
                    "@type": "type.googleapis.com/google.protobuf.StringValue",
                    "value": wasm["config"].to_string(),
                },
                "vm_config": {
                    "vm_id": id,
                    "runtime": "envoy.wasm.runtime.v8",
                    "code": code(),
                },
            },
        },
    });
    let route = resource(resources, "HTTPRoute")?;
    let application = format!("httproute/{}/rule/0", named(route)?);
    let timeout = &route["spec"]["rules"][0]["timeouts"]["request"];
    let mut listener = listener(&application, timeout, vec![filter]);
    let gateway = resource(resources, "Gateway")?;
    let of_gateway = &gateway["spec"]["listeners"][0]["name"];
    let of_gateway = of_gateway.as_str().context("no name of a listener")?;
    listener["name"] = json!(format!("{}/{of_gateway}", named(gateway)?));
    let connection = &resource(resources, "ClientTrafficPolicy")?["spec"]["connection"];
    let limit = text(&connection["bufferLimit"])?.strip_suffix("Mi");
    let limit: u32 = limit.context("no limit in MiB")?.parse()?;
    let timeouts = &resource(resources, "ClientTrafficPolicy")?["spec"]["timeout"]["http"];
    listener["per_connection_buffer_limit_bytes"] = json!(limit * 1024 * 1024);
    let manager = &mut listener["filter_chains"][0]["filters"][0]["typed_config"];
    manager["stream_idle_timeout"] = timeouts["streamIdleTimeout"].clone();
    manager["request_timeout"] = timeouts["requestReceivedTimeout"].clone();
    let route = &mut manager["route_config"]["virtual_hosts"][0]["routes"][0];
    let enabled = json!({
        "@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig",
        "config": {},
    });
    route["typed_per_filter_config"] = json!({ name: enabled });

    let mut clusters = vec![cluster(&application, place.application)];
    let policy = resource(resources, "EnvoyPatchPolicy")?;
    for patch in policy["spec"]["jsonPatches"]
        .as_array()
        .into_iter()
        .flatten()
    {
        let operation = &patch["operation"];
        ensure!(operation["op"] == "add", "{operation}");
        let (kind, name) = (text(&patch["type"])?, &patch["name"]);
        match (kind, text(&operation["path"])?) {
            ("type.googleapis.com/envoy.config.cluster.v3.Cluster", "") => {
                clusters.push(operation["value"].clone());
            }
            ("type.googleapis.com/envoy.config.listener.v3.Listener", path) => {
                ensure!(listener["name"] == *name, "there is no listener {name}");
                add(
                    &mut listener,
                    text(&operation["jsonPath"])?,
                    path,
                    &operation["value"],
                )?;
            }
            other => bail!("{other:?}"),
        }
    }
    put_in(&mut clusters, "scimguard-facts", place.facts)?;
    let filters = listener["filter_chains"][0]["filters"].as_array_mut();
    filters.context("no filters")?.insert(
        0,
        json!({
            "name": "envoy.filters.network.connection_limit",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.network.connection_limit.v3.ConnectionLimit",
                "stat_prefix": "connection_limit",
                "max_connections": connection["connectionLimit"]["value"],
            },
        }),
    );
    let mut document = bootstrap(listener, &clusters, place)?;
    document["overload_manager"] = overload_manager(resource(resources, "EnvoyProxy")?)?;
    Ok(document)
}

/// The overload manager of Envoy Gateway's own bootstrap configuration: the heap has 80 % of the memory that the
/// container may have.
fn overload_manager(proxy: &Value) -> anyhow::Result<Value> {
    let container = "/spec/provider/kubernetes/envoyDeployment/container";
    let memory = format!("{container}/resources/limits/memory");
    let memory = text(proxy.pointer(&memory).context("no memory limit")?)?.strip_suffix("Gi");
    let memory: u64 = memory.context("no limit in GiB")?.parse()?;
    let monitors = "type.googleapis.com/envoy.extensions.resource_monitors";
    let heap = "envoy.resource_monitors.fixed_heap";
    let trigger = |value: f64| json!([{"name": heap, "threshold": {"value": value}}]);
    Ok(json!({
        "refresh_interval": "0.25s",
        "resource_monitors": [
            {
                "name": "envoy.resource_monitors.global_downstream_max_connections",
                "typed_config": {
                    "@type": format!("{monitors}.downstream_connections.v3.DownstreamConnectionsConfig"),
                    "max_active_downstream_connections": 50_000,
                },
            },
            {
                "name": heap,
                "typed_config": {
                    "@type": format!("{monitors}.fixed_heap.v3.FixedHeapConfig"),
                    "max_heap_size_bytes": (memory << 30) / 10 * 8,
                },
            },
        ],
        "actions": [
            {"name": "envoy.overload_actions.shrink_heap", "triggers": trigger(0.95)},
            {"name": "envoy.overload_actions.stop_accepting_requests", "triggers": trigger(0.98)},
        ],
    }))
}

/// What Istio makes of its example: `ApplyClusterMerge`, `InsertedExtensionConfigurations`, and what its agent
/// does with the latter, in `MaybeConvertWasmExtensionConfig`.
pub(crate) fn istio(resources: &[Value], place: &Place) -> anyhow::Result<Value> {
    let http = &resource(resources, "VirtualService")?["spec"]["http"][0];
    ensure!(http["retries"]["attempts"] == 0, "Istio would retry");
    let destination = &http["route"][0]["destination"];
    let outbound = |host: &Value, port: &Value| {
        Ok::<_, anyhow::Error>(format!("outbound|{port}||{}", text(host)?))
    };
    let application = outbound(&destination["host"], &destination["port"]["number"])?;
    let mut listener = listener(&application, &http["timeout"], Vec::new());
    let mut clusters = vec![cluster(&application, place.application)];
    let extensions = place.secrets.join("extensions.json");
    let mut of_bootstrap = json!({});

    let patches = &resource(resources, "EnvoyFilter")?["spec"]["configPatches"];
    for entry in patches.as_array().into_iter().flatten() {
        let (matched, patch) = (&entry["match"], &entry["patch"]);
        ensure!(matched["context"] == "GATEWAY", "{matched}");
        let mut value = patch["value"].clone();
        match (text(&entry["applyTo"])?, text(&patch["operation"])?) {
            ("EXTENSION_CONFIG", "ADD") => {
                value["typed_config"]["config"]["vm_config"]["code"] = code();
                value["@type"] =
                    json!("type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig");
                fs::write(&extensions, json!({"resources": [value]}).to_string())?;
            }
            ("HTTP_FILTER", "INSERT_BEFORE") => {
                let filter = &matched["listener"]["filterChain"]["filter"];
                let manager = &mut listener["filter_chains"][0]["filters"][0];
                ensure!(manager["name"] == filter["name"], "{filter}");
                let filters = manager["typed_config"]["http_filters"].as_array_mut();
                let filters = filters.context("no filters")?;
                let before = &filter["subFilter"]["name"];
                let position = filters.iter().position(|it| it["name"] == *before);
                let source = &mut value["config_discovery"]["config_source"];
                source["path_config_source"] = json!({ "path": extensions });
                let ads = source
                    .as_object_mut()
                    .and_then(|source| source.remove("ads"));
                ensure!(ads == Some(json!({})), "it comes from Istio");
                filters.insert(position.context("no such filter")?, value);
            }
            ("NETWORK_FILTER", "MERGE") => {
                let filter = &matched["listener"]["filterChain"]["filter"];
                let manager = &mut listener["filter_chains"][0]["filters"][0];
                ensure!(manager["name"] == filter["name"], "{filter}");
                let configured = value["typed_config"].as_object_mut();
                let kind = configured.and_then(|configured| configured.remove("@type"));
                let manager = &mut manager["typed_config"];
                ensure!(kind.as_ref() == Some(&manager["@type"]), "{kind:?}");
                merge(manager, &value["typed_config"])?;
            }
            ("BOOTSTRAP", "MERGE") => merge(&mut of_bootstrap, &value)?,
            ("LISTENER", "MERGE") => merge(&mut listener, &value)?,
            ("CLUSTER", "MERGE") => {
                let service = &matched["cluster"];
                let name = outbound(&service["service"], &service["portNumber"])?;
                let mut merged = cluster(&name, place.facts);
                merge(&mut merged, &value)?;
                clusters.push(merged);
            }
            other => bail!("{other:?}"),
        }
    }
    let mut document = bootstrap(listener, &clusters, place)?;
    merge(&mut document, &of_bootstrap)?;
    Ok(document)
}

/// `NAMESPACE/NAME`.
fn named(resource: &Value) -> anyhow::Result<String> {
    let metadata = &resource["metadata"];
    Ok(format!(
        "{}/{}",
        text(&metadata["namespace"])?,
        text(&metadata["name"])?
    ))
}

fn text(value: &Value) -> anyhow::Result<&str> {
    value
        .as_str()
        .with_context(|| format!("{value} is no text"))
}

/// Adds a value at a path below each place that a query finds (RFC 9535).
fn add(to: &mut Value, query: &str, path: &str, value: &Value) -> anyhow::Result<()> {
    let found = JsonPath::parse(query)?
        .query_located(to)
        .locations()
        .map(|it| it.to_json_pointer())
        .collect::<Vec<_>>();
    ensure!(!found.is_empty(), "{query} finds nothing");
    let (parent, key) = path.rsplit_once('/').context("no path")?;
    for place in found {
        let parent = to.pointer_mut(&format!("{place}{parent}"));
        parent.with_context(|| format!("{place} has no {path}"))?[key] = value.clone();
    }
    Ok(())
}

/// Adds what is new; what is there already, Istio would merge.
fn merge(to: &mut Value, patch: &Value) -> anyhow::Result<()> {
    for (key, value) in patch.as_object().context("no patch")? {
        ensure!(to.get(key).is_none(), "{key} would have to be merged");
        to[key] = value.clone();
    }
    Ok(())
}

/// Gives the endpoint of a cluster the address that it has here.
fn put_in(clusters: &mut [Value], name: &str, address: SocketAddr) -> anyhow::Result<()> {
    let cluster = clusters.iter_mut().find(|cluster| cluster["name"] == name);
    let cluster = cluster.with_context(|| format!("no cluster {name}"))?;
    let endpoint =
        cluster.pointer_mut("/load_assignment/endpoints/0/lb_endpoints/0/endpoint/address");
    *endpoint.context("no endpoint")? = socket(address);
    Ok(())
}

fn listener(application: &str, timeout: &Value, mut filters: Vec<Value>) -> Value {
    let manager = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
    filters.push(json!({
        "name": ROUTER,
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router",
            "suppress_envoy_headers": true,
        },
    }));
    let route = json!({
        "match": {"prefix": "/"},
        "route": {"cluster": application, "timeout": timeout},
    });
    json!({
        "address": socket(SocketAddr::from(([127, 0, 0, 1], 0))),
        "filter_chains": [{"filters": [{
            "name": "envoy.filters.network.http_connection_manager",
            "typed_config": {
                "@type": manager,
                "stat_prefix": "http",
                "use_remote_address": true,
                "normalize_path": true,
                "merge_slashes": true,
                "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
                "http_filters": filters,
            },
        }]}],
    })
}

fn cluster(name: &str, address: SocketAddr) -> Value {
    json!({
        "name": name,
        "type": "STATIC",
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": socket(address)}}]}],
        },
    })
}

fn code() -> Value {
    json!({"local": {"filename": environment::file(FILTER)}})
}

fn socket(address: SocketAddr) -> Value {
    json!({"socket_address": {"address": address.ip().to_string(), "port_value": address.port()}})
}

fn bootstrap(listener: Value, clusters: &[Value], place: &Place) -> anyhow::Result<Value> {
    let document = json!({
        "node": {"id": "edge", "cluster": "edge"},
        "admin": {"address": socket(SocketAddr::from(([127, 0, 0, 1], 0)))},
        "static_resources": {"listeners": [listener], "clusters": clusters},
    });
    let text = document.to_string();
    let secrets = place.secrets.to_str().context("the folder is no text")?;
    ensure!(text.contains(MOUNT), "nothing is read from {MOUNT}");
    Ok(serde_json::from_str(&text.replace(MOUNT, secrets))?)
}
