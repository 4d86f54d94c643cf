//! The guard in front of a backend against the same proxy without a policy: requests per second
//! and the 99th percentile, as ratios of one run. Clients, guard and backend share the machine.
//!
//! `cargo bench -p scimguard --bench proxy`; the plugin is `scimguard.wasm` beside the program or
//! what `SCIMGUARD_COMPONENT` names, else the policy that is compiled in.

#![expect(clippy::print_stdout, reason = "figures are what a bench is for")]

mod served;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::Context;
use scimguard::engine::Fault;
use scimguard::proxy::Policy;
use scimguard_core::facts::Fact;
use scimguard_core::message::{AnswerHandling, ForwardBody, ResponseBody};
use scimguard_core::{
    BackendOutcome, Forward, Outcome, Request, Respond, Response, Settings, Verdict,
};
use served::{CLIENTS, Connection, TOKEN, USERS, backend, engine, guard, quantile};

const WARM_UP: usize = 200;
const PATCH: &str = r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","value":{"displayName":"Ann Lee"}}]}"#;

/// The proxy alone: everything goes on as it comes.
struct NoPolicy {
    settings: Settings,
    answer: AnswerHandling,
}

impl Policy for NoPolicy {
    fn settings(&self) -> &Settings {
        &self.settings
    }

    fn evaluate(&self, request: &Request, _: &[Fact], _: u64) -> Result<Verdict, Fault> {
        Ok(Verdict::Forward(Forward {
            method: request.method.clone(),
            path: request.path.clone(),
            headers: request.headers.clone(),
            body: ForwardBody::AsReceived,
            answer: self.answer,
            continuation: Vec::new(),
            changes: Vec::new(),
            records: Vec::new(),
            account: None,
            verified_token: None,
            rule: None,
        }))
    }

    fn observe(
        &self,
        _: &[u8],
        answer: &BackendOutcome,
        _: &[Fact],
        _: u64,
    ) -> Result<Outcome, Fault> {
        let status = match answer {
            BackendOutcome::Answered(answer) => answer.status,
            BackendOutcome::Unanswered | BackendOutcome::NotAsked => 503,
        };
        Ok(Outcome::Respond(Respond {
            response: Response {
                status,
                headers: Vec::new(),
                body: ResponseBody::AsReceived,
            },
            records: Vec::new(),
            rule: None,
        }))
    }
}

/// What one run of requests took.
struct Figures {
    per_second: f64,
    p50: Duration,
    p99: Duration,
}

#[derive(Clone, Copy)]
struct Load {
    method: &'static str,
    body: &'static str,
    requests: usize,
}

fn main() -> anyhow::Result<()> {
    // Only `cargo bench` wants figures; tests want to know that it runs.
    let measures = std::env::args().any(|arg| arg == "--bench");
    let requests = if measures { 20_000 } else { 640 };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let backend = backend().await?;
        let (name, engine) = engine("")?;
        let settings = engine.settings().clone();
        let guarded = guard(engine, backend).await?;
        let answer = AnswerHandling::Observe;
        let plain = guard(NoPolicy { settings, answer }, backend).await?;
        let read = Load {
            method: "GET",
            body: "",
            requests,
        };
        let write = Load {
            method: "PATCH",
            body: PATCH,
            requests: requests / 10,
        };
        println!("{CLIENTS} clients, policy: {name}");
        for load in [read, write] {
            let without = run(plain, load).await?;
            let with = run(guarded, load).await?;
            print(load.method, "without a policy", &without);
            print(load.method, "guarded", &with);
            println!(
                "{:<6} ratio: {:.2} of the requests per second, {:.2} times the 99th percentile",
                load.method,
                with.per_second / without.per_second,
                with.p99.as_secs_f64() / without.p99.as_secs_f64(),
            );
        }
        Ok(())
    })
}

fn print(method: &str, what: &str, figures: &Figures) {
    println!(
        "{method:<6} {what:<17} {:>8.0} requests/s, median {:?}, 99% {:?}",
        figures.per_second, figures.p50, figures.p99
    );
}

async fn run(guard: SocketAddr, load: Load) -> anyhow::Result<Figures> {
    let warm_up = Load {
        requests: WARM_UP.min(load.requests),
        ..load
    };
    clients(guard, warm_up).await?;
    let started = Instant::now();
    let mut times = clients(guard, load).await?;
    let took = started.elapsed();
    times.sort();
    let count = u32::try_from(times.len())?;
    Ok(Figures {
        per_second: f64::from(count) / took.as_secs_f64(),
        p50: quantile(&times, 50),
        p99: quantile(&times, 99),
    })
}

async fn clients(guard: SocketAddr, load: Load) -> anyhow::Result<Vec<Duration>> {
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..CLIENTS {
        tasks.spawn(client(guard, load, format!("{USERS}/u{n}")));
    }
    let mut times = Vec::new();
    while let Some(task) = tasks.join_next().await {
        times.extend(task??);
    }
    Ok(times)
}

async fn client(guard: SocketAddr, load: Load, user: String) -> anyhow::Result<Vec<Duration>> {
    let mut connection = Connection::open(guard).await?;
    let mut times = Vec::new();
    for _ in 0..load.requests / CLIENTS {
        let started = Instant::now();
        let (status, body) = connection.ask(load.method, &user, TOKEN, load.body).await?;
        times.push(started.elapsed());
        anyhow::ensure!(
            status == 200,
            "{} answered {status}: {}",
            load.method,
            String::from_utf8_lossy(&body)
        );
    }
    times.first().context("too few requests")?;
    Ok(times)
}
