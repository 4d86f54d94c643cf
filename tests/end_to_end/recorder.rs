//! An application that answers every read with an empty list, and remembers the credential that it was
//! asked with.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::IntoResponse;
use tokio::task::JoinHandle;

const NOBODY: &str = r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":0,"Resources":[]}"#;

/// The application. It ends when it is dropped.
pub(crate) struct Recorder {
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<String>>>,
    server: JoinHandle<()>,
}

impl Recorder {
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let routes = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&asked));
        let server = tokio::spawn(async move {
            // Serving ends with the test, whose failure says more.
            let _ = axum::serve(listener, routes).await;
        });
        Ok(Self { url, asked, server })
    }

    /// The `Authorization` of each request since the last time, in order; empty: none.
    pub(crate) fn credentials(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn answer(
    State(asked): State<Arc<Mutex<Vec<String>>>>,
    headers: HeaderMap,
) -> impl IntoResponse {
    let credential = headers.get("authorization");
    let credential = credential.and_then(|value| value.to_str().ok());
    asked
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(credential.unwrap_or_default().to_owned());
    ([("content-type", "application/scim+json")], NOBODY)
}
