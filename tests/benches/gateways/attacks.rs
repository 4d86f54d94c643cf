//! A client with a good token beside those who attack: how long do its answers take, and is it ever
//! refused?

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::Full;
use scimguard_tests::load::{Connection, Request, quantile};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::time::{Interval, MissedTickBehavior, interval_at, sleep, timeout};

use crate::application::SCIM;
use crate::table::{table, time};
use crate::ways::{Way, Ways};

/// How long the good client is watched.
const SPAN: Duration = Duration::from_secs(20);

/// Between two of its requests.
const PAUSE: Duration = Duration::from_millis(10);

/// What an answer to it may take at most.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where attackers come from: what one address may do is not what others may.
const ELSEWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2)), 0);

/// Until who was refused comes back.
const BACK: Duration = Duration::from_secs(1);

/// Between two made-up tokens of one client.
const TRIES: Duration = Duration::from_millis(500);

/// Attackers have machines of their own: here they take what the others leave of the processors.
const NICE: i32 = 19;

/// Until the last attack is over.
const QUIET: Duration = Duration::from_secs(2);

/// Bytes.
const MIB: usize = 1024 * 1024;

/// What attackers do, all at the same time.
#[derive(Clone, Copy)]
enum Attack {
    /// Without a credential: as many users and groups as a body of 31 kB can name, again and again.
    Names,
    /// With a good token of another account: heads whose bodies never come.
    Heads,
    /// Tokens that they have made up.
    MadeUp,
    /// With a good token of another account: bodies of 1 MiB that never end.
    Bodies,
    /// The same, of whoever comes back when it was refused.
    BodiesAgain,
}

impl Attack {
    const ALL: [Self; 5] = [
        Self::Names,
        Self::Heads,
        Self::MadeUp,
        Self::Bodies,
        Self::BodiesAgain,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Names => {
                "4 clients that name 1,500 users and groups in 31 kB, without a credential"
            }
            Self::Heads => "1,100 heads without their bodies, with a token of another account",
            Self::MadeUp => "700 clients with made-up tokens, each twice a second",
            Self::Bodies => "1,050 unfinished bodies of 1 MiB, with a token of another account",
            Self::BodiesAgain => "the same; who is refused comes back each second with another MiB",
        }
    }

    const fn clients(self) -> usize {
        match self {
            Self::Names => 4,
            Self::Heads => 1_100,
            Self::MadeUp => 700,
            Self::Bodies | Self::BodiesAgain => 1_050,
        }
    }

    /// All clients, on a thread of their own: the good one does not wait for them.
    fn begin(self, to: SocketAddr, token: &str) -> anyhow::Result<Attackers> {
        let threads = Builder::new_multi_thread()
            .worker_threads(1)
            .on_thread_start(|| {
                // At the worst they attack with more of the processors.
                let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), NICE);
            })
            .enable_all()
            .build()?;
        let sent = Arc::default();
        for number in 0..self.clients() {
            threads.spawn(self.client(to, number, token.to_owned(), Arc::clone(&sent)));
        }
        Ok(Attackers { threads, sent })
    }

    /// One of its clients, which comes back whenever it is shown the door.
    async fn client(self, to: SocketAddr, number: usize, token: String, sent: Arc<AtomicU64>) {
        // They do not all come at once, nor do they all come back at once.
        let place = u32::try_from(number).unwrap_or(0);
        let all = u32::try_from(self.clients()).unwrap_or(u32::MAX);
        let mut back = from(Instant::now() + BACK * place / all, BACK);
        loop {
            back.tick().await;
            // What an attacker is answered, or that nobody answers any more, is not what is measured.
            let _ = match self {
                Self::Names => ask(to, names, None, &sent).await,
                Self::MadeUp => {
                    let made_up = || made_up(number);
                    ask(to, made_up, Some(TRIES), &sent).await
                }
                Self::Heads => hang(to, &token, 0, &sent).await,
                Self::Bodies | Self::BodiesAgain => hang(to, &token, MIB - 1, &sent).await,
            };
            if matches!(self, Self::Bodies) {
                return;
            }
        }
    }
}

/// All who attack, and how many requests they have begun.
struct Attackers {
    threads: Runtime,
    sent: Arc<AtomicU64>,
}

/// At this moment and then at each of these, whatever came between; those that were missed are left out.
fn from(start: Instant, period: Duration) -> Interval {
    let mut interval = interval_at(start.into(), period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Skip);
    interval
}

/// What the good client was answered.
struct Watched {
    /// In order of length.
    times: Vec<Duration>,
    refused: usize,
}

/// A table with a row for each attack on each gateway.
pub(crate) async fn figures(ways: &Ways) -> anyhow::Result<String> {
    let heads = [
        "Okta reads a user, beside",
        "gateway",
        "median",
        "99th percentile",
        "ratio of the 99th",
        "not answered with 200",
        "requests of attackers a second",
    ];
    let mut rows = Vec::new();
    for way in ways.all.iter().filter(|way| way.judges) {
        let peace = watched(way).await?;
        rows.push(row("nobody", way, &peace, &peace, 0));
        for attack in Attack::ALL {
            let attackers = attack.begin(way.to, &way.other)?;
            let beside = watched(way).await?;
            let sent = attackers.sent.load(Ordering::Relaxed);
            rows.push(row(attack.name(), way, &peace, &beside, sent));
            attackers.threads.shutdown_background();
            sleep(QUIET).await;
        }
    }
    Ok(table(&heads, &rows))
}

fn row(name: &str, way: &Way, peace: &Watched, beside: &Watched, sent: u64) -> Vec<String> {
    let (calm, p99) = (quantile(&peace.times, 99), quantile(&beside.times, 99));
    vec![
        name.to_owned(),
        way.name.to_owned(),
        time(quantile(&beside.times, 50)),
        time(p99),
        format!("{:.2}", p99.as_secs_f64() / calm.as_secs_f64()),
        format!("{} of {}", beside.refused, beside.times.len()),
        format!("{}", sent / SPAN.as_secs()),
    ]
}

/// A good client for a while. It opens a new connection where the old one is closed.
async fn watched(way: &Way) -> anyhow::Result<Watched> {
    let mut watched = Watched {
        times: Vec::new(),
        refused: 0,
    };
    let begun = Instant::now();
    let mut connection = Connection::open(way.to).await?;
    while begun.elapsed() < SPAN {
        sleep(PAUSE).await;
        let request = get(&way.token, "u0")?;
        let started = Instant::now();
        let answer = timeout(PATIENCE, connection.send(request)).await;
        watched.times.push(started.elapsed());
        match answer {
            Ok(Ok((status, _))) if status == 200 => {}
            Ok(Ok(_)) => watched.refused += 1,
            Ok(Err(_)) | Err(_) => {
                watched.refused += 1;
                connection = Connection::open(way.to).await?;
            }
        }
    }
    watched.times.sort_unstable();
    Ok(watched)
}

/// Sends requests on one connection until it ends: one each period, or as soon as the last is answered.
async fn ask(
    to: SocketAddr,
    request: impl Fn() -> anyhow::Result<Request>,
    period: Option<Duration>,
    sent: &AtomicU64,
) -> anyhow::Result<()> {
    let mut connection = Connection::over(connect(to).await?).await?;
    let mut period = period.map(|period| from(Instant::now(), period));
    loop {
        if let Some(period) = &mut period {
            period.tick().await;
        }
        sent.fetch_add(1, Ordering::Relaxed);
        connection.send(request()?).await?;
    }
}

/// Sends a head and so many bytes of a body that has one more, and waits for whatever comes.
async fn hang(to: SocketAddr, token: &str, bytes: usize, sent: &AtomicU64) -> anyhow::Result<()> {
    let mut stream = connect(to).await?;
    let length = bytes.max(10_000) + 1;
    let path = SCIM.replace("ACC1", "ACC2");
    let head = format!(
        "PUT {path}/Users/u0 HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer {token}\r\n\
         content-type: application/scim+json\r\ncontent-length: {length}\r\n\r\n"
    );
    sent.fetch_add(1, Ordering::Relaxed);
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(&vec![b' '; bytes]).await?;
    stream.read_to_end(&mut Vec::new()).await?;
    Ok(())
}

async fn connect(to: SocketAddr) -> anyhow::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(ELSEWHERE)?;
    Ok(socket.connect(to).await?)
}

fn names() -> anyhow::Result<Request> {
    let emails: Vec<String> = (0..1_500).map(|n| format!("{n}@a.io")).collect();
    let groups: Vec<String> = (0..1_500).map(|n| format!("g{n:05}")).collect();
    let body = json!({"emails": emails, "userGroups": groups}).to_string();
    let request = http::Request::post("/gateway/ng/api/user/users?accountIdentifier=ACC1")
        .header("host", "gateway")
        .header("content-type", "application/json");
    Ok(request.body(Full::new(Bytes::from(body)))?)
}

fn made_up(number: usize) -> anyhow::Result<Request> {
    get(&format!("pat.ACC1.tok{number}.made-up"), "u0")
}

fn get(token: &str, user: &str) -> anyhow::Result<Request> {
    let request = http::Request::get(format!("{SCIM}/Users/{user}"))
        .header("host", "gateway")
        .header("authorization", format!("Bearer {token}"));
    Ok(request.body(Full::default())?)
}
