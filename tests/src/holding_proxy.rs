//! A proxy between the guard and its backend that can hold back the response to a write: the backend
//! has acted, and the guard does not know. It can also fail in place of the backend, which then has
//! not acted.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use tokio::sync::Notify;

use crate::served::{Served, forward, or_bad_gateway};

/// The proxy.
pub struct HoldingProxy {
    /// Where it listens.
    pub url: String,
    state: Arc<Responses>,
    _server: Served,
}

struct Responses {
    backend: String,
    holding: AtomicBool,
    /// The status that writes are answered with; 0: the backend's own.
    failing: AtomicU16,
    held: Notify,
    released: Notify,
}

impl HoldingProxy {
    /// Starts it.
    pub async fn in_front_of(backend: &str) -> anyhow::Result<Self> {
        let state = Arc::new(Responses {
            backend: backend.to_owned(),
            holding: AtomicBool::new(false),
            failing: AtomicU16::new(0),
            held: Notify::new(),
            released: Notify::new(),
        });
        let routes = Router::new().fallback(pass).with_state(Arc::clone(&state));
        let server = Served::start(routes).await?;
        Ok(Self {
            url: server.url.clone(),
            state,
            _server: server,
        })
    }

    /// From now on, responses to writes are held back.
    pub fn hold(&self) {
        self.state.holding.store(true, Ordering::SeqCst);
    }

    /// From now on, writes are answered with this status and do not reach the backend.
    pub fn fail(&self, status: u16) {
        self.state.failing.store(status, Ordering::SeqCst);
    }

    /// Writes reach the backend again.
    pub fn mend(&self) {
        self.fail(0);
    }

    /// Waits until a response of the backend is held back.
    pub async fn until_held(&self) -> anyhow::Result<()> {
        tokio::time::timeout(Duration::from_secs(20), self.state.held.notified())
            .await
            .context("no write reached the backend")
    }

    /// Passes on the response that is held back, and those to come.
    pub fn release(&self) {
        self.state.holding.store(false, Ordering::SeqCst);
        self.state.released.notify_waiters();
    }
}

async fn pass(State(state): State<Arc<Responses>>, request: Request) -> Response {
    let is_write = request.method() != Method::GET;
    let failing = state.failing.load(Ordering::SeqCst);
    if is_write && failing != 0 {
        let status = StatusCode::from_u16(failing);
        return status.expect("a status").into_response();
    }
    let answer = forward(&state.backend, request).await;
    if is_write && answer.is_ok() && state.holding.load(Ordering::SeqCst) {
        let released = state.released.notified();
        state.held.notify_one();
        released.await;
    }
    or_bad_gateway(answer)
}
