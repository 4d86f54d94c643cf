//! A small HTTP client: one request, one answer, with a time limit.

use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

/// The application and the guard are on this machine: a longer request has failed.
const TIME_LIMIT: Duration = Duration::from_secs(15);

/// The client for all callers of the demo.
pub(super) struct Client(hyper_util::client::legacy::Client<HttpConnector, Full<Bytes>>);

/// The answer to a request.
pub(super) struct Answer {
    /// HTTP status.
    pub(super) status: u16,
    /// The rule of the guard that refused.
    pub(super) rule: Option<String>,
    /// The JSON body; `null` if there is none.
    pub(super) body: Value,
}

impl Client {
    pub(super) fn new() -> Self {
        Self(hyper_util::client::legacy::Client::builder(TokioExecutor::new()).build_http())
    }

    /// Sends a request without a body, to inspect the application directly.
    pub(super) async fn get(&self, url: &str) -> anyhow::Result<Answer> {
        let request = http::Request::get(url).body(Full::default())?;
        self.send(request).await
    }

    /// Sends a request and reads the whole answer.
    pub(super) async fn send(&self, request: http::Request<Full<Bytes>>) -> anyhow::Result<Answer> {
        let target = format!("{} {}", request.method(), request.uri());
        tokio::time::timeout(TIME_LIMIT, self.exchange(request))
            .await
            .with_context(|| format!("{target}: no answer within {TIME_LIMIT:?}"))?
            .with_context(|| target)
    }

    async fn exchange(&self, request: http::Request<Full<Bytes>>) -> anyhow::Result<Answer> {
        let (head, body) = self.0.request(request).await?.into_parts();
        let bytes = body.collect().await?.to_bytes();
        let rule = head.headers.get("scimguard-rule");
        Ok(Answer {
            status: head.status.as_u16(),
            rule: rule.and_then(|rule| Some(rule.to_str().ok()?.to_owned())),
            body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
        })
    }
}
