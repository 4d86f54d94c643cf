//! The cost of the most expensive known requests: the search starts with the kinds that tests know,
//! tries to make each worse, and measures the worst of each size natively and in the plugin.
//!
//! `cargo xtask bench -- worst`, or `cargo bench -p scimguard --profile host --bench worst` with
//! the plugin at `SCIMGUARD_COMPONENT`.
#![expect(clippy::print_stdout, reason = "figures are its output")]

mod decision;
#[path = "../../plugin/core/tests/face/mod.rs"]
#[allow(
    dead_code,
    clippy::expect_used,
    clippy::panic,
    clippy::unreachable,
    reason = "tests use all of it"
)]
mod face;
#[path = "../../plugin/core/tests/face/worst.rs"]
mod kinds;
mod sample;

use std::env;
use std::fmt::Display;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use cpu_time::ThreadTime;
use decision::Decision;
use face::{answered, request, table};
use kinds::{FILLS, Fill, KINDS, Kind};
use sample::{NOW, quantile, time};
use scimguard::engine::Engine;
use scimguard_core::message::{AnswerBody, BackendAnswer};
use scimguard_core::{BackendOutcome, Guard, Outcome, Request, Verdict};
use scimguard_interface::{Given, Observed, Pass as _, Policy};
use serde_json::json;

/// Sizes of requests in bytes.
const SIZES: [usize; 4] = [1_000, 10_000, 100_000, 1_000_000];

/// Attempts to make the worst of a size worse.
const ATTEMPTS: usize = 24;

/// More parts of names.
const TEXTS: [&str; 8] = [
    "a",
    "\u{fdfa}",
    "가",
    "\"",
    "I\u{307}",
    "ﬃ",
    "\u{1d15e}",
    "é",
];

/// A request, how it was made, and its cost.
struct Found {
    kind: &'static Kind,
    size: usize,
    fill: Fill,
    request: Request,
    cost: Duration,
}

fn main() -> anyhow::Result<()> {
    if !env::args().any(|argument| argument == "--bench") {
        // `cargo test --all-targets` only checks that it compiles.
        return Ok(());
    }
    let cache = env::temp_dir().join(format!("scimguard-worst-{}", std::process::id()));
    let figures = run(&cache);
    drop(std::fs::remove_dir_all(&cache));
    figures
}

fn component() -> anyhow::Result<PathBuf> {
    env::var_os("SCIMGUARD_COMPONENT")
        .map(PathBuf::from)
        .context("set SCIMGUARD_COMPONENT to the plugin's path")
}

fn run(cache: &std::path::Path) -> anyhow::Result<()> {
    let component = component()?;
    let native = Guard::configure("").map_err(|faults| anyhow::anyhow!("{faults:?}"))?;
    let plugin = Engine::load_snapshot(&component, "", cache)?;
    println!(
        "{:>9} {:6} {:40} {:>9} {:>9} {:>9}  outcome",
        "bytes", "token", "the costliest known request", "steps", "native", "plugin"
    );
    for has_token in [false, true] {
        for size in SIZES {
            let Some(found) = worst(&native, size, has_token) else {
                continue;
            };
            let (_, steps) = face::decide_counted(&native, &found.request);
            let natively = median(|| cost(&native, &found.request))?;
            let sandboxed = median(|| cost(&plugin, &found.request))?;
            let name = format!(
                "{} ({:?} x {})",
                found.kind.name, found.fill.text, found.fill.characters
            );
            println!(
                "{:>9} {:6} {name:40} {steps:>9} {} {}  {}",
                bytes(&found.request),
                if has_token { "with" } else { "none" },
                time(natively.0),
                time(sandboxed.0),
                sandboxed.1
            );
        }
    }
    answers(&native, &plugin)?;
    patterns(&component, cache)
}

/// The costliest request of at most this size.
fn worst(native: &Guard, size: usize, has_token: bool) -> Option<Found> {
    let mut worst: Option<Found> = None;
    for kind in KINDS.iter().filter(|kind| kind.has_token == has_token) {
        for fill in FILLS {
            consider(native, &mut worst, kind, (size, size), fill);
        }
    }
    // A walk from there: each step changes one thing, and stays if it costs more.
    for attempt in 0..ATTEMPTS {
        let Some(Found {
            kind,
            size: made,
            fill,
            ..
        }) = &worst
        else {
            break;
        };
        let (kind, made, fill) = (*kind, *made, *fill);
        let text = TEXTS[attempt / 3 % TEXTS.len()];
        let (made, fill) = match attempt % 3 {
            0 => (made, Fill { text, ..fill }),
            1 => (
                made,
                Fill {
                    characters: (fill.characters * 2).min(1023),
                    text,
                },
            ),
            _ => (
                made * 9 / 10,
                Fill {
                    characters: (fill.characters / 2).max(1),
                    ..fill
                },
            ),
        };
        consider(native, &mut worst, kind, (size, made), fill);
    }
    worst
}

/// Keeps a request if it is not too large, and costs more than the worst so far.
fn consider(
    native: &Guard,
    worst: &mut Option<Found>,
    kind: &'static Kind,
    (largest, size): (usize, usize),
    fill: Fill,
) {
    let request = kind.request(size, fill);
    if bytes(&request) > largest + largest / 5 + 100 {
        return;
    }
    let measured = cost(native, &request);
    let Ok((cost, _)) = measured else {
        return;
    };
    if worst.as_ref().is_none_or(|worst| cost > worst.cost) {
        *worst = Some(Found {
            kind,
            size,
            fill,
            request,
            cost,
        });
    }
}

/// Measures answers of the application as large as the budget allows.
fn answers(native: &Guard, plugin: &Engine) -> anyhow::Result<()> {
    println!(
        "\n{:50} {:>9} {:>9}  outcome",
        "the longest judged answers", "native", "plugin"
    );
    let user =
        r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"id":"u1","userName":"ann"}"#;
    for (name, element) in [
        ("users", user),
        ("empty users", "{}"),
        ("empty lists", "[]"),
        (
            "users with many empty e-mails",
            r#"{"emails":[{},{},{},{},{},{},{},{},{},{}]}"#,
        ),
        ("numbers", "1"),
        (
            "unknown members",
            r#"{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1}"#,
        ),
    ] {
        let read = request("GET", format!("{}/Users", face::BASE), Vec::new());
        let Verdict::Forward(forward) = face::decide_counted(native, &read).0 else {
            anyhow::bail!("a list is not forwarded");
        };
        let natively = |count| {
            let answer = list(element, count);
            judged(&native, &forward.continuation, answer)
        };
        // More than anything that is judged.
        let (mut judged_still, mut too_long) = (1, 40_000_000 / element.len());
        while judged_still + judged_still / 20 < too_long {
            let count = judged_still.midpoint(too_long);
            match natively(count)?.1 == "plugin.timeout" {
                true => too_long = count,
                false => judged_still = count,
            }
        }
        let native = median(|| natively(judged_still))?;
        let sandboxed =
            median(|| judged(&plugin, &forward.continuation, list(element, judged_still)))?;
        println!(
            "  {:48} {} {}  {}",
            format!("{name}, {} kB", judged_still * (element.len() + 1) / 1000),
            time(native.0),
            time(sandboxed.0),
            sandboxed.1
        );
    }
    Ok(())
}

/// An answer that lists `count` users.
fn list(element: &str, count: usize) -> BackendOutcome {
    let list = vec![element; count].join(",");
    let body = format!(
        r#"{{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":1,"Resources":[{list}]}}"#
    );
    BackendOutcome::Answered(BackendAnswer {
        status: 200,
        headers: Vec::new(),
        body: AnswerBody::Bytes(body.into_bytes()),
    })
}

/// The longest text that a schema's patterns may be matched against, with as many states as a
/// policy may have.
fn patterns(component: &std::path::Path, cache: &std::path::Path) -> anyhow::Result<()> {
    println!(
        "\n{:50} {:>9} {:>9}  outcome",
        "a user, and patterns of nearly 200,000 states", "native", "plugin"
    );
    let pattern = |n: usize| json!({"properties": {"displayName": {"pattern": format!("(?:.{{0,100}}){{5}}{n}$")}}});
    let mut policy = String::new();
    let mut native = None;
    for count in (1..=40).rev() {
        let all: Vec<_> = (0..count).map(pattern).collect();
        policy =
            json!({"version": 1, "scim": {"json_schemas": {"User": {"allOf": all}}}}).to_string();
        if let Ok(guard) = Guard::configure(&policy) {
            native = Some((count, guard));
            break;
        }
    }
    let (count, native) = native.context("no schema of this kind is accepted")?;
    let plugin = Engine::load_snapshot(component, &policy, cache)?;
    for length in [1, 10, 20, 50, 100, 200, 1_000] {
        let user = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": "a@example.com", "displayName": "x".repeat(length),
        });
        let path = format!("{}/Users", face::BASE);
        let sent = request("POST", path, user.to_string().into_bytes());
        let natively = median(|| cost(&native, &sent))?;
        let sandboxed = median(|| cost(&plugin, &sent))?;
        println!(
            "  {:48} {} {}  {}",
            format!("{count} patterns, a text of {length}"),
            time(natively.0),
            time(sandboxed.0),
            sandboxed.1
        );
    }
    Ok(())
}

/// The processor time of all calls of one decision, and its result.
fn cost<P: Policy<Fault: Display>>(
    policy: &P,
    sent: &Request,
) -> anyhow::Result<(Duration, String)> {
    let table = table();
    let mut decision = Decision::of(policy, sent);
    let mut taken = Duration::ZERO;
    for _ in 0..6 {
        // The plugin runs on this thread, too.
        let started = ThreadTime::now();
        let verdict = decision.call();
        taken += started.elapsed();
        match verdict {
            Ok(Verdict::Need(need)) => {
                let facts = answered(&table, need.keys.clone());
                decision.give(&need, facts);
            }
            Ok(Verdict::Reject(reject)) => return Ok((taken, reject.rule)),
            Ok(Verdict::Forward(_) | Verdict::Proceed(_)) => {
                return Ok((taken, "forwarded".to_owned()));
            }
            Err(fault) => return Ok((taken, fault.to_string())),
        }
    }
    anyhow::bail!("no decision")
}

/// The processor time of one judgement, and its result.
fn judged<P: Policy<Fault: Display>>(
    policy: &P,
    continuation: &[u8],
    outcome: BackendOutcome,
) -> anyhow::Result<(Duration, String)> {
    let observed = Arc::new(Observed {
        continuation: continuation.to_vec(),
        outcome,
    });
    let given = Given {
        request: &Arc::default(),
        facts: &Arc::default(),
        now: NOW,
    };
    let started = ThreadTime::now();
    let outcome = policy
        .pass()
        .and_then(|mut pass| pass.observe(&observed, given));
    let taken = started.elapsed();
    Ok((
        taken,
        match outcome {
            Ok(Outcome::Respond(respond)) => respond.rule.unwrap_or_else(|| "passed on".to_owned()),
            Ok(_) => "continues".to_owned(),
            Err(fault) => fault.to_string(),
        },
    ))
}

/// The median of three measurements, and the result.
fn median(
    mut measure: impl FnMut() -> anyhow::Result<(Duration, String)>,
) -> anyhow::Result<(Duration, String)> {
    let (first, outcome) = measure()?;
    let mut taken = [first, measure()?.0, measure()?.0];
    taken.sort_unstable();
    Ok((quantile(&taken, 50), outcome))
}

fn bytes(request: &Request) -> usize {
    request.path.len() + request.body.size()
}
