//! A proxy between the guard and its backend that can hold an answer back: the backend has acted,
//! and the guard does not know. Or it can fail for the backend, which then has not acted.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// The proxy. It ends when it is dropped.
pub struct Held {
    /// Where it listens.
    pub url: String,
    state: Arc<Answers>,
    server: JoinHandle<()>,
}

struct Answers {
    backend: String,
    holding: AtomicBool,
    /// The status that writes are answered with; 0: the backend's own.
    failing: AtomicU16,
    held: Notify,
    released: Notify,
}

impl Held {
    /// Starts it.
    ///
    /// # Errors
    /// If it cannot listen.
    pub async fn in_front_of(backend: &str) -> anyhow::Result<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let state = Arc::new(Answers {
            backend: backend.to_owned(),
            holding: AtomicBool::new(false),
            failing: AtomicU16::new(0),
            held: Notify::new(),
            released: Notify::new(),
        });
        let routes = Router::new().fallback(pass).with_state(Arc::clone(&state));
        let server = tokio::spawn(async move {
            // Serving ends with the test, whose failure says more.
            let _ = axum::serve(listener, routes).await;
        });
        Ok(Self { url, state, server })
    }

    /// From now on, answers to writes are held back.
    pub fn hold(&self) {
        self.state.holding.store(true, Ordering::SeqCst);
    }

    /// From now on, writes are answered with this status, and the backend hears nothing of them.
    pub fn fail(&self, status: u16) {
        self.state.failing.store(status, Ordering::SeqCst);
    }

    /// Writes reach the backend again.
    pub fn mend(&self) {
        self.fail(0);
    }

    /// Waits until the backend has given an answer, which is held.
    ///
    /// # Errors
    /// If it gives none in time.
    pub async fn until_held(&self) -> anyhow::Result<()> {
        tokio::time::timeout(Duration::from_secs(20), self.state.held.notified())
            .await
            .context("no write reached the backend")
    }

    /// Lets the held answer go, and those to come.
    pub fn release(&self) {
        self.state.holding.store(false, Ordering::SeqCst);
        self.state.released.notify_waiters();
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn pass(State(answers): State<Arc<Answers>>, request: Request) -> Response {
    let is_write = request.method() != axum::http::Method::GET;
    let failing = answers.failing.load(Ordering::SeqCst);
    if is_write && failing != 0 {
        return StatusCode::from_u16(failing)
            .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
            .into_response();
    }
    match exchange(&answers.backend, request).await {
        Ok(answer) => {
            if is_write && answers.holding.load(Ordering::SeqCst) {
                let released = answers.released.notified();
                answers.held.notify_one();
                released.await;
            }
            answer
        }
        Err(error) => (StatusCode::BAD_GATEWAY, format!("{error:#}")).into_response(),
    }
}

/// Sends a request on to a backend.
///
/// # Errors
/// If there is no answer.
pub async fn exchange(backend: &str, request: Request) -> anyhow::Result<Response> {
    let (mut head, body) = request.into_parts();
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    head.uri = format!("{backend}{path}").parse()?;
    let body = Full::new(body.collect().await?.to_bytes());
    let client = Client::builder(TokioExecutor::new()).build_http();
    let answer = client
        .request(http::Request::from_parts(head, body))
        .await?;
    Ok(answer.map(Body::new))
}
