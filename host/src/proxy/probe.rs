//! Sends one request to a guard or an application and keeps what diagnosis needs of the answer.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode, Uri, header};
use serde::Deserialize;

use super::backend::{Backend, BackendError, Outbound};
use crate::config::Credential;

/// Enough for one user and every error.
const ANSWER_BYTES: u64 = 1024 * 1024;

/// The server to query.
pub(crate) struct Probe {
    backend: Backend,
}

/// Its answer.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    /// The rule of a guard that refused.
    pub(crate) rule: Option<String>,
    /// The detail of a SCIM error or problem.
    pub(crate) detail: Option<String>,
    /// The content type that it declares.
    pub(crate) content_type: Option<String>,
    /// Whether it is a SCIM list (RFC 7644 §3.4.2).
    pub(crate) is_list: bool,
    /// In seconds.
    pub(crate) retry_after: Option<String>,
}

impl Probe {
    pub(crate) fn new(base: Uri, timeout: Duration) -> anyhow::Result<Self> {
        Ok(Self {
            backend: Backend::new(base, timeout)?,
        })
    }

    /// The URL of a path, for display.
    pub(crate) fn url(&self, path: &str) -> String {
        self.backend.url(path)
    }

    /// Reads a path.
    pub(crate) async fn get(
        &self,
        path: &str,
        credential: Option<&Credential>,
    ) -> Result<Reply, BackendError> {
        let path = path.parse().map_err(http::Error::from)?;
        let credential: Option<(&HeaderName, &HeaderValue)> =
            credential.map(|own| (&own.name, &own.value));
        let outbound = Outbound::scim_read(path, credential);
        let whole = self.backend.exchange(outbound, ANSWER_BYTES).await?;
        let text = |name: &str| {
            let value = whole.headers.get(name)?.to_str().ok()?;
            Some(crate::text::printable(value))
        };
        Ok(Reply {
            status: whole.status,
            rule: text("scimguard-rule"),
            content_type: text(header::CONTENT_TYPE.as_str()),
            is_list: whole.bytes().is_some_and(|body| is_list(&body)),
            detail: whole.bytes().as_ref().and_then(detail),
            retry_after: text(header::RETRY_AFTER.as_str()),
        })
    }
}

/// Some applications omit empty attributes, others those of a list.
fn is_list(body: &Bytes) -> bool {
    let document: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    document.is_some_and(|list| {
        list.is_array() || list.get("totalResults").is_some() || list.get("Resources").is_some()
    })
}

/// RFC 7644 §3.12 and RFC 9457 use the same name.
fn detail(body: &Bytes) -> Option<String> {
    #[derive(Deserialize)]
    struct Error {
        detail: String,
    }
    let error: Error = serde_json::from_slice(body).ok()?;
    Some(crate::text::printable(&error.detail))
}
