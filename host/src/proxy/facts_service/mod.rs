//! The facts service: answers gateways that run the policy themselves and takes their records, over
//! the same store, leases and limits as the requests that this process decides. `scimguard_wire`
//! defines the messages.

mod access;
mod authority;
pub(crate) mod check;
mod facts_request;
mod failure;
pub(super) mod metrics;
mod passes;
mod records_request;
mod shares;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{HeaderValue, Method, StatusCode, header};
use scimguard_wire::{FACTS, Head, RECORDS, REPORTS, RecordsRequest};
use serde::Serialize;
use serde::de::DeserializeOwned;

use self::access::{Gateway, Gateways};
use self::failure::Failure;
use self::passes::Passes;
use super::address::Peer;
use super::body::{self, BufferedBody, Inbound, Outgoing};
use super::client::Client;
use super::{Proxy, headers, source};
use crate::config;
use crate::reread::Reread;
use crate::tls::{Clients, Tls};

pub(super) use self::authority::Paths;

/// Whether the service accepts requests, for the gateways' health checks. Needs no credential.
const HEALTH: &str = "/healthz";

/// More than the facts and records of any one request: a group of 100,000 members has 5 MB.
const MESSAGE_BYTES: u64 = 32 * 1024 * 1024;

/// How often to look for requests that their gateways abandoned.
pub(super) const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// Shared by all requests of gateways.
pub(super) struct FactsService {
    gateways: Gateways,
    passes: Passes,
    paths: Paths,
    tls: Option<Arc<Tls>>,
}

/// A path of the service.
#[derive(Clone, Copy)]
enum Endpoint {
    Facts,
    Records,
    Reports,
}

impl FactsService {
    /// Reads the gateways' secrets and its certificate for the first time.
    pub(super) fn new(config: &config::Facts, paths: Paths) -> anyhow::Result<Self> {
        // A gateway without a certificate may still have a secret.
        let tls = |files| Tls::read("facts.tls", files, Clients::CertifiedOrNot);
        Ok(Self {
            gateways: Gateways::read(&config.gateways)?,
            passes: Passes::new(config.pass_timeout, config.longest_pass()),
            paths,
            tls: config.tls.as_ref().map(tls).transpose()?,
        })
    }

    /// TLS on its address; `None`: clear text.
    pub(super) fn tls(&self) -> Option<Arc<Tls>> {
        self.tls.clone()
    }

    /// Reads the gateways' secrets and the certificates again.
    pub(super) fn refresh(&self) {
        self.gateways.refresh();
        if let Some(tls) = &self.tls {
            tls.refresh();
        }
    }

    /// Whether each secret and the certificates could be used when they were last read.
    pub(super) fn reread(&self) -> impl Iterator<Item = &Reread> {
        let tls = self.tls.as_ref().map(|tls| tls.reread());
        self.gateways.reread().chain(tls)
    }

    /// Drops the requests that their gateways abandoned.
    pub(super) fn expire(&self, proxy: &Proxy) {
        for gateway in self.passes.expire() {
            proxy.metrics.facts.expired(&gateway.name);
            tracing::warn!(
                gateway = gateway.name,
                "a gateway did not end a request in time; its writes stay open until they are settled"
            );
        }
    }

    /// Answers one request of a gateway.
    pub(super) async fn handle(
        self: Arc<Self>,
        proxy: Arc<Proxy>,
        request: http::Request<Inbound>,
        peer: Peer,
    ) -> http::Response<Outgoing> {
        let started = Instant::now();
        let endpoint = match (request.uri().path(), request.method()) {
            (HEALTH, _) => return health(&proxy),
            (FACTS, &Method::POST) => Endpoint::Facts,
            (RECORDS, &Method::POST) => Endpoint::Records,
            (REPORTS, &Method::POST) => Endpoint::Reports,
            (FACTS | RECORDS | REPORTS, _) => return Failure::method().response(),
            _ => return Failure::nowhere().response(),
        };
        let Some(gateway) = self
            .gateways
            .who(request.headers(), peer.certificate.as_ref())
        else {
            proxy.metrics.facts.unauthenticated();
            return Failure::unauthenticated().response();
        };
        let answered = self
            .answer(
                &proxy,
                &gateway,
                endpoint,
                request.into_body(),
                peer.address,
            )
            .await;
        let response = answered.unwrap_or_else(|failure| {
            failure.log(&gateway.name);
            failure.response()
        });
        let (status, taken) = (response.status(), started.elapsed());
        let metrics = &proxy.metrics.facts;
        metrics.answered(&gateway.name, endpoint.verb(), status, taken);
        response
    }

    async fn answer(
        self: Arc<Self>,
        proxy: &Arc<Proxy>,
        gateway: &Arc<Gateway>,
        endpoint: Endpoint,
        body: Inbound,
        peer: IpAddr,
    ) -> Result<http::Response<Outgoing>, Failure> {
        let reading = body::collect(body, MESSAGE_BYTES);
        let body = match tokio::time::timeout(proxy.front.client_timeout, reading).await {
            Ok(Ok(BufferedBody::Bytes(bytes))) => bytes,
            Ok(Ok(BufferedBody::OverLimit)) => return Err(Failure::too_large(MESSAGE_BYTES)),
            Ok(Ok(BufferedBody::None)) => return Err(Failure::malformed("It is empty.")),
            Ok(Err(_)) | Err(_) => return Err(Failure::malformed("It did not arrive completely.")),
        };
        match endpoint {
            // If a gateway disconnects, it needs no facts, and their leases are released.
            Endpoint::Facts => {
                let request = read(&body)?;
                let asked = tokio::select! {
                    biased;
                    asked = self.answer_facts(proxy, gateway, request, peer) => asked?,
                    () = proxy.lifetime.ending.cancelled() => return Err(Failure::ending()),
                };
                written(&asked)
            }
            // A report counts even if the gateway disconnects.
            Endpoint::Records => {
                let request = read(&body)?;
                let (proxy, gateway) = (Arc::clone(proxy), Arc::clone(gateway));
                let tasks = proxy.lifetime.in_flight.clone();
                let stored = tasks
                    .spawn(async move { self.take_records(&proxy, &gateway, request, peer).await })
                    .await;
                // The log shows where it failed; the message may hold a part of the request.
                stored.unwrap_or_else(|_| Err(Failure::failed()))?;
                Ok(no_content())
            }
            Endpoint::Reports => {
                let reports: Vec<RecordsRequest> = read(&body)?;
                let (proxy, gateway) = (Arc::clone(proxy), Arc::clone(gateway));
                let tasks = proxy.lifetime.in_flight.clone();
                tasks
                    .spawn(async move { self.take_reports(&proxy, &gateway, reports, peer).await });
                Ok(no_content())
            }
        }
    }
}

impl Endpoint {
    fn verb(self) -> &'static str {
        match self {
            Self::Facts => "read",
            Self::Records => "record",
            Self::Reports => "report",
        }
    }
}

/// When the process ends, no new client requests are accepted; those in progress continue.
fn health(proxy: &Proxy) -> http::Response<Outgoing> {
    let (status, text) = match proxy.lifetime.in_flight.is_closed() {
        false => (StatusCode::OK, "ok\n"),
        true => (
            StatusCode::SERVICE_UNAVAILABLE,
            "the service is shutting down\n",
        ),
    };
    let mut response = http::Response::new(Outgoing::from(text.as_bytes().to_vec()));
    *response.status_mut() = status;
    response
}

/// The sender of the request, as the gateway sees it.
fn client(head: &Head, peer: IpAddr) -> Client {
    let named = head.source.as_deref().and_then(source::address);
    let source = named.unwrap_or(peer).to_canonical();
    let credentials = headers::to_map(credentials(head)).unwrap_or_default();
    Client::new(source, &credentials)
}

/// The headers of the request that carry credentials.
fn credentials(head: &Head) -> scimguard_core::Headers {
    let sent = head.credentials.iter();
    sent.map(|(name, value)| (name.clone(), value.clone().into_bytes()))
        .collect()
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(body).map_err(|error| {
        // The error's own text may repeat a token.
        let (line, column) = (error.line(), error.column());
        Failure::malformed(format!(
            "It is not of this version of the interface (line {line}, column {column})."
        ))
    })
}

fn no_content() -> http::Response<Outgoing> {
    let mut response = http::Response::new(Outgoing::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

fn written(message: &impl Serialize) -> Result<http::Response<Outgoing>, Failure> {
    let text = serde_json::to_vec(message).map_err(|_| Failure::failed())?;
    let mut response = http::Response::new(Outgoing::from(text));
    let headers = response.headers_mut();
    let json = HeaderValue::from_static("application/json");
    headers.insert(header::CONTENT_TYPE, json);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
