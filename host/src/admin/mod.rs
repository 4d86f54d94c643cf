//! The admin address: health, metrics, and the pages with their API.
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
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use self::access::Access;
use crate::config::Config;
use crate::proxy::{self, Address, Proxy};

/// How long a connection may have no request, and its client read nothing of a response.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Requests for changes are small.
const BODY_BYTES: usize = 16 * 1024;

/// The admin address, before the guard starts.
pub struct Listener {
    listener: TcpListener,
    address: SocketAddr,
    access: Access,
    pages: PathBuf,
}

/// The state that all requests to the admin address share.
#[derive(Clone)]
struct Admin {
    proxy: Arc<Proxy>,
    access: Arc<Access>,
}

/// The address of a client.
#[derive(Clone, Copy)]
struct Peer(IpAddr);

impl Listener {
    /// Serves the pages at an address.
    ///
    /// # Errors
    /// If the admin token cannot be read.
    pub fn new(listener: TcpListener, config: &Config) -> anyhow::Result<Self> {
        let address = listener.local_addr()?;
        if !address.ip().is_loopback() && config.admin_tls.is_none() {
            tracing::warn!(
                %address,
                "the admin address speaks clear text: give it a certificate with `[admin_tls]`, or let \
                 only a proxy with TLS reach it from other machines"
            );
        }
        Ok(Self {
            access: Access::new(config, address)?,
            pages: pages::folder(config),
            listener,
            address,
        })
    }

    /// The address that it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until the end.
    pub(crate) async fn serve(self, proxy: Arc<Proxy>, end: CancellationToken) {
        let (slots, tls) = (proxy.admin_slots(), proxy.admin_tls());
        let app = router(proxy, self.access, &self.pages);
        let answer = move |mut request: http::Request<_>, peer: proxy::Peer| {
            request.extensions_mut().insert(Peer(peer.address));
            let answered = app.clone().oneshot(request);
            async move { answered.await.unwrap_or_else(|never| match never {}) }
        };
        let address = Address::new(self.listener, tls, TIMEOUT, slots);
        address.serve(answer, end).await;
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
