//! Load on a server: clients that each have a connection and send their next request when the last one
//! is answered. How many requests a second are answered, and how long do they take?

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use http::StatusCode;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// How long the last answers may take once the time is over.
const TIME_LIMIT: Duration = Duration::from_secs(20);

/// A request with its whole body.
pub type Request = http::Request<Full<Bytes>>;

/// A client's connection.
pub struct Connection(SendRequest<Full<Bytes>>);

impl Connection {
    /// Connects.
    pub async fn open(to: SocketAddr) -> anyhow::Result<Self> {
        Self::over(TcpStream::connect(to).await?).await
    }

    /// Speaks HTTP/1.1 over a connection that is there.
    pub async fn over(stream: TcpStream) -> anyhow::Result<Self> {
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self(sender))
    }

    /// Sends a request and reads the whole answer.
    pub async fn send(&mut self, request: Request) -> anyhow::Result<(StatusCode, Bytes)> {
        self.0.ready().await?;
        let answer = self.0.send_request(request).await?;
        let status = answer.status();
        Ok((status, answer.into_body().collect().await?.to_bytes()))
    }
}

/// A request, and the only answer that counts.
#[derive(Clone)]
pub struct Exchange {
    /// What is sent.
    pub request: Request,
    /// The answer's status.
    pub status: u16,
}

/// What a load gave.
#[derive(Clone, Copy, Debug)]
pub struct Figures {
    /// How many requests were answered.
    pub requests: usize,
    /// The same, a second.
    pub per_second: f64,
    /// Half of them took no longer.
    pub median: Duration,
    /// 99 of 100 took no longer.
    pub p99: Duration,
}

/// Lets each client send its requests in turn, as often as it can in this time; the last turn is not
/// broken off.
pub async fn run(
    to: SocketAddr,
    clients: Vec<Vec<Exchange>>,
    span: Duration,
) -> anyhow::Result<Figures> {
    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    for turn in clients {
        tasks.spawn(client(to, turn, begun + span));
    }
    let all = async {
        let mut times = Vec::new();
        while let Some(task) = tasks.join_next().await {
            times.extend(task??);
        }
        anyhow::Ok(times)
    };
    let mut times = timeout(span + TIME_LIMIT, all)
        .await
        .context("the last answers do not come")??;
    let took = begun.elapsed();
    ensure!(!times.is_empty(), "nobody sent anything");
    times.sort_unstable();
    let requests = times.len();
    Ok(Figures {
        requests,
        per_second: f64::from(u32::try_from(requests)?) / took.as_secs_f64(),
        median: quantile(&times, 50),
        p99: quantile(&times, 99),
    })
}

async fn client(
    to: SocketAddr,
    turn: Vec<Exchange>,
    until: Instant,
) -> anyhow::Result<Vec<Duration>> {
    let mut connection = Connection::open(to).await?;
    let mut times = Vec::new();
    loop {
        for exchange in &turn {
            let started = Instant::now();
            let (status, body) = connection.send(exchange.request.clone()).await?;
            times.push(started.elapsed());
            ensure!(
                status == exchange.status,
                "{} {} answered {status}, not {}: {}",
                exchange.request.method(),
                exchange.request.uri(),
                exchange.status,
                String::from_utf8_lossy(&body)
            );
        }
        if Instant::now() >= until {
            return Ok(times);
        }
    }
}

/// How long this many percent took at most.
///
/// # Panics
/// If there are none.
#[must_use]
pub fn quantile(sorted: &[Duration], percent: usize) -> Duration {
    sorted[(sorted.len() - 1) * percent / 100]
}
