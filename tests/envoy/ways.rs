//! The ways in which one request may come in: HTTP/1.1 with its length, in chunks, after an
//! `Expect: 100-continue`; HTTP/2 in many frames; with trailers.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use http_body_util::BodyExt as _;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use scimguard_core::{Body, Request};
use tokio::net::TcpStream;

use crate::pieces::Pieces;
use crate::raw::{self, Answer};

const TIME_LIMIT: Duration = Duration::from_secs(20);

/// How a request is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// HTTP/1.1, head and body at once.
    Whole,
    /// HTTP/1.1, the body in chunks of so many bytes, each written by itself.
    Chunks { size: usize, trailers: bool },
    /// HTTP/1.1, the body once the other side has said that it wants it.
    Continue,
    /// HTTP/2, the body in frames of so many bytes.
    Frames { size: usize, trailers: bool },
}

impl Way {
    /// The size of a body's pieces.
    pub(crate) fn pieces(self) -> usize {
        match self {
            Way::Whole | Way::Continue => usize::MAX,
            Way::Chunks { size, .. } | Way::Frames { size, .. } => size,
        }
    }
}

/// Sends a request on a connection of its own.
pub(crate) async fn send(to: SocketAddr, request: &Request, way: Way) -> anyhow::Result<Answer> {
    let exchange = async {
        match way {
            Way::Frames { size, trailers } => frames(to, request, size, trailers).await,
            way => raw::exchange(to, request, way).await,
        }
    };
    tokio::time::timeout(TIME_LIMIT, exchange)
        .await
        .with_context(|| format!("no answer within {TIME_LIMIT:?}"))?
}

async fn frames(
    to: SocketAddr,
    request: &Request,
    size: usize,
    trailers: bool,
) -> anyhow::Result<Answer> {
    let stream = TokioIo::new(TcpStream::connect(to).await?);
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), stream).await?;
    let connection = tokio::spawn(connection);
    let mut head = http::Request::builder()
        .method(request.method.as_str())
        .uri(format!("http://guard.example.com{}", request.path));
    for (name, value) in &request.headers {
        head = head.header(name, value.as_slice());
    }
    let body: &[u8] = match &request.body {
        Body::Bytes(bytes) => bytes,
        _ => &[],
    };
    // Trailers alone would be a body.
    let body = Pieces::new(body, size, trailers && !body.is_empty());
    let (head, body) = sender.send_request(head.body(body)?).await?.into_parts();
    let body = body.collect().await?.to_bytes().to_vec();
    connection.abort();
    let headers = head.headers.iter();
    Ok(Answer {
        status: head.status.as_u16(),
        headers: headers
            .map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()))
            .collect(),
        body,
    })
}
