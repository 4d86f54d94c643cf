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
use scimguard_tests::served::{Served, forward, or_bad_gateway};
use serde_json::Value;

/// The gate.
pub(crate) struct Narrow {
    pub(crate) url: String,
    gate: Arc<Gate>,
    _server: Served,
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
        let gate = Arc::new(Gate {
            backend: backend.to_owned(),
            understands,
            refused: AtomicUsize::new(0),
        });
        let routes = Router::new().fallback(pass).with_state(Arc::clone(&gate));
        let server = Served::start(routes).await?;
        Ok(Self {
            url: server.url.clone(),
            gate,
            _server: server,
        })
    }

    /// How many requests it did not understand.
    pub(crate) fn refused(&self) -> usize {
        self.gate.refused.load(Ordering::SeqCst)
    }
}

async fn pass(State(gate): State<Arc<Gate>>, request: Request) -> Response {
    or_bad_gateway(understood(&gate, request).await)
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
    forward(&gate.backend, Request::from_parts(head, Body::from(bytes))).await
}
