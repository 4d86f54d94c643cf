//! The whole way with real processes: an identity provider's requests, the guard with the component
//! in wasmtime, a SCIM server of another project.

mod bulk;
mod conformance;
mod crash;
mod demo;
mod held;
mod lint;
mod okta;
mod process;
mod provisioning;

use serde_json::{Value, json};

/// The account of every test.
const ACCOUNT: &str = "ACC1";

/// A guard in front of the example application, which has its end points where the preset says.
const HARNESS_BASE: &str = "/gateway/ng/api/scim/account/ACC1";

/// A guard in front of a stock SCIM server.
const GENERIC_BASE: &str = "/scim/v2/ACC1";

fn harness() -> Value {
    json!({"version": 1, "preset": "harness"})
}

fn generic() -> Value {
    json!({
        "version": 1,
        "preset": "generic",
        "scim": {"upstream_base": "/v2", "account": ACCOUNT},
    })
}
