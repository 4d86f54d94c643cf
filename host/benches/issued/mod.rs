//! Reads with each kind of token, in turn on one connection: the guard's own opaque token, signed
//! ones, and a recently introspected one.

use std::hint::black_box;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use axum::routing::post;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use scimguard_core::facts::Key;
use scimguard_core::sha256_hex;
use scimguard_store::Store;
use scimguard_tests::fixtures::PERMISSIONS;
use scimguard_tests::load::{Connection, quantile};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::served::{STORE, TOKEN, USERS, engine, guard_in, request};
use crate::signer::{Signer, set};

const SIGNING: &str = "https://id.example.com";
const ASKED: &str = "https://as.example.com";
const AUDIENCE: &str = "https://guard.example.com";

/// A kind of token.
struct Kind {
    name: &'static str,
    token: String,
    check: Check,
}

/// How a token is verified, besides the policy's work.
enum Check {
    /// One read of the guard's store, which may have it.
    Read,
    Signature(Box<DecodingKey>, Algorithm),
}

/// Prints a line for each kind.
pub(crate) async fn figures(backend: SocketAddr, requests: usize) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let signers = [
        Signer::rsa("rsa"),
        Signer::p256("p256"),
        Signer::ed25519("ed25519"),
    ];
    let tables = issuers(folder.path(), &signers).await?;
    let (name, engine) = engine(&policy())?;
    let (guard, admin) = guard_in(folder.path(), &tables, engine, backend).await?;
    let store = Store::open(&folder.path().join(STORE)).await?;

    println!("one client, each kind of token in turn, policy: {name}");
    let mut opaque = None;
    for kind in kinds(&signers)? {
        // Fetches and compiles what the first read needs.
        read(guard, &kind, requests.min(20)).await?;
        let before = decisions(admin).await?;
        let times = read(guard, &kind, requests).await?;
        let after = decisions(admin).await?;
        let median = quantile(&times, 50);
        let decision = (after.0 - before.0) / (after.1 - before.1);
        let check = kind.check(&store, requests).await?.as_secs_f64();
        println!(
            "{:<40} median {median:?}, {:.2} times that of the opaque one; decision {:.0} µs, \
             of which the check {:.1} µs ({:.1} %)",
            kind.name,
            median.as_secs_f64() / opaque.get_or_insert(median).as_secs_f64(),
            decision * 1e6,
            check * 1e6,
            100.0 * check / decision,
        );
    }
    store.close().await;
    Ok(())
}

fn policy() -> String {
    let claims = json!({"permissions": "/permissions"});
    json!({"version": 1, "preset": "harness", "tokens": {"issuers": [
        {"issuer": SIGNING, "audience": [AUDIENCE], "account": "ACC1", "provider": "okta", "claims": claims},
        {"issuer": ASKED, "kind": "introspection", "account": "ACC1", "provider": "okta", "claims": claims},
    ]}})
    .to_string()
}

/// The configured issuers, whose keys are in this folder.
async fn issuers(folder: &Path, signers: &[Signer]) -> anyhow::Result<String> {
    let keys: Vec<Value> = signers.iter().map(Signer::jwk).collect();
    std::fs::write(folder.join("keys.json"), set(&keys))?;
    std::fs::write(folder.join("client.secret"), "bench")?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let asked = listener.local_addr()?;
    let answer = async || claims(ASKED).to_string();
    let routes = axum::Router::new().route("/introspect", post(answer));
    tokio::spawn(axum::serve(listener, routes).into_future());
    Ok(format!(
        "[[issuer]]\nissuer = \"{SIGNING}\"\njwks_file = \"keys.json\"\n\
         [[issuer]]\nissuer = \"{ASKED}\"\nintrospection_url = \"http://{asked}/introspect\"\n\
         client_id = \"bench\"\nclient_secret_file = \"client.secret\"\nintrospection_cache = \"1h\"\n"
    ))
}

fn claims(issuer: &str) -> Value {
    json!({
        "active": true,
        "iss": issuer,
        "aud": AUDIENCE,
        "sub": "svc",
        "exp": 4_102_444_800_u64,
        "permissions": PERMISSIONS,
    })
}

fn kinds([rsa, p256, ed25519]: &[Signer; 3]) -> anyhow::Result<Vec<Kind>> {
    let signed = |name, signer: &Signer, algorithm| {
        let jwk: Jwk = serde_json::from_value(signer.jwk())?;
        let key = Box::new(DecodingKey::from_jwk(&jwk)?);
        anyhow::Ok(Kind {
            name,
            token: signer.token(name, &claims(SIGNING).to_string()),
            check: Check::Signature(key, algorithm),
        })
    };
    let looked_up = |name, token: &str| Kind {
        name,
        token: token.to_owned(),
        check: Check::Read,
    };
    Ok(vec![
        looked_up("opaque", TOKEN),
        signed("RS256", rsa, Algorithm::RS256)?,
        signed("PS256", rsa, Algorithm::PS256)?,
        signed("ES256", p256, Algorithm::ES256)?,
        signed("EdDSA", ed25519, Algorithm::EdDSA)?,
        // The store is asked first; the issuer's answer is cached.
        looked_up("introspected, remembered", "a-token-of-the-issuer"),
    ])
}

impl Kind {
    /// The median of the check alone.
    async fn check(&self, store: &Store, times: usize) -> anyhow::Result<Duration> {
        let mut taken = Vec::with_capacity(times);
        for _ in 0..times {
            let started = Instant::now();
            match &self.check {
                Check::Read => {
                    let key = Key::Token(sha256_hex(self.token.as_bytes()));
                    black_box(store.answer(&[key]).await?);
                }
                Check::Signature(key, algorithm) => {
                    let mut signature_only = Validation::new(*algorithm);
                    signature_only.validate_aud = false;
                    black_box(decode::<Box<RawValue>>(&self.token, key, &signature_only)?);
                }
            }
            taken.push(started.elapsed());
        }
        taken.sort_unstable();
        Ok(quantile(&taken, 50))
    }
}

/// Latencies of reads, sorted.
async fn read(guard: SocketAddr, kind: &Kind, requests: usize) -> anyhow::Result<Vec<Duration>> {
    let mut connection = Connection::open(guard).await?;
    let user = format!("{USERS}/u0");
    let mut times = Vec::with_capacity(requests);
    for _ in 0..requests {
        let started = Instant::now();
        let (status, body) = connection
            .send(request("GET", &user, &kind.token, "")?)
            .await?;
        times.push(started.elapsed());
        ensure!(
            status == 200,
            "{}: {status}: {}",
            kind.name,
            String::from_utf8_lossy(&body)
        );
    }
    times.sort_unstable();
    Ok(times)
}

/// Seconds that the guard spent on requests so far, and their number.
async fn decisions(admin: SocketAddr) -> anyhow::Result<(f64, f64)> {
    let mut connection = Connection::open(admin).await?;
    let (_, body) = connection.send(request("GET", "/metrics", "", "")?).await?;
    let text = String::from_utf8(body.to_vec())?;
    let value = |name: &str| {
        let mut lines = text.lines();
        let found = lines.find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
        found.with_context(|| format!("no {name} in the metrics"))
    };
    Ok((
        value("scimguard_decision_seconds_sum")?,
        value("scimguard_decision_seconds_count")?,
    ))
}
