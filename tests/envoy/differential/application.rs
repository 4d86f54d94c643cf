//! An application that keeps every byte that reaches it, by connection, and takes requests out of
//! them only by their own framing: what one client has smuggled in front of another's request shows.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use scimguard_core::Headers;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// A request as it was framed on its connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Arrived {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) headers: Headers,
    pub(super) body: Vec<u8>,
}

/// What has reached the application.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) arrived: Vec<Arrived>,
    /// Bytes that are no request.
    pub(super) stray: Vec<Vec<u8>>,
}

pub(super) struct Application {
    pub(super) address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
}

impl Application {
    pub(super) async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let seen = Arc::new(Mutex::new(Seen::default()));
        let shared = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let seen = Arc::clone(&shared);
                // A connection ends when its client does, or when it says what is no request.
                tokio::spawn(async move { serve(stream, &seen).await });
            }
        });
        Ok(Self { address, seen })
    }

    /// What has reached it since it was asked last.
    pub(super) fn seen(&self) -> Seen {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *seen)
    }
}

async fn serve(mut stream: TcpStream, seen: &Mutex<Seen>) -> std::io::Result<()> {
    let mut came = Vec::new();
    loop {
        let mut buffer = [0; 16 * 1024];
        let read = stream.read(&mut buffer).await?;
        if read == 0 {
            return Ok(());
        }
        came.extend_from_slice(&buffer[..read]);
        loop {
            match take(&came) {
                Ok(Some((arrived, length))) => {
                    came.drain(..length);
                    let answer = answer(&arrived);
                    seen.lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .arrived
                        .push(arrived);
                    stream.write_all(&answer).await?;
                }
                Ok(None) => break,
                Err(()) => {
                    let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
                    seen.stray.push(came);
                    return Ok(());
                }
            }
        }
    }
}

/// The first request in these bytes, and its length.
fn take(came: &[u8]) -> Result<Option<(Arrived, usize)>, ()> {
    let mut headers = [httparse::EMPTY_HEADER; 96];
    let mut head = httparse::Request::new(&mut headers);
    let start = match head.parse(came) {
        Ok(httparse::Status::Complete(start)) => start,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(_) => return Err(()),
    };
    let headers: Headers = head
        .headers
        .iter()
        .map(|header| (header.name.to_ascii_lowercase(), header.value.to_vec()))
        .collect();
    let text = |wanted: &str| {
        let found = headers.iter().find(|(name, _)| name == wanted);
        found.map(|(_, value)| String::from_utf8_lossy(value).into_owned())
    };
    let rest = &came[start..];
    let (body, length) = if text("transfer-encoding").is_some() {
        match dechunked(rest)? {
            Some(whole) => whole,
            None => return Ok(None),
        }
    } else {
        let length = text("content-length").map_or(Ok(0), |it| it.parse::<usize>());
        let length = length.map_err(|_| ())?;
        match rest.get(..length) {
            Some(body) => (body.to_vec(), length),
            None => return Ok(None),
        }
    };
    let arrived = Arrived {
        method: head.method.unwrap_or_default().to_owned(),
        path: head.path.unwrap_or_default().to_owned(),
        headers: headers.clone(),
        body,
    };
    Ok(Some((arrived, start + length)))
}

/// A chunked body without trailers (RFC 9112 §7.1) and its length on the connection, if all is there.
fn dechunked(all: &[u8]) -> Result<Option<(Vec<u8>, usize)>, ()> {
    let (mut body, mut at) = (Vec::new(), 0);
    loop {
        let rest = all.get(at..).unwrap_or_default();
        let (start, size) = match httparse::parse_chunk_size(rest) {
            Ok(httparse::Status::Complete(found)) => found,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(_) => return Err(()),
        };
        let end = start + usize::try_from(size).map_err(|_| ())?;
        let (Some(chunk), Some(line_end)) = (rest.get(start..end), rest.get(end..end + 2)) else {
            return Ok(None);
        };
        if line_end != b"\r\n" {
            return Err(());
        }
        body.extend_from_slice(chunk);
        at += end + 2;
        if size == 0 {
            return Ok(Some((body, at)));
        }
    }
}

fn answer(request: &Arrived) -> Vec<u8> {
    let (status, mut body) = answered(request);
    let length = body.len();
    if request.method == "HEAD" || status == "204 No Content" {
        body.clear();
    }
    let length = match status {
        "204 No Content" => String::new(),
        _ => format!("content-type: application/scim+json\r\ncontent-length: {length}\r\n"),
    };
    format!("HTTP/1.1 {status}\r\n{length}\r\n{body}").into_bytes()
}

fn answered(request: &Arrived) -> (&'static str, String) {
    let path = request.path.split('?').next().unwrap_or_default();
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    if request.method == "DELETE" {
        return ("204 No Content", String::new());
    }
    if path.contains("/large") {
        let data = json!({"data": "x".repeat(200_000)});
        return ("200 OK", data.to_string());
    }
    if !path.contains("/scim/") {
        return ("200 OK", json!({"method": request.method}).to_string());
    }
    let user = "urn:ietf:params:scim:schemas:core:2.0:User";
    match (request.method.as_str(), path.rsplit('/').next()) {
        ("POST", _) => {
            let name = body["userName"].as_str().unwrap_or_default();
            let user = json!({"schemas": [user], "id": format!("id-{name}"), "userName": name});
            ("201 Created", user.to_string())
        }
        (_, Some("Users" | "Groups")) => {
            let list = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
            let list = json!({"schemas": [list], "totalResults": 0, "Resources": []});
            ("200 OK", list.to_string())
        }
        (_, Some(id)) => {
            let user =
                json!({"schemas": [user], "id": id, "userName": format!("{id}@example.com")});
            ("200 OK", user.to_string())
        }
        _ => ("404 Not Found", String::new()),
    }
}
