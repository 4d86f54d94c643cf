//! What does the policy cost at a gateway? The same requests by every way to one application: with no
//! gateway, through nginx and Envoy that have no policy, through Envoy with the filter, through the
//! guard. Then the costliest requests, a good client beside those who attack,
//! and what each worker of Envoy takes of memory, and how long it takes to be ready.
//!
//! `cargo xtask bench --envoy`. Clients, gateways and application share the machine, so that the figures
//! are to be compared with each other. A figure is never asserted, and every answer is.

#![expect(clippy::print_stdout, reason = "figures are what a bench is for")]

mod application;
mod attacks;
mod costliest;
#[path = "../../../plugin/core/tests/face/mod.rs"]
#[allow(
    dead_code,
    clippy::expect_used,
    clippy::panic,
    clippy::unreachable,
    reason = "tests use the whole of it"
)]
mod face;
#[path = "../../../plugin/core/tests/face/worst.rs"]
mod kinds;
mod loads;
mod nginx;
mod table;
mod usage;
mod ways;
mod workers;

use std::thread::available_parallelism;
use std::time::Duration;
use std::{env, fs};

use anyhow::Context as _;
use loads::{CLIENTS, Load};
use scimguard_tests::environment::{self, ENVOY, NGINX};
use scimguard_tests::load::{self, Figures};
use scimguard_tests::process;
use table::{count, median, table, time};
use tokio::process::Command;
use tokio::time::timeout;
use ways::{Way, Ways};

/// Each way is measured this often, in turn with the others; what the table has is the median.
const ROUNDS: usize = 5;

const WARM_UP: Duration = Duration::from_millis(400);
const SPAN: Duration = Duration::from_secs(2);

/// Whatever hangs: all processes end with the bench.
const TIME_LIMIT: Duration = Duration::from_secs(40 * 60);

/// What one way gave in one round.
struct Sample {
    figures: Figures,
    /// Time of the processors for one request, of each part of the way.
    busy: Vec<Duration>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    timeout(TIME_LIMIT, measured())
        .await
        .context("the bench does not end")?
}

async fn measured() -> anyhow::Result<()> {
    let cores = available_parallelism()?.get();
    let application = application::start()?;
    println!("{}", machine(cores).await?);
    let ways = Ways::start(application, cores).await?;
    if is_wanted("loads") {
        loads(&ways).await?;
    }
    if is_wanted("costliest") {
        println!("{}", costliest::figures(&ways).await?);
    }
    if is_wanted("attacks") {
        println!("{}", attacks::figures(&ways).await?);
    }
    if is_wanted("workers") {
        println!("{}", workers::figures(application, &ways.facts).await?);
    }
    Ok(())
}

/// Whether the arguments name this part, or none.
fn is_wanted(part: &str) -> bool {
    let named: Vec<String> = env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    named.is_empty() || named.iter().any(|name| name == part)
}

/// The same requests by every way, in turn.
async fn loads(ways: &Ways) -> anyhow::Result<()> {
    let mut samples: Vec<Vec<Vec<Sample>>> = Vec::new();
    for load in Load::ALL {
        let mut of_load: Vec<Vec<Sample>> = ways.all.iter().map(|_| Vec::new()).collect();
        for round in 0..ROUNDS {
            for turn in 0..ways.all.len() {
                let number = (round + turn) % ways.all.len();
                let way = &ways.all[number];
                if load != Load::Refusal || way.judges {
                    let sample = sample(way, load).await;
                    of_load[number].push(sample.with_context(|| way.name)?);
                }
            }
        }
        samples.push(of_load);
    }
    for (load, of_load) in Load::ALL.into_iter().zip(&samples) {
        println!("{}", shown(load, &ways.all, of_load));
    }
    Ok(())
}

async fn sample(way: &Way, load: Load) -> anyhow::Result<Sample> {
    let clients = load.clients(&way.token)?;
    load::run(way.to, clients.clone(), WARM_UP).await?;
    let before = busy(way)?;
    let figures = load::run(way.to, clients, SPAN).await?;
    let requests = u32::try_from(figures.requests)?;
    let busy = busy(way)?
        .into_iter()
        .zip(before)
        .map(|(after, before)| (after - before) / requests)
        .collect();
    Ok(Sample { figures, busy })
}

fn busy(way: &Way) -> anyhow::Result<Vec<Duration>> {
    way.parts.iter().map(|part| usage::busy(part)).collect()
}

fn shown(load: Load, ways: &[Way], samples: &[Vec<Sample>]) -> String {
    let heads = [
        load.name(),
        "requests a second (least, most)",
        "median",
        "99th percentile",
        "processor time a request",
    ];
    let rows: Vec<Vec<String>> = ways
        .iter()
        .zip(samples)
        .filter_map(|(way, samples)| row(way, samples))
        .collect();
    table(&heads, &rows)
}

/// Nothing where a way was not measured.
fn row(way: &Way, samples: &[Sample]) -> Option<Vec<String>> {
    let mut rates: Vec<f64> = samples
        .iter()
        .map(|sample| sample.figures.per_second)
        .collect();
    rates.sort_by(f64::total_cmp);
    let busy: Vec<String> = (0..way.parts.len())
        .filter_map(|part| median(samples.iter().map(|sample| sample.busy[part])))
        .map(time)
        .collect();
    Some(vec![
        way.name.to_owned(),
        format!(
            "{} ({}, {})",
            count(median(rates.iter().copied())?),
            count(*rates.first()?),
            count(*rates.last()?)
        ),
        time(median(samples.iter().map(|sample| sample.figures.median))?),
        time(median(samples.iter().map(|sample| sample.figures.p99))?),
        busy.join(" + "),
    ])
}

/// What it is measured on, and with.
async fn machine(cores: usize) -> anyhow::Result<String> {
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processors
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map_or("", |rest| rest.trim_start_matches([' ', '\t', ':']));
    let envoy = process::output(Command::new(environment::file(ENVOY)).arg("--version")).await?;
    // `PROGRAM version: COMMIT/VERSION/…`
    let (_, envoy) = envoy.rsplit_once(" version: ").unwrap_or_default();
    let envoy = envoy.split('/').nth(1).unwrap_or_default();
    let nginx = process::run(Command::new(environment::file(NGINX)).arg("-v")).await?;
    let nginx = String::from_utf8_lossy(&nginx.stderr).into_owned();
    let nginx = nginx.trim().rsplit('/').next().unwrap_or_default();
    Ok(format!(
        "{CLIENTS} clients; clients, gateways and application share {cores} cores ({model}); \
         Envoy {envoy}, nginx {nginx}, {cores} workers each; the median of {ROUNDS} times {} s.\n",
        SPAN.as_secs()
    ))
}
