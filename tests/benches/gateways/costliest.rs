//! The costliest requests that are known, by their size: what do they take at each gateway?

use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use http_body_util::Full;
use scimguard_core::{Body, Request};
use scimguard_tests::load::{self, Connection};

use crate::busy;
use crate::kinds::{FILLS, KINDS};
use crate::table::{table, time};
use crate::ways::{Way, Ways};

/// Bytes of a request, and how often it is sent: Linux counts in hundredths of a second.
const SIZES: [(usize, u32); 4] = [(1_000, 20), (10_000, 10), (100_000, 4), (1_000_000, 2)];

/// What the costliest request took.
struct Cost {
    what: String,
    status: u16,
    /// Time of the processors, of each part of the way.
    parts: Vec<Duration>,
}

/// A table with a row for each size, at each gateway, with and without a token.
pub(crate) async fn figures(ways: &Ways) -> anyhow::Result<String> {
    let heads = [
        "bytes",
        "token",
        "gateway",
        "the costliest request that is known",
        "status",
        "processor time",
    ];
    let mut rows = Vec::new();
    for has_token in [false, true] {
        for (size, times) in SIZES {
            for way in ways.all.iter().filter(|way| way.judges) {
                let cost = worst(way, has_token, size, times).await;
                let Cost {
                    what,
                    status,
                    parts,
                } = cost.with_context(|| way.name)?;
                let parts: Vec<String> = parts.into_iter().map(time).collect();
                rows.push(vec![
                    format!("{size}"),
                    if has_token { "yes" } else { "no" }.to_owned(),
                    way.name.to_owned(),
                    what,
                    status.to_string(),
                    parts.join(" + "),
                ]);
            }
        }
    }
    Ok(table(&heads, &rows))
}

async fn worst(way: &Way, has_token: bool, size: usize, times: u32) -> anyhow::Result<Cost> {
    let mut worst: Option<Cost> = None;
    for kind in KINDS.iter().filter(|kind| kind.has_token == has_token) {
        for fill in FILLS {
            let request = kind.request(size, fill);
            if bytes(&request) > size + size / 5 + 100 {
                continue;
            }
            let (status, parts) = cost(way, &request, times).await?;
            let sum = |parts: &[Duration]| parts.iter().sum::<Duration>();
            if worst
                .as_ref()
                .is_none_or(|worst| sum(&worst.parts) < sum(&parts))
            {
                let what = format!("{} ({:?} x {})", kind.name, fill.text, fill.characters);
                worst = Some(Cost {
                    what,
                    status,
                    parts,
                });
            }
        }
    }
    worst.context("no request is so small")
}

/// The last answer's status, and the time of the processors for one request.
async fn cost(way: &Way, request: &Request, times: u32) -> anyhow::Result<(u16, Vec<Duration>)> {
    let before = busy(way)?;
    let mut connection = Connection::open(way.to).await?;
    let mut last = 0;
    for _ in 0..times {
        let sent = with_token(request, &way.token)?;
        // Who is refused before the body was read loses the connection.
        match connection.send(sent).await {
            Ok((status, _)) => last = status.as_u16(),
            Err(_) => connection = Connection::open(way.to).await?,
        }
    }
    let parts = busy(way)?.into_iter().zip(before);
    let parts = parts.map(|(after, before)| (after - before) / times);
    Ok((last, parts.collect()))
}

/// What is sent, with the token that this gateway knows.
fn with_token(request: &Request, token: &str) -> anyhow::Result<load::Request> {
    let mut sent = http::Request::builder()
        .method(request.method.as_str())
        .uri(&request.path)
        .header("host", "gateway");
    for (name, value) in &request.headers {
        sent = match name.as_str() {
            "authorization" => sent.header(name, format!("Bearer {token}")),
            "content-length" | "host" => sent,
            _ => sent.header(name, value.as_slice()),
        };
    }
    Ok(sent.body(Full::new(body(request)))?)
}

fn body(request: &Request) -> Bytes {
    match &request.body {
        Body::Bytes(bytes) => Bytes::copy_from_slice(bytes),
        Body::None | Body::Unread | Body::OverLimit => Bytes::new(),
    }
}

fn bytes(request: &Request) -> usize {
    request.path.len() + body(request).len()
}
