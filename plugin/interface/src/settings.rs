//! What reading a policy document gives.

use scimguard_interface_macros::wit;
use serde::Serialize;

/// What a face must know of the policy.
#[wit]
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Settings {
    /// The largest body that any account may send, in bytes.
    pub body_limit: u64,
    /// The largest observed answer, in bytes.
    pub answer_limit: u64,
    /// Needs per pass.
    pub rounds: u32,
    /// Passes per request.
    pub passes: u32,
    /// Path template of the SCIM end points as clients see them, with `{account}`.
    pub scim_base: String,
    /// The same at the backend.
    pub upstream_base: String,
    /// The one account of a backend whose base names none.
    pub scim_account: Option<String>,
}

/// A fault in the policy document.
#[wit]
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConfigError {
    /// JSON Pointer of the place.
    pub pointer: String,
    /// What is wrong and what is expected.
    pub message: String,
}
