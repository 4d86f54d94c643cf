//! The application behind the guard: one request and its answer, within a time limit.

use std::time::Duration;

use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use tokio::time::Instant;

use super::body::{self, BodyError, BufferedBody, Inbound, Outgoing};
use crate::causes::with_causes;
use crate::connections::Connections;

/// The application.
pub(super) struct Backend {
    connections: Connections<Outgoing>,
    base: Uri,
    timeout: Duration,
}

/// One request for the application.
pub(super) struct Outbound {
    pub(super) method: Method,
    pub(super) path: PathAndQuery,
    pub(super) headers: HeaderMap,
    pub(super) body: Outgoing,
}

/// The application did not answer, or not completely: it may or may not have acted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BackendError {
    #[error(transparent)]
    Client(#[from] hyper_util::client::legacy::Error),
    #[error("the answer ended prematurely")]
    Body(#[from] BodyError),
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    #[error("the answer switches to another protocol")]
    Upgrade,
    #[error("the request cannot be written")]
    Request(#[from] http::Error),
}

impl Outbound {
    /// A SCIM read, with a credential if there is one.
    pub(super) fn scim_read(
        path: PathAndQuery,
        credential: Option<(&HeaderName, &HeaderValue)>,
    ) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(
            header::ACCEPT,
            HeaderValue::from_static("application/scim+json"),
        );
        if let Some((name, value)) = credential {
            headers.insert(name, value.clone());
        }
        Self {
            method: Method::GET,
            path,
            headers,
            body: Outgoing::empty(),
        }
    }
}

impl BackendError {
    /// Logs the error with all its causes.
    pub(super) fn log(&self) {
        let why = with_causes(self);
        tracing::warn!(why, "the backend gave no answer");
    }
}

/// An answer whose body has been read.
pub(super) struct BufferedResponse {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: BufferedBody,
}

impl BufferedResponse {
    /// The bytes, if they were within the limit.
    pub(super) fn bytes(&self) -> Option<Bytes> {
        match &self.body {
            BufferedBody::None => Some(Bytes::new()),
            BufferedBody::Bytes(bytes) => Some(bytes.clone()),
            BufferedBody::OverLimit => None,
        }
    }
}

impl Backend {
    pub(super) fn new(base: Uri, timeout: Duration) -> anyhow::Result<Self> {
        Ok(Self {
            connections: Connections::to(&base, "the backend")?,
            base,
            timeout,
        })
    }

    /// The URL of a path.
    pub(super) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base.to_string().trim_end_matches('/'))
    }

    /// Sends a request and reads the whole answer, at most `limit` bytes of body.
    pub(super) async fn exchange(
        &self,
        outbound: Outbound,
        limit: u64,
    ) -> Result<BufferedResponse, BackendError> {
        let deadline = Instant::now() + self.timeout;
        let response = self.send_until(outbound, deadline).await?;
        let (parts, incoming) = response.into_parts();
        let body = tokio::time::timeout_at(deadline, body::collect(incoming, limit))
            .await
            .map_err(|_| BackendError::Timeout(self.timeout))??;
        Ok(BufferedResponse {
            status: parts.status,
            headers: parts.headers,
            body,
        })
    }

    /// Sends a request; the body of the answer has not been read yet.
    pub(super) async fn send(
        &self,
        outbound: Outbound,
    ) -> Result<http::Response<Inbound>, BackendError> {
        self.send_until(outbound, Instant::now() + self.timeout)
            .await
    }

    async fn send_until(
        &self,
        outbound: Outbound,
        deadline: Instant,
    ) -> Result<http::Response<Inbound>, BackendError> {
        let mut uri = self.base.clone().into_parts();
        uri.path_and_query = Some(outbound.path);
        let mut request = http::Request::new(outbound.body);
        *request.method_mut() = outbound.method;
        *request.uri_mut() = Uri::from_parts(uri).map_err(http::Error::from)?;
        *request.headers_mut() = outbound.headers;
        let answer = self.connections.request(request);
        let response = tokio::time::timeout_at(deadline, answer)
            .await
            .map_err(|_| BackendError::Timeout(self.timeout))??;
        // The guard never requests one.
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            return Err(BackendError::Upgrade);
        }
        Ok(response.map(|body| Inbound::of_backend(body, self.timeout)))
    }
}
