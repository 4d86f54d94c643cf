//! A server that gives scripted answers and counts requests.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use tokio::task::JoinHandle;

/// A request as received.
#[derive(Clone, Debug)]
pub(super) struct Received {
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

/// The server. It ends when it is dropped.
pub(super) struct Scripted {
    pub(super) url: String,
    script: Arc<Script>,
    serving: JoinHandle<()>,
}

struct Script {
    answer: Mutex<(u16, String)>,
    /// The answer to bodies that contain this text.
    special: Mutex<Option<(String, String)>>,
    takes: Duration,
    asked: Mutex<Vec<Received>>,
}

impl Scripted {
    pub(super) async fn answering(status: u16, body: impl Into<String>) -> Self {
        Self::slow(Duration::ZERO, status, body).await
    }

    /// Takes this time for each answer.
    pub(super) async fn slow(takes: Duration, status: u16, body: impl Into<String>) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let script = Arc::new(Script {
            answer: Mutex::new((status, body.into())),
            special: Mutex::default(),
            takes,
            asked: Mutex::default(),
        });
        let routes = Router::new()
            .fallback(respond)
            .with_state(Arc::clone(&script));
        let serving = tokio::spawn(async move {
            axum::serve(listener, routes).await.unwrap();
        });
        Self {
            url,
            script,
            serving,
        }
    }

    /// Answers this from now on.
    pub(super) fn now(&self, status: u16, body: impl Into<String>) {
        *self.script.answer.lock().unwrap() = (status, body.into());
    }

    /// Answers this to bodies that contain the text.
    pub(super) fn but_for(&self, text: &str, body: impl Into<String>) {
        *self.script.special.lock().unwrap() = Some((text.to_owned(), body.into()));
    }

    pub(super) fn asked(&self) -> Vec<Received> {
        self.script.asked.lock().unwrap().clone()
    }

    pub(super) fn count(&self) -> usize {
        self.asked().len()
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn respond(State(script): State<Arc<Script>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, 64 * 1024).await.unwrap_or_default();
    let asked = Received {
        path: head.uri.to_string(),
        headers: head.headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    let special = script.special.lock().unwrap().clone();
    let special = special.filter(|(text, _)| asked.body.contains(text));
    script.asked.lock().unwrap().push(asked);
    tokio::time::sleep(script.takes).await;
    let (status, body) = script.answer.lock().unwrap().clone();
    let body = special.map_or(body, |(_, body)| body);
    let status = StatusCode::from_u16(status).unwrap();
    (status, [("location", "/elsewhere")], body).into_response()
}
