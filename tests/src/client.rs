//! A client whose every request has a time limit.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

use crate::secrets::Secrets;

const TIME_LIMIT: Duration = Duration::from_secs(20);

/// Sends requests to one server, with the same headers each time.
#[derive(Clone)]
pub struct Client {
    http: hyper_util::client::legacy::Client<HttpConnector, Full<Bytes>>,
    base: String,
    headers: Vec<(&'static str, String)>,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// Method and path of the request, for messages.
    pub request: String,
    /// HTTP status.
    pub status: u16,
    /// All headers.
    pub headers: http::HeaderMap,
    /// The rule of the guard that refused.
    pub rule: Option<String>,
    /// The JSON body; `null` if there is none.
    pub body: Value,
}

impl Client {
    /// A client of the server at `base`, which every path is appended to.
    #[must_use]
    pub fn new(base: impl Into<String>) -> Self {
        let http = hyper_util::client::legacy::Client::builder(TokioExecutor::new())
            // The servers under test are killed and started again at the same address.
            .pool_max_idle_per_host(0)
            .build_http();
        Self {
            http,
            base: base.into(),
            headers: Vec::new(),
        }
    }

    /// Sends a header with each request.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Sends a request and reads the answer.
    pub async fn send(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Answer> {
        let asked = format!("{method} {path}");
        let mut request = http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base));
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        let body = body
            .map(|body| Bytes::from(body.to_string()))
            .unwrap_or_default();
        let exchange = async {
            let (head, body) = self
                .http
                .request(request.body(Full::new(body))?)
                .await?
                .into_parts();
            let bytes = body.collect().await?.to_bytes();
            self.hears_no_secret(&head, &bytes)?;
            let rule = head.headers.get("scimguard-rule");
            anyhow::Ok(Answer {
                request: asked.clone(),
                status: head.status.as_u16(),
                rule: rule.and_then(|rule| Some(rule.to_str().ok()?.to_owned())),
                headers: head.headers,
                body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
            })
        };
        tokio::time::timeout(TIME_LIMIT, exchange)
            .await
            .with_context(|| format!("{asked}: no answer within {TIME_LIMIT:?}"))?
            .with_context(|| asked.clone())
    }

    /// No response repeats the credential that was sent.
    fn hears_no_secret(&self, head: &http::response::Parts, body: &[u8]) -> anyhow::Result<()> {
        let mut secrets = Secrets::default();
        for (name, value) in &self.headers {
            if matches!(*name, "authorization" | "x-api-key") {
                secrets.keep(value.rsplit(' ').next().unwrap_or_default());
            }
        }
        secrets.are_not_in("the answer", body)?;
        secrets.are_not_in("a header of the answer", format!("{head:?}").as_bytes())
    }

    /// `GET`.
    pub async fn get(&self, path: &str) -> anyhow::Result<Answer> {
        self.send("GET", path, None).await
    }

    /// `POST`.
    pub async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Answer> {
        self.send("POST", path, Some(body)).await
    }

    /// `PUT`.
    pub async fn put(&self, path: &str, body: &Value) -> anyhow::Result<Answer> {
        self.send("PUT", path, Some(body)).await
    }

    /// `PATCH` with this message.
    pub async fn patch(&self, path: &str, body: &Value) -> anyhow::Result<Answer> {
        self.send("PATCH", path, Some(body)).await
    }

    /// `DELETE`.
    pub async fn delete(&self, path: &str) -> anyhow::Result<Answer> {
        self.send("DELETE", path, None).await
    }
}

impl Answer {
    /// The answer, if it is a success.
    pub fn done(self) -> anyhow::Result<Self> {
        ensure!(
            (200..300).contains(&self.status),
            "expected success: {self:?}"
        );
        Ok(self)
    }

    /// The answer, if it has this status.
    pub fn status(self, status: u16) -> anyhow::Result<Self> {
        ensure!(self.status == status, "expected {status}: {self:?}");
        Ok(self)
    }

    /// Passes if the guard refused by this rule.
    pub fn refused(self, rule: &str) -> anyhow::Result<()> {
        ensure!(
            self.rule.as_deref() == Some(rule) && self.status >= 400,
            "expected {rule}: {self:?}"
        );
        Ok(())
    }

    /// The `id` of the resource in the answer.
    pub fn id(&self) -> anyhow::Result<String> {
        let id = self.body["id"].as_str();
        Ok(id.with_context(|| format!("no id: {self:?}"))?.to_owned())
    }
}
