//! One question to a guard or an application, and what came back: for those who look what is wrong.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode, Uri, header};
use serde::Deserialize;

use super::backend::{Backend, NoAnswer, Outbound};
use crate::config::Credential;

/// Enough for one user and every error.
const ANSWER_BYTES: u64 = 1024 * 1024;

/// A server that is asked.
pub(crate) struct Probe {
    backend: Backend,
}

/// What came back.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    /// The rule of a guard that refused.
    pub(crate) rule: Option<String>,
    /// What a SCIM error or problem says.
    pub(crate) detail: Option<String>,
    /// Seconds.
    pub(crate) retry_after: Option<String>,
}

impl Probe {
    pub(crate) fn new(base: Uri, timeout: Duration) -> anyhow::Result<Self> {
        let backend = Backend::new(base, timeout)?;
        Ok(Self { backend })
    }

    /// Reads a path.
    pub(crate) async fn get(
        &self,
        path: &str,
        credential: Option<&Credential>,
    ) -> Result<Reply, NoAnswer> {
        let path = path.parse().map_err(http::Error::from)?;
        let credential: Option<(&HeaderName, &HeaderValue)> =
            credential.map(|own| (&own.name, &own.value));
        let outbound = Outbound::scim_read(path, credential);
        let whole = self.backend.exchange(outbound, ANSWER_BYTES).await?;
        let text = |name: &str| {
            let value = whole.headers.get(name)?.to_str().ok()?;
            Some(super::printable(value))
        };
        Ok(Reply {
            status: whole.status,
            rule: text("scimguard-rule"),
            detail: whole.bytes().as_ref().and_then(detail),
            retry_after: text(header::RETRY_AFTER.as_str()),
        })
    }
}

/// RFC 7644 §3.12 and RFC 9457 agree on the name.
fn detail(body: &Bytes) -> Option<String> {
    #[derive(Deserialize)]
    struct Error {
        detail: String,
    }
    let error: Error = serde_json::from_slice(body).ok()?;
    Some(super::printable(&error.detail))
}
