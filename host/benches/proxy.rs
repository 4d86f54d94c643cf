//! The guard in front of a backend against the same proxy without a policy: requests per second and
//! the 99th percentile, as ratios of one run. Clients, guard and backend share the machine.
//!
//! `cargo bench -p scimguard --bench proxy`; the plugin is `scimguard.wasm` beside the program or
//! at `SCIMGUARD_COMPONENT`, otherwise the native policy.

#![expect(clippy::print_stdout, reason = "figures are what a bench is for")]

mod allocator;
mod plain;
mod served;

use std::net::SocketAddr;
use std::time::Duration;

use plain::NoPolicy;
use scimguard_core::message::AnswerHandling;
use scimguard_interface::Policy as _;
use scimguard_tests::load::{self, Exchange, Figures};
use served::{CLIENTS, TOKEN, USERS, backend, engine, guard, request};

const WARM_UP: Duration = Duration::from_millis(200);
const PATCH: &str = r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","value":{"displayName":"Ann Lee"}}]}"#;

#[derive(Clone, Copy)]
struct Load {
    method: &'static str,
    body: &'static str,
    span: Duration,
}

fn main() -> anyhow::Result<()> {
    // Only `cargo bench` needs figures; tests check that it runs.
    let measures = std::env::args().any(|arg| arg == "--bench");
    let span = Duration::from_millis(if measures { 3000 } else { 50 });
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
            span,
        };
        let write = Load {
            method: "PATCH",
            body: PATCH,
            span,
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
        figures.per_second, figures.median, figures.p99
    );
}

async fn run(guard: SocketAddr, load: Load) -> anyhow::Result<Figures> {
    let clients = (0..CLIENTS)
        .map(|n| {
            let user = format!("{USERS}/u{n}");
            let request = request(load.method, &user, TOKEN, load.body)?;
            Ok(vec![Exchange {
                request,
                status: 200,
            }])
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    load::run(guard, clients.clone(), WARM_UP.min(load.span)).await?;
    load::run(guard, clients, load.span).await
}
