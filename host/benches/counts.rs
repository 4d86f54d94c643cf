//! What a request takes, counted instead of timed: calls into the policy, fresh instances, and the bytes
//! that the process allocates for each byte of a large body. Client, guard and backend share the process.
//!
//! `cargo bench -p scimguard --profile host --bench counts`; the plugin is `scimguard.wasm` beside the
//! program or what `SCIMGUARD_COMPONENT` names, else the policy that is compiled in.
#![expect(clippy::print_stdout, reason = "figures are what a bench is for")]

mod plain;
mod served;

use std::alloc::System;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::ensure;
use plain::NoPolicy;
use scimguard::engine::{Engine, Fault};
use scimguard_core::message::AnswerHandling;
use scimguard_core::{Outcome, Settings, Verdict};
use scimguard_interface::{Given, Observed, Pass, Policy};
use scimguard_tests::load::Connection;
use serde_json::json;
use served::{TOKEN, USERS, backend, engine, guard, request};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const GROUP: &str = "/gateway/ng/api/scim/account/ACC1/Groups/g0";
const USER_GROUPS: &str = "/gateway/ng/api/user-groups?accountIdentifier=ACC1";

/// Requests of one kind, of which the mean is shown.
const REQUESTS: usize = 20;

/// Members in the large body, and the length of an id: together a little less than the largest body that
/// the policy takes.
const MEMBERS: usize = 10_000;
const ID: usize = 90;

/// Counts what goes to a policy.
struct Counted {
    policy: Engine,
    counts: Arc<Counts>,
}

/// A pass of it.
struct CountedPass {
    pass: Box<dyn Pass<Fault = Fault> + Send>,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    passes: AtomicUsize,
    calls: AtomicUsize,
}

fn main() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let backend = backend().await?;
        calls(backend).await?;
        copies(backend).await
    })
}

// === calls ===

async fn calls(backend: SocketAddr) -> anyhow::Result<()> {
    let (name, policy) = engine("")?;
    let counts = Arc::<Counts>::default();
    let counted = Counted {
        policy,
        counts: Arc::clone(&counts),
    };
    let mut client = Connection::open(guard(counted, backend).await?).await?;
    println!(
        "{:34} {:>9} {:>16}   policy: {name}",
        "a request", "calls", "fresh instances"
    );
    let user = format!("{USERS}/u0");
    for (what, method, path, body) in [
        ("read of a user", "GET", user.as_str(), String::new()),
        ("PATCH of a user", "PATCH", &user, rename()),
        (
            "PATCH of a group, 2 members",
            "PATCH",
            GROUP,
            addition(2, 8),
        ),
        (
            "an administrator's PUT of a group",
            "PUT",
            USER_GROUPS,
            edit(),
        ),
    ] {
        let body: &'static str = body.leak();
        let sent = send(&mut client, method, path, body).await?;
        counts.passes.store(0, Ordering::Relaxed);
        counts.calls.store(0, Ordering::Relaxed);
        for _ in 0..REQUESTS {
            ensure!(
                send(&mut client, method, path, body).await? == sent,
                "{what}: another answer"
            );
        }
        println!(
            "{what:34} {:>9.1} {:>16.1}   {sent}",
            mean(counts.calls.load(Ordering::Relaxed)),
            mean(counts.passes.load(Ordering::Relaxed)),
        );
    }
    Ok(())
}

fn rename() -> String {
    patch(&json!([{"op": "replace", "path": "displayName", "value": "Ann Lee"}]))
}

fn addition(members: usize, id: usize) -> String {
    let members = (0..members).map(|n| json!({"value": format!("u{n:0>id$}")}));
    let members = serde_json::Value::from_iter(members);
    patch(&json!([{"op": "add", "path": "members", "value": members}]))
}

fn patch(operations: &serde_json::Value) -> String {
    json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": operations,
    })
    .to_string()
}

fn edit() -> String {
    json!({"identifier": "g1", "name": "g1", "accountIdentifier": "ACC1", "users": ["u0", "u1"]})
        .to_string()
}

// === copies ===

async fn copies(backend: SocketAddr) -> anyhow::Result<()> {
    let large: &'static str = addition(MEMBERS, ID).leak();
    println!(
        "\n{:34} {:>9} {:>16}   of {} bytes",
        "bytes allocated for each byte of",
        "passed",
        "decided",
        large.len()
    );
    let (name, policy) = engine("")?;
    let settings = policy.settings().clone();
    let answer = AnswerHandling::Observe;
    let mut allocated = Vec::new();
    for guard in [
        guard(NoPolicy { settings, answer }, backend).await?,
        guard(policy, backend).await?,
    ] {
        let mut client = Connection::open(guard).await?;
        send(&mut client, "PATCH", GROUP, large).await?;
        let region = Region::new(ALLOCATOR);
        for _ in 0..REQUESTS {
            send(&mut client, "PATCH", GROUP, large).await?;
        }
        let change = region.change();
        let bytes = change.bytes_allocated + usize::try_from(change.bytes_reallocated.max(0))?;
        allocated.push(mean(bytes) / mean(large.len() * REQUESTS));
    }
    println!(
        "{:34} {:>9.1} {:>16.1}   policy: {name}",
        "a PATCH of a group", allocated[0], allocated[1]
    );
    Ok(())
}

async fn send(
    client: &mut Connection,
    method: &str,
    path: &str,
    body: &'static str,
) -> anyhow::Result<http::StatusCode> {
    let (status, answer) = client.send(request(method, path, TOKEN, body)?).await?;
    ensure!(
        status.is_success(),
        "{method} {path} answered {status}: {}",
        String::from_utf8_lossy(&answer)
    );
    Ok(status)
}

/// Of each request.
#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn mean(sum: usize) -> f64 {
    sum as f64 / REQUESTS as f64
}

// === impl Counted ===

impl Policy for Counted {
    type Fault = Fault;
    type Pass = Box<dyn Pass<Fault = Fault> + Send>;

    fn settings(&self) -> &Settings {
        self.policy.settings()
    }

    fn pass(&self) -> Result<Self::Pass, Fault> {
        self.counts.passes.fetch_add(1, Ordering::Relaxed);
        Ok(Box::new(CountedPass {
            pass: self.policy.pass()?,
            counts: Arc::clone(&self.counts),
        }))
    }
}

// === impl CountedPass ===

impl CountedPass {
    fn called(&mut self) -> &mut (dyn Pass<Fault = Fault> + Send) {
        self.counts.calls.fetch_add(1, Ordering::Relaxed);
        &mut *self.pass
    }
}

impl Pass for CountedPass {
    type Fault = Fault;

    fn evaluate(&mut self, given: Given<'_>) -> Result<Verdict, Fault> {
        self.called().evaluate(given)
    }

    fn resume_evaluate(&mut self, given: Given<'_>) -> Result<Verdict, Fault> {
        self.called().resume_evaluate(given)
    }

    fn observe(&mut self, observed: &Arc<Observed>, given: Given<'_>) -> Result<Outcome, Fault> {
        self.called().observe(observed, given)
    }

    fn resume_observe(&mut self, given: Given<'_>) -> Result<Outcome, Fault> {
        self.called().resume_observe(given)
    }
}
