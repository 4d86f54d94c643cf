//! A server that understands one way of writing a PATCH and refuses every other, as applications do:
//! a gate in front of a real server.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use http_body_util::BodyExt as _;
use serde_json::Value;
use tokio::task::JoinHandle;

use scimguard_tests::held::exchange;

/// The gate. It ends when it is dropped.
pub(crate) struct Narrow {
    pub(crate) url: String,
    gate: Arc<Gate>,
    server: JoinHandle<()>,
}

struct Gate {
    backend: String,
    /// Whether it understands an operation.
    understands: fn(&Value) -> bool,
    refused: AtomicUsize,
}

impl Narrow {
    pub(crate) async fn in_front_of(
        backend: &str,
        understands: fn(&Value) -> bool,
    ) -> anyhow::Result<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let gate = Arc::new(Gate {
            backend: backend.to_owned(),
            understands,
            refused: AtomicUsize::new(0),
        });
        let routes = Router::new().fallback(pass).with_state(Arc::clone(&gate));
        let server = tokio::spawn(async move {
            // Serving ends with the test, whose failure says more.
            let _ = axum::serve(listener, routes).await;
        });
        Ok(Self { url, gate, server })
    }

    /// How many requests it did not understand.
    pub(crate) fn refused(&self) -> usize {
        self.gate.refused.load(Ordering::SeqCst)
    }
}

impl Drop for Narrow {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn pass(State(gate): State<Arc<Gate>>, request: Request) -> Response {
    match understood(&gate, request).await {
        Ok(answer) => answer,
        Err(error) => (StatusCode::BAD_GATEWAY, format!("{error:#}")).into_response(),
    }
}

async fn understood(gate: &Gate, request: Request) -> anyhow::Result<Response> {
    let is_patch = request.method() == axum::http::Method::PATCH;
    let (head, body) = request.into_parts();
    let bytes: Bytes = body.collect().await?.to_bytes();
    if is_patch {
        let message: Value = serde_json::from_slice(&bytes)?;
        let operations = message["Operations"].as_array();
        if !operations.into_iter().flatten().all(gate.understands) {
            gate.refused.fetch_add(1, Ordering::SeqCst);
            return Ok((StatusCode::BAD_REQUEST, "not understood").into_response());
        }
    }
    exchange(&gate.backend, Request::from_parts(head, Body::from(bytes))).await
}
