//! The admin address: whether the guard is alive, what it counts, and the pages with what they ask.
//!
//! Health checks and, on a loopback address, metrics are open. The page that explains a request
//! (`/explain/`) works in the browser alone and is open too. The operators' page (`/operators/`) asks
//! `/api/`, which takes the admin token in a header; nothing here sets a cookie.

mod access;
mod decisions;
mod health;
mod pages;
mod record;
#[cfg(test)]
mod tests;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;
use http::StatusCode;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tower::ServiceExt as _;

use self::access::Access;
use crate::config::Config;
use crate::proxy::{self, Proxy};

/// How long the head of a request may take.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// What is asked to be done is small.
const BODY_BYTES: usize = 16 * 1024;

/// The admin address, before the guard begins.
pub struct Listener {
    listener: TcpListener,
    address: SocketAddr,
    access: Access,
    pages: PathBuf,
}

/// What every request to the admin address shares.
#[derive(Clone)]
struct Admin {
    proxy: Arc<Proxy>,
    access: Arc<Access>,
}

/// Where a request came from.
#[derive(Clone, Copy)]
struct Peer(IpAddr);

impl Listener {
    /// Puts the pages behind an address.
    ///
    /// # Errors
    /// If the admin token cannot be read.
    pub fn new(listener: TcpListener, config: &Config) -> anyhow::Result<Self> {
        let address = listener.local_addr()?;
        if !address.ip().is_loopback() {
            tracing::warn!(
                %address,
                "the admin address speaks clear text: let only a proxy with TLS reach it from other machines"
            );
        }
        Ok(Self {
            access: Access::new(config, address)?,
            pages: pages::folder(config),
            listener,
            address,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until it is dropped.
    pub(crate) async fn serve(self, proxy: Arc<Proxy>) {
        let app = router(proxy, self.access, &self.pages);
        let builder = proxy::builder(HEAD_TIMEOUT);
        // Dropping it ends the connections, also of those who wait for the next decision.
        let mut connections = JoinSet::new();
        loop {
            while connections.try_join_next().is_some() {}
            let Ok((stream, peer)) = self.listener.accept().await else {
                // Out of file descriptors, usually: wait for connections to end.
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            };
            let app = app.clone();
            let service = service_fn(move |mut request: http::Request<Incoming>| {
                request.extensions_mut().insert(Peer(peer.ip()));
                app.clone().oneshot(request)
            });
            let connection = builder
                .serve_connection(TokioIo::new(stream), service)
                .into_owned();
            connections.spawn(async move {
                if let Err(error) = connection.await {
                    tracing::debug!(%error, "a connection to the admin address broke off");
                }
            });
        }
    }
}

fn router(proxy: Arc<Proxy>, access: Access, folder: &std::path::Path) -> Router {
    let admin = Admin {
        proxy,
        access: Arc::new(access),
    };
    let api = Router::new()
        .route("/status", get(decisions::status))
        .route("/decisions", get(decisions::page))
        .route("/decisions/live", get(decisions::live))
        .route("/decisions/{id}", get(decisions::one))
        .route("/policies/{id}", get(decisions::policy))
        .route("/accounts", get(decisions::accounts))
        .route("/counts", get(decisions::counts))
        .route("/rules", get(record::rules))
        .route("/owners", get(record::owners))
        .route("/retries", get(record::retries).post(record::retry))
        .route("/tokens/expiring", get(record::expiring))
        .fallback(access::nothing)
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .layer(from_fn_with_state(admin.clone(), access::authenticated));
    let named = pages::router(folder)
        .nest("/api", api)
        .fallback(async || (StatusCode::NOT_FOUND, "there is nothing here\n"))
        .layer(from_fn_with_state(admin.clone(), access::asked_by_name));
    health::router(admin.clone())
        .merge(named)
        .layer(from_fn(pages::confined))
        .with_state(admin)
}
