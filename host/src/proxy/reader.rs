//! Reading the backend's SCIM resources outside any request, with the guard's own credential.

use bytes::Bytes;
use http::StatusCode;
use scimguard_core::Settings;
use scimguard_gateway::ScimPaths;
use serde::Deserialize;

use super::backend::{Backend, NoAnswer, Outbound};
use crate::config::{Config, Credential};

/// The backend, as the guard itself reads it.
pub(crate) struct Reader {
    backend: Backend,
    paths: ScimPaths,
    credential: Option<Credential>,
    limit: u64,
}

/// Why there is nothing to read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreadable {
    #[error("GET {path}: no answer")]
    NoAnswer {
        path: String,
        #[source]
        source: NoAnswer,
    },
    #[error("GET {path}: the application answered {status}{}", said(.detail.as_deref()))]
    Status {
        path: String,
        status: StatusCode,
        detail: Option<String>,
    },
    #[error("GET {path}: the answer is larger than {limit} bytes (`scim.limits.answer_bytes`)")]
    OverLimit { path: String, limit: u64 },
    #[error("the account {0:?} is not the one that the backend has (`scim.account`)")]
    OtherAccount(String),
    #[error("{0:?} cannot stand in a path")]
    Path(String),
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
        })
    }

    /// A collection, such as `Users`, with query parameters.
    pub(crate) async fn list(
        &self,
        account: &str,
        collection: &str,
        query: &[(&str, String)],
    ) -> Result<Bytes, Unreadable> {
        self.get(account, self.paths.list(account, collection, query))
            .await
    }

    /// One resource.
    pub(crate) async fn resource(
        &self,
        account: &str,
        collection: &str,
        id: &str,
    ) -> Result<Bytes, Unreadable> {
        let path = self.paths.resource(account, collection, id);
        self.get(
            account,
            path.ok_or_else(|| Unreadable::Path(id.to_owned()))?,
        )
        .await
    }

    async fn get(&self, account: &str, path: String) -> Result<Bytes, Unreadable> {
        if !self.paths.has(account) {
            return Err(Unreadable::OtherAccount(account.to_owned()));
        }
        let credential = self.credential.as_ref();
        let outbound = Outbound::scim_read(
            path.parse().map_err(|_| Unreadable::Path(path.clone()))?,
            credential.map(|own| (&own.name, &own.value)),
        );
        let whole = match self.backend.exchange(outbound, self.limit).await {
            Ok(whole) => whole,
            Err(source) => return Err(Unreadable::NoAnswer { path, source }),
        };
        let limit = self.limit;
        match (whole.status, whole.bytes()) {
            (StatusCode::OK, Some(bytes)) => Ok(bytes),
            (StatusCode::OK, None) => Err(Unreadable::OverLimit { path, limit }),
            (status, bytes) => Err(Unreadable::Status {
                path,
                status,
                detail: bytes.as_deref().and_then(detail),
            }),
        }
    }
}

/// What a SCIM error says (RFC 7644 §3.12).
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
        format!(": {}", super::printable(detail))
    })
}
