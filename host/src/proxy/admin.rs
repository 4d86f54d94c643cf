//! The admin address: whether the guard is alive, and whether it can decide.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use http::StatusCode;

use super::Proxy;

/// `/healthz` and `/readyz`.
pub(super) fn router(proxy: Arc<Proxy>) -> Router {
    Router::new()
        .route("/healthz", get("ok\n"))
        .route("/readyz", get(readyz))
        .with_state(proxy)
}

async fn readyz(State(proxy): State<Arc<Proxy>>) -> (StatusCode, &'static str) {
    if proxy.in_flight.is_closed() {
        return (StatusCode::SERVICE_UNAVAILABLE, "the guard is ending\n");
    }
    match proxy.store.ping().await {
        Ok(()) => (StatusCode::OK, "ready\n"),
        Err(error) => {
            tracing::warn!(%error, "not ready");
            (
                StatusCode::SERVICE_UNAVAILABLE,
                "the store does not answer\n",
            )
        }
    }
}
