//! The cost of a message: by stage, by size, and compared with other implementations of SCIM. All
//! in native code, in one run.
//!
//! The others are measured if `SCIMGUARD_NODE_MODULES` and `SCIMGUARD_PYTHON` say where they are,
//! as with `cargo xtask bench`.
#![expect(clippy::print_stdout, reason = "figures are its output")]

mod allocator;
mod sample;
mod workload;

use std::env;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use sample::{NOW, quantile, time};
use scimguard_core::facts::Fact;
use scimguard_core::{Body, Guard, More, Request, Verdict};
use serde_json::json;
use workload::{Workload, members_message, workload, workloads};

const SAMPLES: usize = 2000;

/// The shortest measurement of each size.
const LONG: Duration = Duration::from_millis(500);
const OFTEN: usize = 5;

fn main() -> anyhow::Result<()> {
    if !env::args().any(|argument| argument == "--bench") {
        // `cargo test --all-targets` only checks that it compiles.
        return Ok(());
    }
    let workloads = workloads()?;
    stages(&workloads)?;
    growth()?;
    peers(&workloads)
}

// === stages ===

/// A stage is the difference between an evaluation that ends after it and one that ends before it.
fn stages(workloads: &[Workload]) -> anyhow::Result<()> {
    let guard = configured("")?;
    println!(
        "{:36} {:>10} {:>10} {:>10} {:>10} {:>10}",
        "a stage (median)", "token", "parse", "normalise", "the rest", "together"
    );
    for workload in workloads {
        let known = known(&guard, workload)?;
        let token = Arc::new(known[..1].to_vec());
        let known = Arc::new(known);
        let with = |body| {
            Arc::new(Request {
                body,
                ..workload.request.clone()
            })
        };
        let Body::Bytes(bytes) = &workload.request.body else {
            bail!("{}: no body", workload.name);
        };
        let broken = [bytes.as_slice(), b"]"].concat();
        let ends = [
            // Asks for the body: the token is judged.
            (with(Body::Unread), &token),
            // Reads to the end, which is not JSON.
            (with(Body::Bytes(broken)), &token),
            // Asks for facts: the message is canonical.
            (with(workload.request.body.clone()), &token),
            // Forwarded.
            (with(workload.request.body.clone()), &known),
        ];
        let mut times = [const { Vec::new() }; 4];
        for _ in 0..SAMPLES {
            for ((request, facts), times) in ends.iter().zip(&mut times) {
                let started = Instant::now();
                std::hint::black_box(guard.pass().evaluate(more(request, facts)));
                times.push(started.elapsed());
            }
        }
        let [token, parsed, normal, all] = times.map(|mut times| {
            times.sort_unstable();
            quantile(&times, 50)
        });
        println!(
            "{:36} {:>10} {:>10} {:>10} {:>10} {:>10}",
            workload.name,
            time(token),
            time(parsed.saturating_sub(token)),
            time(normal.saturating_sub(parsed)),
            time(all.saturating_sub(normal)),
            time(all),
        );
    }
    Ok(())
}

// === growth ===

fn growth() -> anyhow::Result<()> {
    let limits = r#"{"version": 1, "scim": {"limits": {"operations": 10000, "members": 20000, "body_bytes": 67108864}}}"#;
    let guard = configured(limits)?;
    println!(
        "\n{:36} {:>7} {:>10} {:>10}",
        "growth", "number", "a decision", "each"
    );
    let operations = |count| operations("separate operations", count);
    grow(&guard, &[1, 10, 100, 1_000, 10_000], operations)?;
    for verb in ["add", "replace"] {
        let name = if verb == "add" {
            "members added by one operation"
        } else {
            "members replaced"
        };
        grow(&guard, &[1, 10, 100, 1_000, 10_000, 20_000], |count| {
            members_change(name, verb, count)
        })?;
    }
    Ok(())
}

fn grow(
    guard: &Guard,
    sizes: &[u32],
    workload: impl Fn(u32) -> anyhow::Result<Workload>,
) -> anyhow::Result<()> {
    let mut points = Vec::new();
    for size in sizes {
        let workload = workload(*size)?;
        let known = Arc::new(known(guard, &workload)?);
        let request = Arc::new(workload.request.clone());
        let mut times = Vec::new();
        let begun = Instant::now();
        while times.len() < OFTEN || begun.elapsed() < LONG {
            let started = Instant::now();
            let verdict = guard.pass().evaluate(more(&request, &known));
            times.push(started.elapsed());
            ensure!(
                matches!(verdict, Verdict::Forward(_)),
                "{}: not forwarded",
                workload.name
            );
        }
        times.sort_unstable();
        let median = quantile(&times, 50);
        let each = median / *size;
        println!(
            "{:36} {size:>7} {:>10} {:>10}",
            workload.name,
            time(median),
            time(each)
        );
        points.push((f64::from(*size), median.as_secs_f64()));
    }
    // Fixed costs hide the growth of small numbers: from a hundred on.
    let large: Vec<_> = points
        .into_iter()
        .filter(|(size, _)| *size >= 100.0)
        .collect();
    println!(
        "{:36} {:>7} {:.2}",
        "  exponent, from 100 on",
        "",
        exponent(&large)
    );
    Ok(())
}

/// The slope of the best-fitting line through the logarithms.
fn exponent(points: &[(f64, f64)]) -> f64 {
    let logarithms: Vec<(f64, f64)> = points.iter().map(|(x, y)| (x.ln(), y.ln())).collect();
    #[expect(clippy::cast_precision_loss, reason = "a handful of points")]
    let count = logarithms.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| logarithms.iter().map(of).sum::<f64>() / count;
    let (x, y) = (mean(|point| point.0), mean(|point| point.1));
    let covariance: f64 = logarithms.iter().map(|p| (p.0 - x) * (p.1 - y)).sum();
    let variance: f64 = logarithms.iter().map(|p| (p.0 - x).powi(2)).sum();
    covariance / variance
}

/// One operation that adds or replaces a group's members.
fn members_change(name: &'static str, verb: &str, count: u32) -> anyhow::Result<Workload> {
    let users: Vec<u32> = (0..count).collect();
    let message = members_message(verb, count);
    workload(name, "PATCH", "Groups/example_group", &message, &users)
}

/// `count` operations, each on one member.
fn operations(name: &'static str, count: u32) -> anyhow::Result<Workload> {
    let operation = |n| match n % 2 {
        0 => json!({"op": "add", "path": "members", "value": [{"value": format!("u{n}")}]}),
        _ => json!({"op": "remove", "path": format!("members[value eq \"u{n}\"]")}),
    };
    let message = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": (0..count).map(operation).collect::<Vec<_>>(),
    });
    let users: Vec<u32> = (0..count).collect();
    workload(name, "PATCH", "Groups/example_group", &message, &users)
}

// === other implementations ===

fn peers(workloads: &[Workload]) -> anyhow::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers");
    let python = env::var_os("SCIMGUARD_PYTHON").unwrap_or_else(|| "python3".into());
    let others = [
        ("scimmy", Command::new("node"), "scimmy.mjs"),
        ("scim2-models", Command::new(python), "models.py"),
    ];
    let kinds = [(&workloads[0], "user"), (&workloads[1], "patch")];
    let guard = configured("")?;
    let own = kinds
        .iter()
        .map(|(workload, _)| whole(&guard, workload))
        .collect::<anyhow::Result<Vec<_>>>()?;
    println!(
        "\n{:36} {:>16} {:>16}",
        "messages a second", kinds[0].0.name, kinds[1].0.name
    );
    println!(
        "{:36} {:>16.0} {:>16.0}",
        "scimguard, the whole decision", own[0], own[1]
    );
    for (name, mut command, script) in others {
        let rates = asked(command.arg(folder.join(script)), &kinds).context(name)?;
        let cell =
            |index: usize| format!("{:.0} (1 : {:.1})", rates[index], own[index] / rates[index]);
        println!("{name:36} {:>16} {:>16}", cell(0), cell(1));
    }
    Ok(())
}

/// Decisions per second, with all facts available.
fn whole(guard: &Guard, workload: &Workload) -> anyhow::Result<f64> {
    let known = Arc::new(known(guard, workload)?);
    let request = Arc::new(workload.request.clone());
    let mut count = 0.0;
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(2) {
        std::hint::black_box(guard.pass().evaluate(more(&request, &known)));
        count += 1.0;
    }
    Ok(count / started.elapsed().as_secs_f64())
}

/// Messages per second, as reported by another implementation.
fn asked(command: &mut Command, kinds: &[(&Workload, &str)]) -> anyhow::Result<Vec<f64>> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut input = child.stdin.take().context("no standard input")?;
    for (workload, kind) in kinds {
        let Body::Bytes(bytes) = &workload.request.body else {
            bail!("{}: no body", workload.name);
        };
        let text = String::from_utf8_lossy(bytes);
        writeln!(
            input,
            "{}",
            json!({"name": workload.name, "kind": kind, "text": text})
        )?;
    }
    drop(input);
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "it failed");
    let told = String::from_utf8(output.stdout)?;
    let rates: Vec<f64> = told
        .lines()
        .map(|line| Ok(1e9 / line.parse::<f64>()?))
        .collect::<anyhow::Result<_>>()?;
    ensure!(rates.len() == kinds.len(), "it reported {told:?}");
    Ok(rates)
}

// === facts ===

fn configured(policy: &str) -> anyhow::Result<Guard> {
    Guard::configure(policy).map_err(|errors| anyhow::anyhow!("{errors:?}"))
}

/// Everything is available when the pass begins.
fn more(request: &Arc<Request>, facts: &Arc<Vec<Fact>>) -> More {
    More {
        request: Arc::clone(request),
        facts: Arc::clone(facts),
        from: 0,
        now: NOW,
    }
}

/// Every fact that a decision needs, the token's first.
fn known(guard: &Guard, workload: &Workload) -> anyhow::Result<Vec<Fact>> {
    let mut facts = Vec::new();
    for _ in 0..5 {
        match guard.evaluate(&workload.request, &facts, NOW) {
            Verdict::Need(need) => facts.extend(need.keys.into_iter().map(|key| Fact {
                answer: workload.table.answer(&key),
                key,
            })),
            Verdict::Forward(_) => return Ok(facts),
            verdict => bail!("{}: {verdict:?}", workload.name),
        }
    }
    bail!("{}: no decision", workload.name)
}
