//! What the sandbox costs: each figure beside the same work in native code, measured in one run.
//!
//! `cargo bench -p scimguard --profile host`, with the plugin where `cargo xtask build` puts it or
//! where `SCIMGUARD_COMPONENT` says.
#![expect(clippy::print_stdout, reason = "figures are its output")]

mod sample;
mod scene;

use std::env;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use sample::{NOW, quantile, time};
use scene::{Scene, scenes};
use scimguard::engine::{Engine, Fault};
use scimguard_core::facts::Fact;
use scimguard_core::{Body, Need, Request, Verdict};
use scimguard_exchange::Policy as _;

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
    decide(&scenes[0], |request, facts| {
        sandbox.evaluate(request, facts, NOW)
    })?;
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
        calls = 0;
        let natively = timed(scene, |request, facts| {
            calls += 1;
            native.evaluate(request, facts, NOW)
        })?;
        let in_one = timed(scene, |request, facts| reused.evaluate(request, facts, NOW))?;
        let in_fresh = timed(scene, |request, facts| {
            sandbox.evaluate(request, facts, NOW)
        })?;
        if round >= WARM_UP {
            for (list, sample) in samples.iter_mut().zip([natively, in_one, in_fresh]) {
                list.push(sample);
            }
        }
    }
    println!("{} ({calls} calls)", scene.name);
    let names = [
        "  native",
        "  plugin, one instance",
        "  plugin, an instance for each call",
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
        decide(scene, |request, facts| engine.evaluate(request, facts, NOW))?;
        samples.push(started.elapsed());
    }
    samples.sort_unstable();
    Ok(quantile(&samples, 50))
}

fn timed(
    scene: &Scene,
    evaluate: impl FnMut(&Request, &[Fact]) -> Result<Verdict, Fault>,
) -> anyhow::Result<Duration> {
    let started = Instant::now();
    decide(scene, evaluate)?;
    Ok(started.elapsed())
}

/// As a face does: asks, answers what is needed, asks again.
fn decide(
    scene: &Scene,
    mut evaluate: impl FnMut(&Request, &[Fact]) -> Result<Verdict, Fault>,
) -> anyhow::Result<()> {
    let mut request = Request {
        body: Body::Unread,
        ..scene.request.clone()
    };
    let mut facts = Vec::new();
    for _ in 0..5 {
        match evaluate(&request, &facts)? {
            Verdict::Forward(_) | Verdict::Proceed(_) => return Ok(()),
            Verdict::Reject(reject) => anyhow::bail!("{}: {}", scene.name, reject.rule),
            Verdict::Need(Need { keys, body_limit }) => {
                facts.extend(keys.into_iter().map(|key| Fact {
                    answer: scene.table.answer(&key),
                    key,
                }));
                if body_limit.is_some() {
                    request.body = scene.request.body.clone();
                }
            }
        }
    }
    anyhow::bail!("{}: no decision", scene.name)
}
