//! Requests written byte by byte, as a case has them, and their answers.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, bail};
use scimguard_core::{Body, Headers, Request};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const TIME_LIMIT: Duration = Duration::from_secs(20);

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Headers,
    pub(crate) body: Vec<u8>,
}

/// Sends a request on a connection of its own.
pub(crate) async fn send(to: SocketAddr, request: &Request) -> anyhow::Result<Answer> {
    tokio::time::timeout(TIME_LIMIT, exchange(to, request))
        .await
        .with_context(|| format!("no answer within {TIME_LIMIT:?}"))?
}

async fn exchange(to: SocketAddr, request: &Request) -> anyhow::Result<Answer> {
    let mut stream = TcpStream::connect(to).await?;
    stream.write_all(&written(request)).await?;
    let mut came = Vec::new();
    let mut buffer = [0; 16 * 1024];
    loop {
        let read = stream.read(&mut buffer).await?;
        came.extend_from_slice(&buffer[..read]);
        if let Some(answer) = parsed(&came, request.method == "HEAD", read == 0)? {
            return Ok(answer);
        }
        if read == 0 {
            bail!("the answer broke off");
        }
    }
}

fn written(request: &Request) -> Vec<u8> {
    let mut head = format!("{} {} HTTP/1.1\r\n", request.method, request.path).into_bytes();
    let has = |wanted: &str| request.headers.iter().any(|(name, _)| name == wanted);
    let body: &[u8] = match &request.body {
        Body::Bytes(bytes) => bytes,
        _ => &[],
    };
    if !has("host") {
        head.extend_from_slice(b"host: guard.example.com\r\n");
    }
    if !body.is_empty() && !has("content-length") && !has("transfer-encoding") {
        head.extend_from_slice(format!("content-length: {}\r\n", body.len()).as_bytes());
    }
    for (name, value) in &request.headers {
        head.extend_from_slice(name.as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value);
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(b"\r\n");
    head.extend_from_slice(body);
    head
}

fn parsed(came: &[u8], headless: bool, ended: bool) -> anyhow::Result<Option<Answer>> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut head = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(length) = head.parse(came)? else {
        return Ok(None);
    };
    let status = head.code.context("no status")?;
    let headers: Headers = head
        .headers
        .iter()
        .map(|header| (header.name.to_ascii_lowercase(), header.value.to_vec()))
        .collect();
    let rest = &came[length..];
    if status == 100 {
        return parsed(rest, headless, ended);
    }
    let text = |wanted: &str| {
        let found = headers.iter().find(|(name, _)| name == wanted);
        found.map(|(_, value)| String::from_utf8_lossy(value).into_owned())
    };
    let body = if headless || matches!(status, 204 | 304) {
        Some(Vec::new())
    } else if let Some(length) = text("content-length") {
        let length: usize = length.parse()?;
        (rest.len() >= length).then(|| rest[..length].to_vec())
    } else if text("transfer-encoding").is_some() {
        unchunked(rest)?
    } else {
        ended.then(|| rest.to_vec())
    };
    Ok(body.map(|body| Answer {
        status,
        headers,
        body,
    }))
}

/// A chunked body (RFC 9112 §7.1), if all of it is there.
fn unchunked(mut rest: &[u8]) -> anyhow::Result<Option<Vec<u8>>> {
    let mut body = Vec::new();
    loop {
        let Ok(httparse::Status::Complete((start, size))) = httparse::parse_chunk_size(rest) else {
            return Ok(None);
        };
        let size = usize::try_from(size)?;
        let Some(chunk) = rest.get(start..start + size) else {
            return Ok(None);
        };
        if size == 0 {
            return Ok(Some(body));
        }
        body.extend_from_slice(chunk);
        match rest.get(start + size + 2..) {
            Some(next) => rest = next,
            None => return Ok(None),
        }
    }
}
