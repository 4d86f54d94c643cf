//! The results of reading a policy document.

use scimguard_interface_macros::wit;
use serde::Serialize;

/// The settings that a host needs from the policy.
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
    /// The path template of SCIM for clients, with `{account}`.
    pub scim_base: String,
    /// The path template at the backend.
    pub upstream_base: String,
    /// The only account, if the backend's base names none.
    pub scim_account: Option<String>,
}

/// A fault in the policy document.
#[wit]
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConfigError {
    /// The JSON Pointer of the fault.
    pub pointer: String,
    /// What is wrong, and what is expected.
    pub message: String,
}
