//! Connections to a server that the guard calls, in clear text or by TLS. Redirects are not followed.

use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use http::Uri;
use http::uri::Scheme;
use hyper::body::Body;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, ResponseFuture};
use hyper_util::rt::{TokioExecutor, TokioTimer};

/// How long an idle connection is kept. Short: a server that closes it first makes a write unclear.
const IDLE: Duration = Duration::from_secs(15);

/// Plain connections need no certificates, which a bare system does not have.
pub(crate) enum Connections<B> {
    Plain(Client<HttpConnector, B>),
    Secure(Client<HttpsConnector<HttpConnector>, B>),
}

impl<B> Connections<B>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    /// Connections to this server; `what` names it in messages.
    pub(crate) fn to(server: &Uri, what: &str) -> anyhow::Result<Self> {
        let mut builder = Client::builder(TokioExecutor::new());
        builder
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE);
        if server.scheme() != Some(&Scheme::HTTPS) {
            let mut connector = HttpConnector::new();
            connector.set_nodelay(true);
            return Ok(Self::Plain(builder.build(connector)));
        }
        let connector = HttpsConnectorBuilder::new()
            .with_native_roots()
            .with_context(|| format!("cannot read the system's certificates, for {what}'s https"))?
            .https_only()
            .enable_http1()
            .build();
        Ok(Self::Secure(builder.build(connector)))
    }

    pub(crate) fn request(&self, request: http::Request<B>) -> ResponseFuture {
        match self {
            Self::Plain(client) => client.request(request),
            Self::Secure(client) => client.request(request),
        }
    }
}
