//! Reads the backend's SCIM resources outside any request, with the guard's own credential.

use bytes::Bytes;
use http::{StatusCode, header};
use scimguard_core::{Readable, Settings};
use scimguard_exchange::ScimPaths;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::backend::{Backend, BackendError, Outbound};
use crate::config::{Config, Credential};

/// Reads the backend for the guard itself.
pub(crate) struct Reader {
    backend: Backend,
    paths: ScimPaths,
    credential: Option<Credential>,
    limit: u64,
    readable: Readable,
}

/// Why nothing could be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreadable {
    #[error("GET {url}: no answer")]
    NoAnswer {
        url: String,
        #[source]
        source: BackendError,
    },
    #[error("GET {url}: the application answered {status}{}", said(.detail.as_deref()))]
    Status {
        url: String,
        status: StatusCode,
        detail: Option<String>,
    },
    #[error("GET {url}: the answer is larger than {limit} bytes (`scim.limits.answer_bytes`)")]
    OverLimit { url: String, limit: u64 },
    #[error(
        "GET {url}: 200 OK, {content_type}; expected {expected}. Is `backend` right, and SCIM at this path?"
    )]
    Other {
        url: String,
        content_type: String,
        expected: &'static str,
    },
    #[error("the account {0:?} is not the backend's (`scim.account`)")]
    OtherAccount(String),
    #[error("{0:?} cannot stand in a path")]
    Path(String),
}

/// An answer of 200.
struct Got {
    url: String,
    content_type: Option<String>,
    bytes: Bytes,
}

impl Reader {
    pub(crate) fn new(
        settings: &Settings,
        config: &Config,
        credential: Option<Credential>,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            backend: Backend::new(config.backend.clone(), config.backend_timeout)?,
            paths: ScimPaths::new(settings),
            credential,
            limit: settings.answer_limit,
            readable: Readable::new().map_err(anyhow::Error::msg)?,
        })
    }

    /// A page of a collection, such as `Users`. `from_start`: the query asks for the first page.
    pub(crate) async fn list<T: DeserializeOwned>(
        &self,
        account: &str,
        collection: &str,
        query: &[(&str, String)],
        from_start: bool,
    ) -> Result<T, Unreadable> {
        let path = self.paths.list(account, collection, query);
        let got = self.get(account, path).await?;
        got.read(self.readable.list(&got.bytes, from_start), "a SCIM list")
    }

    /// One resource.
    pub(crate) async fn resource<T: DeserializeOwned>(
        &self,
        account: &str,
        collection: &str,
        id: &str,
    ) -> Result<T, Unreadable> {
        let path = self.paths.resource(account, collection, id);
        let path = path.ok_or_else(|| Unreadable::Path(id.to_owned()))?;
        let got = self.get(account, path).await?;
        got.read(self.readable.resource(&got.bytes), "a SCIM resource")
    }

    /// The ServiceProviderConfig (RFC 7643 §5).
    pub(crate) async fn service<T: DeserializeOwned>(
        &self,
        account: &str,
    ) -> Result<T, Unreadable> {
        let path = self.paths.list(account, "ServiceProviderConfig", &[]);
        let got = self.get(account, path).await?;
        got.read(
            self.readable.resource(&got.bytes),
            "a ServiceProviderConfig",
        )
    }

    async fn get(&self, account: &str, path: String) -> Result<Got, Unreadable> {
        if !self.paths.has(account) {
            return Err(Unreadable::OtherAccount(account.to_owned()));
        }
        let url = self.backend.url(&path);
        let credential = self.credential.as_ref();
        let outbound = Outbound::scim_read(
            path.parse().map_err(|_| Unreadable::Path(path.clone()))?,
            credential.map(|own| (&own.name, &own.value)),
        );
        let whole = match self.backend.exchange(outbound, self.limit).await {
            Ok(whole) => whole,
            Err(source) => return Err(Unreadable::NoAnswer { url, source }),
        };
        let limit = self.limit;
        match (whole.status, whole.bytes()) {
            (StatusCode::OK, Some(bytes)) => {
                let content_type = whole.headers.get(header::CONTENT_TYPE);
                let content_type = content_type.and_then(|value| value.to_str().ok());
                Ok(Got {
                    url,
                    content_type: content_type.map(crate::text::printable),
                    bytes,
                })
            }
            (StatusCode::OK, None) => Err(Unreadable::OverLimit { url, limit }),
            (status, bytes) => Err(Unreadable::Status {
                url,
                status,
                detail: bytes.as_deref().and_then(detail),
            }),
        }
    }
}

// === impl Got ===

impl Got {
    /// Parses it, or reports that it is something else.
    fn read<T: DeserializeOwned>(
        &self,
        text: Option<Vec<u8>>,
        expected: &'static str,
    ) -> Result<T, Unreadable> {
        let read = text.and_then(|text| serde_json::from_slice(&text).ok());
        read.ok_or_else(|| Unreadable::Other {
            url: self.url.clone(),
            content_type: match &self.content_type {
                Some(content_type) => content_type.clone(),
                None => "without a content type".to_owned(),
            },
            expected,
        })
    }
}

/// The detail of a SCIM error (RFC 7644 §3.12).
fn detail(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Error {
        detail: String,
    }
    let error: Error = serde_json::from_slice(body).ok()?;
    Some(error.detail)
}

fn said(detail: Option<&str>) -> String {
    detail.map_or_else(String::new, |detail| {
        format!(": {}", crate::text::printable(detail))
    })
}
