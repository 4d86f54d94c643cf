//! The same bytes to `scimguard serve` and to a stock Envoy with the filter, each in front of an
//! application that keeps what reaches it: what arrives there and what the client gets is the same,
//! or `before_us.json` says why not. After every request another client sends one over the same
//! connections to the application: nothing of one reaches the other.

mod application;
mod client;
mod requests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::io::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use scimguard_core::Headers;
use scimguard_exchange::headers;
use scimguard_tests::envoy::{Envoy, TestBed};
use scimguard_tests::fixtures::{ACCOUNT, GATEWAY_SECRET, HARNESS_BASE, facts_service, harness};
use scimguard_tests::guard::Guard;
use scimguard_tests::process;
use serde::Deserialize;
use tokio::time::Instant;

use self::application::{Application, Arrived};
use self::requests::{Chance, Protocol, Sent};
use crate::raw::Answer;

use crate::two_ways::filter;

/// How long the test runs, and what it begins with, if nobody says.
const SECONDS: u64 = 20;
const SEED: u64 = 1;

/// What a limit of requests would refuse depends on the time.
const NO_LIMITS: &str =
    "[limits]\nrequests_per_second = 1000000\nburst = 1000000\nfailures = 1000000\n";

/// Characters of a request, or of what came of it, that a failure shows.
const SHOWN: usize = 2_000;

/// Headers that a proxy writes, or whose value is not the same twice.
const OF_THE_WAY: [&str; 6] = [
    "date",
    "host",
    "server",
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-request-id",
];

/// A difference that has a reason.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Difference {
    kind: String,
    reason: String,
}

/// One way to an application of its own.
struct Way {
    to: SocketAddr,
    application: Application,
    token: String,
    guard: Guard,
}

/// What came of a request on one way.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    arrived: Vec<Arrived>,
    status: u16,
    headers: Headers,
    body: Vec<u8>,
}

#[tokio::test]
async fn the_same_bytes_have_the_same_outcome_and_stay_apart() -> anyhow::Result<()> {
    let number = |name: &str, default| match std::env::var(name) {
        Ok(text) => text.parse().context("not a number"),
        Err(_) => Ok(default),
    };
    let seconds = number("SCIMGUARD_DIFFERENTIAL_SECONDS", SECONDS)?;
    let seed = number("SCIMGUARD_DIFFERENTIAL_SEED", SEED)?;
    let list: Vec<Difference> = serde_json::from_str(include_str!("before_us.json"))?;
    ensure!(list.iter().all(|it| !it.reason.is_empty()));
    let known: BTreeSet<&str> = list.iter().map(|it| it.kind.as_str()).collect();

    let serve = serve().await?;
    let (envoy, process) = envoy().await?;
    let (mut chance, mut counts) = (Chance(seed), BTreeMap::<&str, (u64, u64)>::new());
    let (begun, mut number) = (Instant::now(), 0);
    let mut differences = Vec::new();
    while begun.elapsed() < Duration::from_secs(seconds) && differences.len() < 20 {
        let state = chance.0;
        let make = |token: &str| {
            let mut chance = Chance(state);
            let odd = requests::odd(number, token);
            let sent = odd.unwrap_or_else(|| requests::request(&mut chance, number, token));
            (sent, chance)
        };
        let ((one, next), (other, _)) = (make(&serve.token), make(&envoy.token));
        chance = next;
        let outcomes = tokio::join!(serve.outcome(&one, number), envoy.outcome(&other, number));
        let what = format!("request {number} ({})", shown(&one));
        let log = || format!("{what}: Envoy's log: {}", process.logged());
        let outcomes = (
            outcomes.0.context(what.clone())?,
            outcomes.1.with_context(log)?,
        );
        let count = counts.entry(one.kind).or_default();
        count.0 += 1;
        if outcomes.0 != outcomes.1 {
            count.1 += 1;
            if !known.contains(one.kind) {
                differences.push(format!(
                    "{what}\nserve: {}\nEnvoy: {}",
                    shown(&outcomes.0),
                    shown(&outcomes.1)
                ));
            }
        }
        number += 1;
    }
    let found = format!("seed {seed}: {number} requests; kind (sent, different): {counts:?}");
    writeln!(std::io::stdout(), "{found}")?;
    ensure!(differences.is_empty(), "{}", differences.join("\n\n"));
    for kind in known {
        let found = counts
            .get(kind)
            .is_some_and(|(_, different)| *different > 0);
        ensure!(found, "{kind} is not different any more");
    }
    Ok(())
}

fn shown(what: &impl Debug) -> String {
    format!("{what:?}").chars().take(SHOWN).collect()
}

async fn serve() -> anyhow::Result<Way> {
    let application = Application::start().await?;
    let mut guard = Guard::configure(&format!("http://{}", application.address), &harness())?;
    guard.configure_also(NO_LIMITS)?;
    let token = guard.token(ACCOUNT, "svc-okta", Some("okta")).await?;
    guard.start().await?;
    Ok(Way {
        to: guard.url.trim_start_matches("http://").parse()?,
        application,
        token,
        guard,
    })
}

async fn envoy() -> anyhow::Result<(Way, Envoy)> {
    let application = Application::start().await?;
    let mut guard = Guard::configure(&format!("http://{}", application.address), &harness())?;
    let facts = process::free_address()?;
    guard.configure_also(&format!("{}{NO_LIMITS}", facts_service(facts, "")))?;
    guard.write_secret("edge.secret", GATEWAY_SECRET)?;
    let token = guard.token(ACCOUNT, "svc-okta", Some("okta")).await?;
    guard.start().await?;
    // All requests share the connections of its one worker.
    let bed = TestBed::new(application.address, facts);
    let envoy = Envoy::start(&bed, &[filter(&harness())]).await?;
    let way = Way {
        to: envoy.listeners[0],
        application,
        token,
        guard,
    };
    Ok((way, envoy))
}

impl Way {
    async fn outcome(&self, sent: &Sent, number: usize) -> anyhow::Result<Outcome> {
        self.application.seen();
        let answer = client::send(self.to, sent).await;
        // Some proxies end a connection without a word on what is no request.
        let answer = answer.unwrap_or(Answer {
            status: 0,
            headers: Headers::new(),
            body: Vec::new(),
        });
        let other = Sent {
            kind: "usual",
            protocol: Protocol::Http1,
            method: "GET".to_owned(),
            path: format!("{HARNESS_BASE}/Users/other{number}"),
            headers: vec![("authorization".to_owned(), format!("Bearer {}", self.token))],
            chunked: false,
            pieces: Vec::new(),
        };
        let others = client::send(self.to, &other).await?;
        let mut seen = self.application.seen();
        let whole = || format!("{:?}, stray: {:?}", seen.arrived, seen.stray);
        ensure!(seen.stray.is_empty(), "bytes of nobody: {}", whole());
        ensure!(
            others.status == 200,
            "{others:?}: {}: {}",
            whole(),
            self.guard.logged()
        );
        let last = seen.arrived.last().context("nothing arrived")?;
        ensure!(
            last.method == "GET" && last.path == other.path && last.body.is_empty(),
            "another client's request became {last:?}: {}",
            whole()
        );
        let is_smuggled = |it: &Arrived| it.path.ends_with("/smuggled");
        ensure!(
            !seen.arrived.iter().any(is_smuggled),
            "smuggled: {}",
            whole()
        );
        seen.arrived.pop();
        let token = self.token.as_bytes();
        Ok(Outcome {
            arrived: seen
                .arrived
                .into_iter()
                .map(|arrived| Arrived {
                    headers: end_to_end(arrived.headers, token),
                    ..arrived
                })
                .collect(),
            status: answer.status,
            headers: end_to_end(answer.headers, token),
            body: answer.body,
        })
    }
}

/// Without framing, what proxies write, and the way's own token.
fn end_to_end(all: Headers, token: &[u8]) -> Headers {
    let mut kept = headers::end_to_end(all);
    kept.retain(|(name, _)| !OF_THE_WAY.contains(&name.as_str()) && !name.starts_with("x-envoy-"));
    for (_, value) in &mut kept {
        if value.ends_with(token) {
            *value = b"a good token".to_vec();
        }
    }
    kept.sort_unstable();
    kept
}
