//! Too many requests and too many wrong tokens: which clients must wait, and which never do.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use scimguard_tests::client::{Answer, Client};
use scimguard_tests::fixtures::{ACCOUNT, HARNESS_BASE};
use scimguard_tests::guard::Guard;

use crate::recorder::{Recorder, USERS, client};

const OTHER: &str = "ACC2";

/// A client of the other account's end points.
fn other_client(guard: &Guard, token: &str) -> Client {
    guard.scim(&HARNESS_BASE.replace(ACCOUNT, OTHER), token)
}

/// Seconds after which the client may try again.
fn retry_after(answer: &Answer) -> anyhow::Result<u64> {
    let value = answer.headers.get("retry-after");
    Ok(value.context("no retry-after")?.to_str()?.parse()?)
}

#[tokio::test]
async fn one_accounts_full_sync_does_not_starve_another() -> anyhow::Result<()> {
    let limits = "[limits]\nrequests_per_second = 1\nburst = 3\n";
    let (_application, mut guard, token) = Recorder::guarded(limits).await?;
    let other = guard.token(OTHER, "svc-okta", Some("okta")).await?;
    guard.start().await?;
    let (busy, quiet) = (client(&guard, &token), other_client(&guard, &other));
    for _ in 0..3 {
        busy.get(USERS).await?.status(200)?;
    }
    let refused = busy.get(USERS).await?.status(429)?;
    let wait = retry_after(&refused)?;
    ensure!((1..=2).contains(&wait), "{refused:?}");
    ensure!(
        refused.headers["content-type"] == "application/scim+json"
            && refused.body["status"] == "429",
        "{refused:?}"
    );
    refused.refused("rate.limited")?;
    quiet.get(USERS).await?.status(200)?;
    // Requests without a valid token of an account do not count against its limit.
    for _ in 0..5 {
        let refused = other_client(&guard, &token).get(USERS).await?;
        refused.refused("token.wrong-account")?;
    }
    quiet.get(USERS).await?.status(200)?;
    tokio::time::sleep(Duration::from_secs(wait)).await;
    busy.get(USERS).await?.status(200)?;

    let metrics = guard.metrics()?;
    for line in [
        format!("scimguard_rate_limited_total{{account=\"{ACCOUNT}\"}} 1\n"),
        "scimguard_decisions_total{decision=\"reject\",rule=\"rate.limited\"} 1\n".to_owned(),
        "scimguard_decisions_total{decision=\"forward\",rule=\"\"} 6\n".to_owned(),
        "scimguard_backend_seconds_count 6\n".to_owned(),
    ] {
        ensure!(metrics.contains(&line), "no {line} in {metrics}");
    }
    Ok(())
}

#[tokio::test]
async fn guessing_is_slowed_down_and_a_good_token_never_is() -> anyhow::Result<()> {
    let limits = "trusted_proxies = [\"127.0.0.1\"]\n[limits]\nfailures = 3\n";
    let (_application, mut guard, good) = Recorder::guarded(limits).await?;
    guard.start().await?;
    let read = async |address: &str, token: &str| {
        let client = client(&guard, token).with("x-forwarded-for", address);
        client.get(USERS).await
    };
    let attacker = "198.51.100.1";
    for n in 0..3 {
        let wrong = read(attacker, &format!("sat.ACC1.t{n}.guess")).await?;
        wrong.refused("token.unknown")?;
    }
    let slowed = read(attacker, "sat.ACC1.t9.guess").await?.status(429)?;
    ensure!(retry_after(&slowed)? >= 1, "{slowed:?}");
    slowed.refused("rate.limited")?;
    // Okta shares the address, and an operator creates a token meanwhile.
    read(attacker, &good).await?.status(200)?;
    let new = guard.token(ACCOUNT, "svc-new", Some("okta")).await?;
    read(attacker, &new).await?.status(200)?;

    // One token, from many addresses.
    for (address, token, rule) in [
        ("203.0.113.0", "sat.ACC1.one.guess", "token.unknown"),
        ("203.0.113.1", "sat.ACC1.one.guess", "token.unknown"),
        ("203.0.113.2", "sat.ACC1.one.guess", "token.unknown"),
        ("203.0.113.77", "sat.ACC1.one.guess", "rate.limited"),
        ("203.0.113.78", "sat.ACC1.another.guess", "token.unknown"),
    ] {
        read(address, token).await?.refused(rule)?;
    }

    let metrics = guard.metrics()?;
    ensure!(
        metrics.contains("scimguard_slowed_failures_total 2\n"),
        "{metrics}"
    );
    let logged = guard.decisions()?;
    let limited = logged.iter().filter(|line| line["rule"] == "rate.limited");
    ensure!(limited.count() == 0, "a line for each of very many guesses");
    Ok(())
}
