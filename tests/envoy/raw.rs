//! Requests written byte by byte, as a case has them, and their answers.

use std::net::SocketAddr;

use anyhow::Context as _;
use scimguard_core::{Body, Headers, Request};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

use crate::ways::Way;

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Headers,
    pub(crate) body: Vec<u8>,
}

/// Sends a request on a connection of its own.
pub(crate) async fn exchange(
    to: SocketAddr,
    request: &Request,
    way: Way,
) -> anyhow::Result<Answer> {
    let stream = TcpStream::connect(to).await?;
    stream.set_nodelay(true)?;
    let (mut from, mut into) = stream.into_split();
    let mut came = Vec::new();
    let is_awaited = way == Way::Continue && has_body(request);
    if is_awaited {
        let framing = format!(
            "content-length: {}\r\nexpect: 100-continue\r\n",
            body(request).len()
        );
        into.write_all(&head(request, &framing)).await?;
        read(&mut from, &mut came).await?;
    }
    // Who answers early need not read on: what cannot be written then is of no interest.
    let writing = async {
        match is_awaited {
            true if came.starts_with(b"HTTP/1.1 100 ") => into.write_all(body(request)).await,
            true => Ok(()),
            false => write(&mut into, request, way).await,
        }
    };
    let mut answered = came.clone();
    let reading = async {
        loop {
            if let Some(answer) = parsed(&answered, request.method == "HEAD", false)? {
                return Ok(answer);
            }
            if !read(&mut from, &mut answered).await? {
                let answer = parsed(&answered, request.method == "HEAD", true)?;
                let text = || {
                    format!(
                        "the answer broke off: {:?}",
                        String::from_utf8_lossy(&answered)
                    )
                };
                return answer.with_context(text);
            }
        }
    };
    tokio::pin!(reading);
    tokio::select! {
        answer = &mut reading => answer,
        _ = writing => reading.await,
    }
}

async fn write(into: &mut OwnedWriteHalf, request: &Request, way: Way) -> std::io::Result<()> {
    let body = body(request);
    let Way::Chunks { size, trailers } = way else {
        let has = |wanted: &str| request.headers.iter().any(|(name, _)| name == wanted);
        let framing = match body.is_empty() || has("content-length") || has("transfer-encoding") {
            true => String::new(),
            false => format!("content-length: {}\r\n", body.len()),
        };
        let mut all = head(request, &framing);
        all.extend_from_slice(body);
        return into.write_all(&all).await;
    };
    if body.is_empty() {
        return into.write_all(&head(request, "")).await;
    }
    let framing = "transfer-encoding: chunked\r\n";
    into.write_all(&head(request, framing)).await?;
    for piece in body.chunks(size) {
        let mut chunk = format!("{:x}\r\n", piece.len()).into_bytes();
        chunk.extend_from_slice(piece);
        chunk.extend_from_slice(b"\r\n");
        into.write_all(&chunk).await?;
        tokio::task::yield_now().await;
    }
    let end = match trailers {
        true => "0\r\nx-checksum: none\r\n\r\n",
        false => "0\r\n\r\n",
    };
    into.write_all(end.as_bytes()).await
}

/// Reads what there is; false at the end.
async fn read(from: &mut OwnedReadHalf, into: &mut Vec<u8>) -> anyhow::Result<bool> {
    let mut buffer = [0; 16 * 1024];
    let read = from.read(&mut buffer).await?;
    into.extend_from_slice(&buffer[..read]);
    Ok(read > 0)
}

fn has_body(request: &Request) -> bool {
    !body(request).is_empty()
}

fn body(request: &Request) -> &[u8] {
    match &request.body {
        Body::Bytes(bytes) => bytes,
        _ => &[],
    }
}

fn head(request: &Request, framing: &str) -> Vec<u8> {
    let mut head = format!("{} {} HTTP/1.1\r\n", request.method, request.path).into_bytes();
    if !request.headers.iter().any(|(name, _)| name == "host") {
        head.extend_from_slice(b"host: guard.example.com\r\n");
    }
    head.extend_from_slice(framing.as_bytes());
    for (name, value) in &request.headers {
        head.extend_from_slice(name.as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value);
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(b"\r\n");
    head
}

pub(crate) fn parsed(came: &[u8], headless: bool, ended: bool) -> anyhow::Result<Option<Answer>> {
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
