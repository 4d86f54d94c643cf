//! A token that is introspected at a slow issuer, alone and next to clients without credentials
//! that send made-up tokens.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::routing::post;
use scimguard_tests::load::{Connection, quantile};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::served::{CLIENTS, USERS, engine, guard_in, request};
use crate::{legitimate, print};

const ISSUER: &str = "https://as.example.com";

/// The token that the issuer knows.
const KNOWN: &str = "a-token-in-use";

/// The response time of a distant issuer.
const SLOW: Duration = Duration::from_millis(300);

/// How long an answer is cached: shorter than in practice, so that many are renewed.
const CACHE: &str = "2s";

/// Clients that send made-up tokens.
const ATTACKERS: u32 = 700;

/// Prints two lines and the ratio of their 99th percentiles.
pub(crate) async fn figures(backend: SocketAddr, requests: usize) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let tables = issuer(folder.path()).await?;
    let policy = json!({"version": 1, "preset": "harness", "tokens": {"issuers": [
        {"issuer": ISSUER, "kind": "introspection", "account": "ACC1", "provider": "okta"},
    ]}});
    let (name, engine) = engine(&policy.to_string())?;
    let (guard, _) = guard_in(folder.path(), &tables, engine, backend).await?;
    println!(
        "{CLIENTS} clients with a token that an issuer introspects in {SLOW:?}, policy: {name}"
    );
    let peace = legitimate(guard, KNOWN, requests).await?;
    print("in peace", &peace);

    let counts = Arc::new(Counts::default());
    let mut attackers = JoinSet::new();
    for attacker in 0..ATTACKERS {
        attackers.spawn(make_up(guard, attacker, Arc::clone(&counts)));
    }
    // Until the issuer is overloaded.
    let begun = Instant::now();
    while counts.refused.load(Ordering::Relaxed) < 100 && begun.elapsed() < Duration::from_secs(20)
    {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let attacked = legitimate(guard, KNOWN, requests).await?;
    counts.ended.store(true, Ordering::Relaxed);
    while let Some(attacker) = attackers.join_next().await {
        attacker??;
    }
    print(
        &format!("beside {ATTACKERS} clients with made-up tokens"),
        &attacked,
    );
    println!(
        "ratio of the 99th percentiles: {:.2}; {} made-up tokens were asked about, {} were not",
        quantile(&attacked, 99).as_secs_f64() / quantile(&peace, 99).as_secs_f64(),
        counts.asked.load(Ordering::Relaxed),
        counts.refused.load(Ordering::Relaxed),
    );
    Ok(())
}

/// The table of an issuer that knows one token.
async fn issuer(folder: &std::path::Path) -> anyhow::Result<String> {
    std::fs::write(folder.join("client.secret"), "bench")?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let answer = async |form: String| {
        tokio::time::sleep(SLOW).await;
        let active = form.contains(KNOWN);
        json!({"active": active, "sub": "svc"}).to_string()
    };
    let routes = axum::Router::new().route("/introspect", post(answer));
    tokio::spawn(axum::serve(listener, routes).into_future());
    Ok(format!(
        "[[issuer]]\nissuer = \"{ISSUER}\"\nintrospection_url = \"http://{address}/introspect\"\n\
         client_id = \"bench\"\nclient_secret_file = \"client.secret\"\nintrospection_cache = \"{CACHE}\"\n"
    ))
}

#[derive(Default)]
struct Counts {
    ended: AtomicBool,
    asked: AtomicU64,
    refused: AtomicU64,
}

async fn make_up(guard: SocketAddr, attacker: u32, counts: Arc<Counts>) -> anyhow::Result<()> {
    let mut connection = Connection::open(guard).await?;
    let mut number = 0_u64;
    while !counts.ended.load(Ordering::Relaxed) {
        number += 1;
        let token = format!("made-up-{attacker}-{number}");
        let (status, _) = connection.send(request("GET", USERS, &token, "")?).await?;
        match status.as_u16() {
            401 => counts.asked.fetch_add(1, Ordering::Relaxed),
            429 | 503 => counts.refused.fetch_add(1, Ordering::Relaxed),
            other => anyhow::bail!("a made-up token was answered {other}"),
        };
        // Like a hurried client that has to retry later.
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    Ok(())
}
