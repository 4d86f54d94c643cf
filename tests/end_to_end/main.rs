//! The whole way with real processes: an identity provider's requests, the guard with the component
//! in wasmtime, a SCIM server of another project.

mod bulk;
mod conformance;
mod crash;
mod credential;
mod demo;
mod dialects;
mod disk;
mod doctor;
mod facts;
mod gateway;
mod import;
mod interop;
mod issuers;
mod limits;
mod lint;
mod listed;
mod login_check;
mod narrow;
mod operators;
mod owners;
mod process;
mod provisioning;
mod recorder;
mod scene;
mod tokens;

use serde_json::{Value, json};

/// The account of every test.
const ACCOUNT: &str = "ACC1";

/// A guard in front of the example application, which has its end points where the preset says.
const HARNESS_BASE: &str = "/gateway/ng/api/scim/account/ACC1";

/// A guard in front of a stock SCIM server.
const GENERIC_BASE: &str = "/scim/v2/ACC1";

/// Where `scim2-server` has its end points, and a server made of `scimmy`.
const SCIM2_MOUNT: &str = "/v2";
const SCIMMY_MOUNT: &str = "/scim";

fn harness() -> Value {
    json!({"version": 1, "preset": "harness"})
}

/// The policy for a stock SCIM server that has its end points under `mount`.
fn generic(mount: &str) -> Value {
    json!({
        "version": 1,
        "preset": "generic",
        "scim": {"upstream_base": mount, "account": ACCOUNT},
    })
}
