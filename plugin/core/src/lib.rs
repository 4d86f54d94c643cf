//! The policy of scimguard: what may pass between an identity provider, an application's
//! administrators and the application, and in which form.
//!
//! Everything here is a pure function of its arguments. There is no clock, no I/O and no global
//! state; what the policy has to know beyond the request it asks for with [`Verdict::Need`].

pub mod facts;
pub mod message;
pub mod record;

pub use message::{
    BackendOutcome, Body, Change, Forward, Headers, Need, Outcome, Reject, Request, Respond,
    Response, Verdict,
};

use facts::Fact;

/// A configured policy.
pub struct Guard {
    settings: Settings,
}

/// What a face must know of the policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The largest body that any account may send, in bytes.
    pub body_limit: u64,
    /// The largest observed answer, in bytes.
    pub answer_limit: u64,
    /// Needs per pass.
    pub rounds: u32,
    /// Path template of the SCIM end points as clients see them, with `{account}`.
    pub scim_base: String,
    /// The same at the backend.
    pub upstream_base: String,
    /// The one account of a backend whose base names none.
    pub scim_account: Option<String>,
}

/// A fault in the policy document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// JSON Pointer of the place.
    pub pointer: String,
    /// What is wrong and what is expected.
    pub message: String,
}

/// One rule: a reason for a refusal, or a kind of change.
#[derive(Debug)]
pub struct Rule {
    /// Such as `okta-only.group-rename`.
    pub id: &'static str,
    /// HTTP status; `None` for a change, which refuses nothing.
    pub status: Option<u16>,
    /// RFC 7644 §3.12.
    pub scim_type: Option<&'static str>,
    /// One paragraph.
    pub doc: &'static str,
    /// An RFC section or a product's documentation.
    pub source: &'static str,
}

impl Guard {
    /// Reads a policy document (JSON text; empty text is the default policy).
    ///
    /// # Errors
    /// Every fault of the document, with its place.
    pub fn configure(_policy: &str) -> Result<Self, Vec<ConfigError>> {
        Ok(Self {
            settings: Settings {
                body_limit: 1_048_576,
                answer_limit: 67_108_864,
                rounds: 3,
                scim_base: "/gateway/ng/api/scim/account/{account}".to_owned(),
                upstream_base: "/gateway/ng/api/scim/account/{account}".to_owned(),
                scim_account: None,
            },
        })
    }

    /// What the face must know.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Decides a request as far as the facts reach. `now` is in milliseconds since 1970.
    #[must_use]
    pub fn evaluate(&self, _request: &Request, _facts: &[Fact], _now: u64) -> Verdict {
        Verdict::Need(Need::default())
    }

    /// Judges the backend's answer to a forwarded request.
    #[must_use]
    pub fn observe(
        &self,
        _continuation: &[u8],
        _answer: &BackendOutcome,
        _facts: &[Fact],
        _now: u64,
    ) -> Outcome {
        Outcome::Need(Need::default())
    }
}

/// Every rule, refusals and changes.
#[must_use]
pub fn rules() -> &'static [&'static Rule] {
    &[]
}

/// How user names are compared: NFKC and case folding.
#[must_use]
pub fn fold(name: &str) -> String {
    name.to_lowercase()
}
