//! What the sandbox costs: each figure beside the same work in native code, measured in one run.
//!
//! `cargo bench -p scimguard --profile host`, with the plugin where `cargo xtask build` puts it or
//! where `SCIMGUARD_COMPONENT` says.
#![expect(clippy::print_stdout, reason = "figures are its output")]

use std::env;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use scimguard::engine::{Engine, Fault};
use scimguard_core::facts::{Fact, Table};
use scimguard_core::{Body, Need, Request, Verdict};
use serde_json::{Value, json};

/// 2026-06-01T00:00:00Z.
const NOW: u64 = 1_780_272_000_000;
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

/// A request with the record that it meets.
struct Scene {
    name: &'static str,
    request: Request,
    table: Table,
}

fn decisions(native: &Engine, sandbox: &Engine, scene: &Scene) -> anyhow::Result<()> {
    let mut reused = sandbox.session()?;
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

fn quantile(sorted: &[Duration], percent: usize) -> Duration {
    sorted[(sorted.len() - 1) * percent / 100]
}

fn time(time: Duration) -> String {
    match time.as_micros() {
        0..10_000 => format!("{:6.1} µs", time.as_secs_f64() * 1e6),
        _ => format!("{:6.1} ms", time.as_secs_f64() * 1e3),
    }
}

// === scenes ===

fn scenes() -> anyhow::Result<[Scene; 3]> {
    Ok([
        scene("Okta creates a user", "POST", "Users", &user(None), &[])?,
        scene(
            "Okta adds 100 members to a group",
            "PATCH",
            "Groups/example_group",
            &additions(),
            &(0..100).collect::<Vec<_>>(),
        )?,
        scene(
            "Okta updates a user",
            "PUT",
            "Users/u7",
            &user(Some("u7")),
            &[7],
        )?,
    ])
}

fn scene(
    name: &'static str,
    method: &str,
    path: &str,
    body: &Value,
    users: &[u32],
) -> anyhow::Result<Scene> {
    let headers = [
        ("authorization", "Bearer pat.ACC1.tok1.s3cret"),
        ("content-type", "application/scim+json; charset=utf-8"),
        ("user-agent", "Okta SCIM Client 1.0.0"),
    ];
    Ok(Scene {
        name,
        request: Request {
            method: method.to_owned(),
            path: format!("/gateway/ng/api/scim/account/ACC1/{path}"),
            headers: headers
                .map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()))
                .to_vec(),
            body: Body::Bytes(body.to_string().into_bytes()),
        },
        table: Table::from_json(&record(users)).map_err(anyhow::Error::msg)?,
    })
}

/// What Okta sends of a user (`POST`), and sends back of one that it has read (`PUT`).
fn user(id: Option<&str>) -> Value {
    let mut user = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": "user7@example.com",
        "name": {"givenName": "Ann", "familyName": "Lee"},
        "emails": [{"primary": true, "value": "user7@example.com", "type": "work"}],
        "displayName": "Ann Lee",
        "locale": "en-US",
        "externalId": "00u7",
        "groups": [],
        "password": "1mz050nq",
        "active": true
    });
    if let Some(id) = id {
        user["id"] = json!(id);
        user["meta"] = json!({"resourceType": "User", "created": "2026-05-01T00:00:00Z"});
    }
    user
}

fn additions() -> Value {
    let member = |n| json!({"value": format!("u{n}"), "display": format!("user{n}@example.com")});
    json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [
            {"op": "add", "path": "members", "value": (0..100).map(member).collect::<Vec<_>>()}
        ]
    })
}

fn record(users: &[u32]) -> Value {
    let user = |n: &u32| {
        json!({"account": "ACC1", "id": format!("u{n}"), "userName": format!("user{n}@example.com"),
               "displayName": "Ann Lee", "externalId": format!("00u{n}"), "managed_by": "okta"})
    };
    json!({
        "tokens": [{"token": "pat.ACC1.tok1.s3cret", "account": "ACC1", "principal": "svc-okta",
                    "provider": "okta", "expires": "2027-01-01T00:00:00Z"}],
        "principals": [{"account": "ACC1", "id": "svc-okta", "kind": "service-account",
                        "permissions": ["core_user_view", "core_user_manage", "core_user_invite",
                                        "core_usergroup_view", "core_usergroup_manage"]}],
        "users": users.iter().map(user).collect::<Vec<_>>(),
        "groups": [{"account": "ACC1", "id": "example_group", "displayName": "example-group",
                    "managed_by": "okta"}],
        "members": []
    })
}
