//! The configuration of the Envoy under test.

use std::net::SocketAddr;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::{Filter, Settings, TestBed};

/// What the names of listeners begin with; their number follows.
pub(super) const LISTENER: &str = "clients-";

/// Everything that the filter calls, and is called by.
const CAPABILITIES: [&str; 24] = [
    "proxy_log",
    "proxy_get_current_time_nanoseconds",
    "proxy_get_buffer_bytes",
    "proxy_set_buffer_bytes",
    "proxy_get_header_map_pairs",
    "proxy_set_header_map_pairs",
    "proxy_get_property",
    "proxy_http_call",
    "proxy_send_local_response",
    "proxy_continue_stream",
    "proxy_set_effective_context",
    "proxy_define_metric",
    "proxy_increment_metric",
    "proxy_record_metric",
    "proxy_on_context_create",
    "proxy_on_configure",
    "proxy_on_http_call_response",
    "proxy_on_request_headers",
    "proxy_on_request_body",
    "proxy_on_response_headers",
    "proxy_on_response_body",
    "proxy_on_vm_start",
    "proxy_on_done",
    "proxy_on_delete",
];

/// All but the listeners, which are in a file of their own.
pub(super) fn whole(bed: &TestBed, listeners: &Path) -> Value {
    let secrets = bed.secret.iter().map(|secret| {
        json!({
            "name": "gateway-secret",
            "generic_secret": {"secret": {"inline_string": format!("Bearer {secret}")}},
        })
    });
    let facts = bed.secret.is_some().then(with_secret);
    json!({
        "admin": {"address": socket(SocketAddr::from(([127, 0, 0, 1], 0)))},
        "dynamic_resources": {"lds_config": {"path_config_source": {"path": listeners}}},
        "static_resources": {
            "secrets": secrets.collect::<Vec<_>>(),
            "clusters": [
                cluster("application", bed.application, bed.http2, None),
                cluster("facts", bed.facts, false, facts),
            ],
        },
    })
}

/// A listener for each filter, at any free port.
pub(super) fn listeners(filters: &[Filter], settings: Settings) -> Value {
    let resources = filters
        .iter()
        .enumerate()
        .map(|(number, filter)| listener(number, filter, settings));
    json!({"resources": resources.collect::<Vec<_>>()})
}

fn listener(number: usize, filter: &Filter, settings: Settings) -> Value {
    let manager =
        "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
    let mut filters = match filter {
        Filter::None => Vec::new(),
        Filter::Wasm { file, plugin } => vec![wasm(number, file, plugin, settings)],
    };
    filters.push(
        json!({"name": "envoy.filters.http.router", "typed_config": {
            "@type": kind("envoy.extensions.filters.http.router.v3.Router"),
            "suppress_envoy_headers": true,
        }}),
    );
    let route = json!({
        "match": {"prefix": "/"},
        "route": {"cluster": "application", "timeout": "12s"},
    });
    json!({
        "@type": kind("envoy.config.listener.v3.Listener"),
        "name": format!("{LISTENER}{number}"),
        "per_connection_buffer_limit_bytes": settings.buffers,
        "address": socket(SocketAddr::from(([127, 0, 0, 1], 0))),
        "filter_chains": [{"filters": [{
            "name": "envoy.filters.network.http_connection_manager",
            "typed_config": {
                "@type": kind(manager),
                "stat_prefix": "clients",
                "generate_request_id": false,
                // Who waits for a filter that has broken off.
                "stream_idle_timeout": "16s",
                "server_header_transformation": "PASS_THROUGH",
                "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
                "http_filters": filters,
            },
        }]}],
    })
}

fn wasm(number: usize, file: &Path, plugin: &Value, settings: Settings) -> Value {
    let mut wasm = json!({
        "@type": kind("envoy.extensions.filters.http.wasm.v3.Wasm"),
        "config": {
            "name": format!("scimguard-{number}"),
            "fail_open": false,
            "failure_policy": "FAIL_RELOAD",
            "allow_on_headers_stop_iteration": true,
            "configuration": {
                "@type": kind("google.protobuf.StringValue"),
                "value": plugin.to_string(),
            },
            "vm_config": {
                "vm_id": "scimguard",
                "runtime": "envoy.wasm.runtime.v8",
                "code": {"local": {"filename": file}},
            },
        },
    });
    if let Some(forbidden) = settings.forbidden {
        let allowed = CAPABILITIES.iter().filter(|name| **name != forbidden);
        let allowed: Map<_, _> = allowed
            .map(|name| ((*name).to_owned(), json!({})))
            .collect();
        wasm["config"]["capability_restriction_config"] = json!({"allowed_capabilities": allowed});
    }
    json!({"name": "scimguard", "typed_config": wasm})
}

fn cluster(name: &str, address: SocketAddr, http2: bool, filters: Option<Value>) -> Value {
    let endpoint = json!({"endpoint": {"address": socket(address)}});
    let protocol = match http2 {
        true => json!({"http2_protocol_options": {}}),
        false => json!({"http_protocol_options": {}}),
    };
    let options = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
    json!({
        "name": name,
        "type": "STATIC",
        "connect_timeout": "2s",
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [endpoint]}],
        },
        "typed_extension_protocol_options": {options: {
            "@type": kind(options),
            "explicit_http_config": protocol,
            "http_filters": filters.unwrap_or_else(|| json!([])),
        }},
    })
}

/// Filters that put the gateway's secret on what goes to the facts service.
fn with_secret() -> Value {
    let injector = "envoy.extensions.filters.http.credential_injector.v3.CredentialInjector";
    let generic = "envoy.extensions.http.injected_credentials.generic.v3.Generic";
    let codec = "envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec";
    json!([
        {"name": "envoy.filters.http.credential_injector", "typed_config": {
            "@type": kind(injector),
            "overwrite": true,
            "credential": {
                "name": "envoy.http.injected_credentials.generic",
                "typed_config": {
                    "@type": kind(generic),
                    "credential": {"name": "gateway-secret"},
                },
            },
        }},
        {"name": "envoy.filters.http.upstream_codec", "typed_config": {"@type": kind(codec)}},
    ])
}

fn socket(address: SocketAddr) -> Value {
    json!({"socket_address": {"address": address.ip().to_string(), "port_value": address.port()}})
}

fn kind(name: &str) -> String {
    format!("type.googleapis.com/{name}")
}
