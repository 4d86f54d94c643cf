//! The admin address: whether the guard is alive, whether it can decide, and what it counts.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use http::{StatusCode, header};

use super::{Proxy, metrics};

/// `/healthz`, `/readyz` and `/metrics`.
pub(super) fn router(proxy: Arc<Proxy>) -> Router {
    Router::new()
        .route("/healthz", get("ok\n"))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics_text))
        .with_state(proxy)
}

/// Accounts that `/readyz` names, at most.
const NAMED: u32 = 20;

async fn readyz(State(proxy): State<Arc<Proxy>>) -> (StatusCode, String) {
    let unready = |why: &str| (StatusCode::SERVICE_UNAVAILABLE, why.to_owned());
    if proxy.in_flight.is_closed() {
        return unready("the guard is ending\n");
    }
    // Asks the store, and so tells whether it answers.
    match proxy.store.unfilled_accounts(NAMED).await {
        Ok(accounts) => (StatusCode::OK, ready(&accounts)),
        Err(error) => {
            tracing::warn!(%error, "not ready");
            unready("the store does not answer\n")
        }
    }
}

async fn metrics_text(State(proxy): State<Arc<Proxy>>) -> Response {
    match proxy.metrics_text().await {
        Ok(text) => ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response(),
        Err(error) => {
            tracing::warn!(%error, "no metrics");
            let why = "the store does not answer\n";
            (StatusCode::SERVICE_UNAVAILABLE, why).into_response()
        }
    }
}

/// An account without a first fill is guarded as far as the record goes.
fn ready(unfilled: &[String]) -> String {
    let mut text = "ready\n".to_owned();
    if !unfilled.is_empty() {
        text.push_str("no first fill yet (`scimguard import`): ");
        text.push_str(&unfilled.join(", "));
        text.push('\n');
    }
    text
}
