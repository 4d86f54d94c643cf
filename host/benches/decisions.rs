//! The cost of the decision log: queuing a decision, writing it, and each query of the operators'
//! page, by the number of recorded decisions.
//!
//! `cargo bench -p scimguard --profile host --bench decisions`; no plugin is needed.
#![expect(clippy::print_stdout, reason = "figures are its output")]

mod allocator;
mod sample;

use std::env;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sample::{NOW, quantile, time};
use scimguard::audit::{Decision, Filter, Log, Seen, Verdict};
use scimguard_core::facts::{Answer, Fact, Key, Principal, Token, Unseen, User, UserKey};
use scimguard_core::{Body, Normalisation, Request, sha256_hex};

/// Numbers of recorded decisions.
const RECORDED: [u64; 3] = [1_000, 100_000, 1_000_000];

const SAMPLES: usize = 200;

/// Decisions queued before waiting for the writer; fewer than the queue holds.
const AT_ONCE: u64 = 2_000;

/// Accounts, of which the first has nine in ten decisions.
const ACCOUNTS: u64 = 50;

/// Time between two decisions in milliseconds.
const EVERY: u64 = 1_000;

const TOKEN: &str = "sat.ACC1.okta.s3cret-of-okta";

fn main() -> anyhow::Result<()> {
    if !env::args().any(|argument| argument == "--bench") {
        // `cargo test --all-targets` only checks that it compiles.
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(decisions(folder.path()))
}

async fn decisions(folder: &Path) -> anyhow::Result<()> {
    let file = folder.join("decisions.db");
    let log = Log::open(&file, "", RECORDED[2]).await?;
    let mut there = 0;
    for recorded in RECORDED {
        fill(&log, there..recorded).await;
        anyhow::ensure!(log.unrecorded().get() == 0, "some were not recorded");
        there = recorded;
        println!(
            "{recorded} decisions, {} MB on disk",
            std::fs::metadata(&file)?.len() / 1_000_000
        );
        ask(&log, recorded).await?;
    }
    log.close().await;
    Ok(())
}

/// Records decisions as fast as they are written.
async fn fill(log: &Log, numbers: std::ops::Range<u64>) {
    let count = numbers.end - numbers.start;
    let seen = seen();
    let mut handed = Vec::new();
    let started = Instant::now();
    for number in numbers {
        let decision = decision(number, &seen);
        let begun = Instant::now();
        log.record(decision);
        handed.push(begun.elapsed());
        if number % AT_ONCE == AT_ONCE - 1 {
            log.flush().await;
        }
    }
    log.flush().await;
    let rate = count as f64 / started.elapsed().as_secs_f64();
    handed.sort_unstable();
    println!("{:44} {rate:9.0} a second", "  written");
    println!("{:44} {}", "  queued by a request", quantiles(&handed));
}

/// Nine in ten are forwarded; a rule in two hundred refuses in a small account.
fn decision(number: u64, seen: &Seen) -> Decision {
    let rule = match number % 200 {
        0 => Some("okta-only.user-delete"),
        1..20 => Some("okta-only.group-rename"),
        _ => None,
    };
    let account = match number % 10 {
        0 => number / 10 % ACCOUNTS,
        _ => 1,
    };
    Decision {
        at: NOW + number * EVERY,
        method: "PATCH".to_owned(),
        path: seen.request.path.clone(),
        account: Some(format!("ACC{account}")),
        token: Some("okta".to_owned()),
        verdict: Verdict::of(if rule.is_some() { "reject" } else { "forward" }, rule),
        rule: rule.map(str::to_owned),
        status: Some(if rule.is_some() { 403 } else { 200 }),
        changes: vec![Normalisation {
            rule: "normalise.not-synced".to_owned(),
            path: "Operations[0].value.locale".to_owned(),
            detail: "locale is not synced".to_owned(),
        }],
        micros: 900,
        backend_micros: 700,
        seen: Some(seen.clone()),
    }
}

/// A request of Okta's with its facts.
fn seen() -> Seen {
    let header = |name: &str, value: &str| (name.to_owned(), value.as_bytes().to_vec());
    let body = r#"{"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [{"op": "replace",
        "value": {"active": true, "locale": "en-US", "name": {"givenName": "Ann", "familyName": "Lee"}}}]}"#;
    let user = UserKey {
        account: "ACC1".to_owned(),
        value: "u1".to_owned(),
        unseen: Unseen::Absent,
    };
    let facts = vec![
        Fact {
            key: Key::Token(sha256_hex(TOKEN.as_bytes())),
            answer: Answer::Token(Token {
                id: Some("okta".to_owned()),
                account: "ACC1".to_owned(),
                provider: Some("okta".to_owned()),
                expires: None,
                revoked: false,
                principal: Some(Principal {
                    account: "ACC1".to_owned(),
                    id: "svc-okta".to_owned(),
                    active: true,
                    permissions: vec!["core_user_view".to_owned(), "core_user_manage".to_owned()],
                }),
            }),
        },
        Fact {
            key: Key::User(user),
            answer: Answer::User(User {
                account: "ACC1".to_owned(),
                id: Some("u1".to_owned()),
                user_name: "ann@example.com".to_owned(),
                active: true,
                managed_by: Some("okta".to_owned()),
                ..User::default()
            }),
        },
    ];
    Seen {
        request: Arc::new(Request {
            method: "PATCH".to_owned(),
            path: "/gateway/ng/api/scim/account/ACC1/Users/u1".to_owned(),
            headers: vec![
                header("authorization", &format!("Bearer {TOKEN}")),
                header("content-type", "application/scim+json; charset=utf-8"),
                header("user-agent", "Okta SCIM Client 1.0.0"),
            ],
            body: Body::Bytes(body.into()),
            annotate: false,
        }),
        scim: true,
        facts: vec![Arc::new(facts)],
        now: NOW,
        refusal: None,
    }
}

async fn ask(log: &Log, recorded: u64) -> anyhow::Result<()> {
    let filter = |account: &str, rule: &str, verdict: Option<Verdict>| Filter {
        account: Some(account.to_owned()).filter(|text| !text.is_empty()),
        rule: Some(rule.to_owned()).filter(|text| !text.is_empty()),
        verdict,
    };
    let rename = "okta-only.group-rename";
    let rare = "okta-only.user-delete";
    let refused = Some(Verdict::Reject);
    for (name, filter) in [
        ("  a page of all", filter("", "", None)),
        ("  of a large account", filter("ACC1", "", None)),
        ("  of a small account", filter("ACC7", "", None)),
        ("  of a rule", filter("", rename, None)),
        ("  of a verdict", filter("", "", refused)),
        ("  of an account and a verdict", filter("ACC7", "", refused)),
        ("  of an account and a rule", filter("ACC1", rename, None)),
        ("  of all three", filter("ACC20", rare, refused)),
        ("  that nothing matches", filter("ACC7", rare, refused)),
    ] {
        let mut samples = Vec::with_capacity(SAMPLES);
        for round in 0..SAMPLES {
            // From the newest to the oldest.
            let before = i64::try_from(recorded - recorded * round as u64 / SAMPLES as u64)?;
            let begun = Instant::now();
            log.page(&filter, Some(before), 50).await?;
            samples.push(begun.elapsed());
        }
        report(name, &mut samples);
    }
    let mut samples = Vec::with_capacity(SAMPLES);
    for round in 0..SAMPLES {
        let id = 1 + recorded * round as u64 / SAMPLES as u64;
        let begun = Instant::now();
        anyhow::ensure!(log.decision(i64::try_from(id)?).await?.is_some());
        samples.push(begun.elapsed());
    }
    report("  one decision with its explanation", &mut samples);
    let to = i64::try_from(NOW + recorded * EVERY)?;
    for (name, hours) in [("  counts of 6 hours", 6), ("  counts of 30 days", 30 * 24)] {
        let mut samples = Vec::with_capacity(SAMPLES);
        for _ in 0..SAMPLES {
            let begun = Instant::now();
            log.counts(to - hours * 3_600_000, to).await?;
            samples.push(begun.elapsed());
        }
        report(name, &mut samples);
    }
    let mut samples = Vec::with_capacity(SAMPLES);
    for _ in 0..SAMPLES {
        let begun = Instant::now();
        log.accounts().await?;
        samples.push(begun.elapsed());
    }
    report("  the accounts", &mut samples);
    Ok(())
}

fn report(name: &str, samples: &mut [Duration]) {
    samples.sort_unstable();
    println!("{name:44} {}", quantiles(samples));
}

fn quantiles(sorted: &[Duration]) -> String {
    format!(
        "median {}, p99 {}",
        time(quantile(sorted, 50)),
        time(quantile(sorted, 99))
    )
}
