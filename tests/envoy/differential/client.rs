//! Sends a request in its pieces and reads the answer.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use anyhow::{Context as _, bail};
use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use super::requests::{Protocol, Sent};
use crate::raw::{Answer, parsed};

const TIME_LIMIT: Duration = Duration::from_secs(20);

/// A body whose pieces come when they come; `None`: there is none, and the head is all.
struct Late(Option<mpsc::Receiver<Bytes>>);

impl Body for Late {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match &mut self.0 {
            Some(pieces) => pieces
                .poll_recv(context)
                .map(|piece| piece.map(|piece| Ok(Frame::data(piece)))),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_none()
    }
}

/// Sends it on a connection of its own.
pub(super) async fn send(to: SocketAddr, sent: &Sent) -> anyhow::Result<Answer> {
    let exchange = async {
        match sent.protocol {
            Protocol::Http1 => http1(to, sent).await,
            Protocol::Http2 => http2(to, sent).await,
        }
    };
    timeout(TIME_LIMIT, exchange).await.context("no answer")?
}

async fn http1(to: SocketAddr, sent: &Sent) -> anyhow::Result<Answer> {
    let stream = TcpStream::connect(to).await?;
    stream.set_nodelay(true)?;
    let (mut from, mut into) = stream.into_split();
    let writing = async {
        let mut first = head(sent);
        for (number, (pause, piece)) in sent.pieces.iter().enumerate() {
            let mut bytes = std::mem::take(&mut first);
            if sent.chunked {
                bytes.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
            }
            bytes.extend_from_slice(piece);
            if sent.chunked {
                bytes.extend_from_slice(b"\r\n");
                if number + 1 == sent.pieces.len() {
                    bytes.extend_from_slice(b"0\r\n\r\n");
                }
            }
            if number > 0 {
                sleep(*pause).await;
            }
            into.write_all(&bytes).await?;
        }
        into.write_all(&first).await
    };
    let reading = async {
        let mut came = Vec::new();
        loop {
            let mut buffer = [0; 16 * 1024];
            let read = from.read(&mut buffer).await.unwrap_or(0);
            came.extend_from_slice(&buffer[..read]);
            if let Some(answer) = parsed(&came, sent.method == "HEAD", read == 0)? {
                return Ok(answer);
            }
            if read == 0 {
                bail!("the connection ended without an answer");
            }
        }
    };
    // Who answers early need not read on.
    let (_, answer) = tokio::join!(writing, reading);
    answer
}

fn head(sent: &Sent) -> Vec<u8> {
    let mut head = format!("{} {} HTTP/1.1\r\n", sent.method, sent.path);
    if sent.kind != "no Host" {
        head.push_str("host: guard.example.com\r\n");
    }
    for (name, value) in &sent.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let length: usize = sent.pieces.iter().map(|(_, piece)| piece.len()).sum();
    match sent.chunked {
        _ if sent.kind == "both framings" => {}
        true => head.push_str("transfer-encoding: chunked\r\n"),
        false if length > 0 => head.push_str(&format!("content-length: {length}\r\n")),
        false => {}
    }
    head.push_str("\r\n");
    head.into_bytes()
}

async fn http2(to: SocketAddr, sent: &Sent) -> anyhow::Result<Answer> {
    let stream = TokioIo::new(TcpStream::connect(to).await?);
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), stream).await?;
    let connection = tokio::spawn(connection);
    let mut head = http::Request::builder()
        .method(sent.method.as_str())
        .uri(format!("http://guard.example.com{}", sent.path));
    for (name, value) in &sent.headers {
        head = head.header(name, value);
    }
    let (pieces, late) = mpsc::channel(8);
    let all = sent.pieces.clone();
    let writing = tokio::spawn(async move {
        for (pause, piece) in all {
            sleep(pause).await;
            if pieces.send(piece.into()).await.is_err() {
                return;
            }
        }
    });
    let late = Some(late).filter(|_| !sent.pieces.is_empty());
    let answer = sender.send_request(head.body(Late(late))?).await?;
    let (head, body) = answer.into_parts();
    let body = body.collect().await?.to_bytes().to_vec();
    writing.abort();
    connection.abort();
    Ok(Answer {
        status: head.status.as_u16(),
        headers: head
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()))
            .collect(),
        body,
    })
}
