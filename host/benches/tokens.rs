//! The cost of checking a token, by kind; then good traffic while an attacker tries wrong tokens,
//! against the same traffic alone. Latencies, as ratios of one run; clients, attacker, guard,
//! issuer and backend share the machine.
//!
//! `cargo bench -p scimguard --profile host --bench tokens`; the plugin is `scimguard.wasm` beside
//! the program or at `SCIMGUARD_COMPONENT`, otherwise the native policy.

#![expect(clippy::print_stdout, reason = "figures are what a bench is for")]

mod allocator;
mod asked;
mod issued;
mod served;
#[expect(
    dead_code,
    clippy::unwrap_used,
    reason = "it is shared with tests, which use more of it and panic where it fails"
)]
#[path = "../src/tokens/tests/signer.rs"]
mod signer;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::ensure;
use scimguard_tests::load::{Connection, quantile};
use served::{CLIENTS, TOKEN, USERS, backend, engine, guard, request};
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

/// Wrong tokens per second, if the machine can send as many.
const WRONG: f64 = 10_000.0;

/// Connections of the attacker.
const ATTACKERS: u32 = 32;

/// Time between two requests of a client: together 320 per second, a light load.
const PAUSE: Duration = Duration::from_millis(50);

fn main() -> anyhow::Result<()> {
    // Only `cargo bench` needs figures; tests check that it runs.
    let measures = std::env::args().any(|arg| arg == "--bench");
    let requests = if measures { 200 } else { 2 };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let backend = backend().await?;
        issued::figures(backend, requests).await?;
        asked::figures(backend, requests).await?;

        let (name, engine) = engine("")?;
        let guard = guard(engine, backend).await?;
        println!("{CLIENTS} clients with a good token, policy: {name}");
        let peace = legitimate(guard, TOKEN, requests).await?;
        print("in peace", &peace);

        let attack = Attack::begin(guard);
        let attacked = legitimate(guard, TOKEN, requests).await?;
        let (rate, slowed) = attack.end().await?;
        print(
            &format!("beside {rate:.0} wrong tokens a second"),
            &attacked,
        );
        println!(
            "ratio of the 99th percentiles: {:.2}; {:.1} % of the wrong ones got 429",
            quantile(&attacked, 99).as_secs_f64() / quantile(&peace, 99).as_secs_f64(),
            100.0 * slowed
        );
        Ok(())
    })
}

fn print(what: &str, sorted: &[Duration]) {
    println!(
        "{what:<40} median {:?}, 99% {:?}",
        quantile(sorted, 50),
        quantile(sorted, 99)
    );
}

/// Latencies of requests with a good token, sorted. Each is answered.
async fn legitimate(
    guard: SocketAddr,
    token: &'static str,
    requests: usize,
) -> anyhow::Result<Vec<Duration>> {
    let mut tasks = JoinSet::new();
    for n in 0..CLIENTS {
        tasks.spawn(async move {
            let mut connection = Connection::open(guard).await?;
            let user = format!("{USERS}/u{n}");
            let mut times = Vec::with_capacity(requests);
            for _ in 0..requests {
                tokio::time::sleep(PAUSE).await;
                let started = Instant::now();
                let (status, body) = connection.send(request("GET", &user, token, "")?).await?;
                times.push(started.elapsed());
                ensure!(
                    status == 200,
                    "{status}: {}",
                    String::from_utf8_lossy(&body)
                );
            }
            anyhow::Ok(times)
        });
    }
    let mut times = Vec::new();
    while let Some(task) = tasks.join_next().await {
        times.extend(task??);
    }
    times.sort_unstable();
    Ok(times)
}

/// An attacker who tries tokens.
struct Attack {
    begun: Instant,
    counts: Arc<Counts>,
    connections: JoinSet<anyhow::Result<()>>,
}

#[derive(Default)]
struct Counts {
    ended: AtomicBool,
    tried: AtomicU64,
    slowed: AtomicU64,
}

impl Attack {
    fn begin(guard: SocketAddr) -> Self {
        let counts = Arc::<Counts>::default();
        let mut connections = JoinSet::new();
        for attacker in 0..ATTACKERS {
            connections.spawn(attack(guard, attacker, Arc::clone(&counts)));
        }
        Self {
            begun: Instant::now(),
            counts,
            connections,
        }
    }

    /// The rate of answered wrong tokens, and the share of 429 among them.
    async fn end(mut self) -> anyhow::Result<(f64, f64)> {
        self.counts.ended.store(true, Ordering::Relaxed);
        let took = self.begun.elapsed().as_secs_f64();
        while let Some(task) = self.connections.join_next().await {
            task??;
        }
        let count = |number: &AtomicU64| {
            let number = u32::try_from(number.load(Ordering::Relaxed)).unwrap_or(u32::MAX);
            f64::from(number)
        };
        let tried = count(&self.counts.tried);
        Ok((tried / took, count(&self.counts.slowed) / tried.max(1.0)))
    }
}

async fn attack(guard: SocketAddr, attacker: u32, counts: Arc<Counts>) -> anyhow::Result<()> {
    let mut connection = Connection::open(guard).await?;
    let mut times = tokio::time::interval(Duration::from_secs_f64(f64::from(ATTACKERS) / WRONG));
    times.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut number = 0_u64;
    while !counts.ended.load(Ordering::Relaxed) {
        times.tick().await;
        number += 1;
        let token = format!("sat.ACC1.t{attacker}.{number}");
        let (status, _) = connection.send(request("GET", USERS, &token, "")?).await?;
        counts.tried.fetch_add(1, Ordering::Relaxed);
        match status.as_u16() {
            401 => {}
            429 => {
                counts.slowed.fetch_add(1, Ordering::Relaxed);
            }
            other => anyhow::bail!("a wrong token was answered {other}"),
        }
    }
    Ok(())
}
