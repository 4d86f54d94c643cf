//! What the sandbox costs: each figure beside the same work in native code, measured in one run.
//!
//! `cargo bench -p scimguard --profile host`, with the plugin where `cargo xtask build` puts it or
//! where `SCIMGUARD_COMPONENT` says.
#![expect(clippy::print_stdout, reason = "figures are its output")]

mod decision;
mod sample;
mod scene;

use std::env;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use decision::Decision;
use sample::{quantile, time};
use scene::{Scene, scenes};
use scimguard::engine::{Engine, Fault};
use scimguard_core::Verdict;
use scimguard_core::facts::Fact;
use scimguard_interface::Policy;

const WARM_UP: usize = 200;
const SAMPLES: usize = 3000;
const STARTS: usize = 15;

fn main() -> anyhow::Result<()> {
    if !env::args().any(|argument| argument == "--bench") {
        // `cargo test --all-targets` only wants to know that it compiles.
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
    let scenes = scenes()?;
    let native = Engine::native("")?;
    let started = Instant::now();
    let sandbox = Engine::load_snapshot(component, "", cache)?;
    decide(&sandbox, &scenes[0])?;
    let compiled = started.elapsed();

    println!(
        "{:40} {:>9} {:>9} {:>7}",
        "a decision", "median", "p99", "ratio"
    );
    for scene in &scenes {
        decisions(&native, &sandbox, scene)?;
    }
    println!(
        "\n{:40} {:>9}",
        "from start to the first decision", "median"
    );
    let scene = &scenes[0];
    let load = || Engine::load_snapshot(component, "", cache);
    let cached = start(|| Ok(load()?), scene)?;
    let native = start(|| Ok(Engine::native("")?), scene)?;
    println!("{:40} {}", "  native", time(native));
    println!("{:40} {}", "  plugin, cached code", time(cached));
    println!("{:40} {}", "  plugin, nothing cached", time(compiled));
    Ok(())
}

fn decisions(native: &Engine, sandbox: &Engine, scene: &Scene) -> anyhow::Result<()> {
    let reused = sandbox.session()?;
    let mut samples = [const { Vec::<Duration>::new() }; 3];
    let mut calls = 0;
    // One after the other, so that what else the machine does falls on all alike.
    for round in 0..WARM_UP + SAMPLES {
        let natively = timed(native, scene)?;
        let in_one = timed(&reused, scene)?;
        let in_fresh = timed(sandbox, scene)?;
        calls = natively.1;
        if round >= WARM_UP {
            for (list, sample) in samples.iter_mut().zip([natively, in_one, in_fresh]) {
                list.push(sample.0);
            }
        }
    }
    println!("{} ({calls} calls)", scene.name);
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

fn start(engine: impl Fn() -> anyhow::Result<Engine>, scene: &Scene) -> anyhow::Result<Duration> {
    let mut samples = Vec::new();
    for _ in 0..STARTS {
        let started = Instant::now();
        let engine = engine()?;
        decide(&engine, scene)?;
        samples.push(started.elapsed());
    }
    samples.sort_unstable();
    Ok(quantile(&samples, 50))
}

/// How long a decision takes, and how many calls.
fn timed(policy: &impl Policy<Fault = Fault>, scene: &Scene) -> anyhow::Result<(Duration, u32)> {
    let started = Instant::now();
    let calls = decide(policy, scene)?;
    Ok((started.elapsed(), calls))
}

/// As a face does: asks, answers what is needed, asks again. Returns the number of calls.
fn decide(policy: &impl Policy<Fault = Fault>, scene: &Scene) -> anyhow::Result<u32> {
    let mut decision = Decision::of(policy, &scene.request);
    for calls in 1..=5 {
        match decision.call()? {
            Verdict::Forward(_) | Verdict::Proceed(_) => return Ok(calls),
            Verdict::Reject(reject) => anyhow::bail!("{}: {}", scene.name, reject.rule),
            Verdict::Need(need) => {
                let facts = need.keys.iter().map(|key| Fact {
                    key: key.clone(),
                    answer: scene.table.answer(key),
                });
                decision.give(&need, facts);
            }
        }
    }
    anyhow::bail!("{}: no decision", scene.name)
}
