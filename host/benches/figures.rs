//! The cost of the sandbox: each figure next to the same work in native code, measured in one run.
//!
//! `cargo bench -p scimguard --profile host`, with the plugin where `cargo xtask build` puts it or
//! at `SCIMGUARD_COMPONENT`.
#![expect(clippy::print_stdout, reason = "figures are its output")]

mod allocator;
mod decision;
mod sample;
mod workload;

use std::env;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use decision::Decision;
use sample::{quantile, time};
use scimguard::engine::{Engine, Fault};
use scimguard_core::Verdict;
use scimguard_core::facts::Fact;
use scimguard_interface::Policy;
use workload::{Workload, workloads};

const WARM_UP: usize = 200;
const SAMPLES: usize = 3000;
const STARTS: usize = 15;

fn main() -> anyhow::Result<()> {
    if !env::args().any(|argument| argument == "--bench") {
        // `cargo test --all-targets` only checks that it compiles.
        return Ok(());
    }
    let component = component()?;
    let cache = env::temp_dir().join(format!("scimguard-bench-{}", std::process::id()));
    let figures = run(&component, &cache);
    drop(std::fs::remove_dir_all(&cache));
    figures
}

fn component() -> anyhow::Result<PathBuf> {
    if let Some(path) = env::var_os("SCIMGUARD_COMPONENT") {
        return Ok(path.into());
    }
    // Cargo puts benches into a folder beside the programs.
    let program = env::current_exe()?;
    let folder = program.parent().and_then(|deps| deps.parent());
    Ok(folder.context("no target folder")?.join("scimguard.wasm"))
}

fn run(component: &Path, cache: &Path) -> anyhow::Result<()> {
    let workloads = workloads()?;
    let native = Engine::native("")?;
    let started = Instant::now();
    let sandbox = Engine::load_snapshot(component, "", cache)?;
    decide(&sandbox, &workloads[0])?;
    let compiled = started.elapsed();

    println!(
        "{:40} {:>9} {:>9} {:>7}",
        "a decision", "median", "p99", "ratio"
    );
    for workload in &workloads {
        decisions(&native, &sandbox, workload)?;
    }
    println!(
        "\n{:40} {:>9}",
        "from start to the first decision", "median"
    );
    let workload = &workloads[0];
    let load = || Engine::load_snapshot(component, "", cache);
    let cached = start(|| Ok(load()?), workload)?;
    let native = start(|| Ok(Engine::native("")?), workload)?;
    let started = Instant::now();
    let another = Engine::load_snapshot(component, r#"{"mode": "monitor"}"#, cache)?;
    decide(&another, workload)?;
    let another = started.elapsed();
    println!("{:40} {}", "  native", time(native));
    println!("{:40} {}", "  plugin, cached code", time(cached));
    println!(
        "{:40} {}",
        "  plugin, another policy document",
        time(another)
    );
    println!("{:40} {}", "  plugin, nothing cached", time(compiled));
    Ok(())
}

fn decisions(native: &Engine, sandbox: &Engine, workload: &Workload) -> anyhow::Result<()> {
    let reused = sandbox.session()?;
    let mut samples = [const { Vec::<Duration>::new() }; 3];
    let mut calls = 0;
    // In turn, so that other load on the machine affects all alike.
    for round in 0..WARM_UP + SAMPLES {
        let natively = timed(native, workload)?;
        let in_one = timed(&reused, workload)?;
        let in_fresh = timed(sandbox, workload)?;
        calls = natively.1;
        if round >= WARM_UP {
            for (list, sample) in samples.iter_mut().zip([natively, in_one, in_fresh]) {
                list.push(sample.0);
            }
        }
    }
    println!("{} ({calls} calls)", workload.name);
    let names = [
        "  native",
        "  plugin, one instance",
        "  plugin, a fresh instance",
    ];
    samples.iter_mut().for_each(|list| list.sort_unstable());
    let base = quantile(&samples[0], 50);
    for (name, list) in names.into_iter().zip(&samples) {
        let (median, p99) = (quantile(list, 50), quantile(list, 99));
        let ratio = median.as_secs_f64() / base.as_secs_f64();
        println!("{name:40} {} {} {ratio:7.2}", time(median), time(p99));
    }
    Ok(())
}

fn start(
    engine: impl Fn() -> anyhow::Result<Engine>,
    workload: &Workload,
) -> anyhow::Result<Duration> {
    let mut samples = Vec::new();
    for _ in 0..STARTS {
        let started = Instant::now();
        let engine = engine()?;
        decide(&engine, workload)?;
        samples.push(started.elapsed());
    }
    samples.sort_unstable();
    Ok(quantile(&samples, 50))
}

/// The time and the number of calls of a decision.
fn timed(
    policy: &impl Policy<Fault = Fault>,
    workload: &Workload,
) -> anyhow::Result<(Duration, u32)> {
    let started = Instant::now();
    let calls = decide(policy, workload)?;
    Ok((started.elapsed(), calls))
}

/// Drives a decision: asks, provides what is needed, asks again. Returns the number of calls.
fn decide(policy: &impl Policy<Fault = Fault>, workload: &Workload) -> anyhow::Result<u32> {
    let mut decision = Decision::of(policy, &workload.request);
    for calls in 1..=5 {
        match decision.call()? {
            Verdict::Forward(_) | Verdict::Proceed(_) => return Ok(calls),
            Verdict::Reject(reject) => anyhow::bail!("{}: {}", workload.name, reject.rule),
            Verdict::Need(need) => {
                let facts = need.keys.iter().map(|key| Fact {
                    key: key.clone(),
                    answer: workload.table.answer(key),
                });
                decision.give(&need, facts);
            }
        }
    }
    anyhow::bail!("{}: no decision", workload.name)
}
