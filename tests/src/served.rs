//! Servers within the test process, each on a port of its own.

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::task::JoinHandle;

/// A server. It ends when it is dropped, with all that it has under way.
pub struct Served {
    /// Such as `http://127.0.0.1:9000`.
    pub url: String,
    server: JoinHandle<()>,
}

impl Served {
    /// Starts it.
    pub async fn start(routes: Router) -> anyhow::Result<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let server = tokio::spawn(async move {
            // Serving ends with the test, whose failure says more.
            let _ = axum::serve(listener, routes).await;
        });
        Ok(Self { url, server })
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Sends a request on to a backend.
pub async fn forward(backend: &str, request: Request) -> anyhow::Result<Response> {
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

/// The answer, or what went wrong on the way to it.
pub fn or_bad_gateway(answer: anyhow::Result<Response>) -> Response {
    answer.unwrap_or_else(|error| (StatusCode::BAD_GATEWAY, format!("{error:#}")).into_response())
}
