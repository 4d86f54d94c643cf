//! Too many requests, and too many wrong tokens: who is told to wait, and who never is.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use scimguard_tests::client::{Answer, Client};
use scimguard_tests::guard::Guard;

use crate::recorder::Recorder;
use crate::{ACCOUNT, HARNESS_BASE, harness};
use scimguard_tests::okta::scim_client;

const USERS: &str = "/Users?startIndex=1&count=2";
const OTHER: &str = "ACC2";

fn client(guard: &Guard, account: &str, token: &str) -> Client {
    let base = HARNESS_BASE.replace(ACCOUNT, account);
    scim_client(&format!("{}{base}", guard.url), token)
}

/// Seconds after which the client may try again.
fn retry_after(answer: &Answer) -> anyhow::Result<u64> {
    let value = answer
        .headers
        .get("retry-after")
        .context("no retry-after")?;
    Ok(value.to_str()?.parse()?)
}

#[tokio::test]
async fn one_accounts_full_sync_does_not_starve_another() -> anyhow::Result<()> {
    let application = Recorder::start().await?;
    let mut guard = Guard::configure(&application.url, &harness())?;
    guard.configure_also("[limits]\nrequests_per_second = 1\nburst = 3\n")?;
    let token = guard.token(ACCOUNT, "svc-okta", Some("okta")).await?;
    let other = guard.token(OTHER, "svc-okta", Some("okta")).await?;
    guard.start().await?;
    let (busy, quiet) = (
        client(&guard, ACCOUNT, &token),
        client(&guard, OTHER, &other),
    );
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
    // Nobody takes anything from an account without a good token of it.
    for _ in 0..5 {
        client(&guard, OTHER, &token)
            .get(USERS)
            .await?
            .refused("token.wrong-account")?;
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
    let application = Recorder::start().await?;
    let mut guard = Guard::configure(&application.url, &harness())?;
    guard.configure_also("trusted_proxies = [\"127.0.0.1\"]\n[limits]\nfailures = 3\n")?;
    let good = guard.token(ACCOUNT, "svc-okta", Some("okta")).await?;
    guard.start().await?;
    let from = |address: &str, token: &str| {
        client(&guard, ACCOUNT, token).with("x-forwarded-for", address)
    };
    let attacker = "198.51.100.1";
    for n in 0..3 {
        let wrong = format!("sat.ACC1.t{n}.guess");
        from(attacker, &wrong)
            .get(USERS)
            .await?
            .refused("token.unknown")?;
    }
    let slowed = from(attacker, "sat.ACC1.t9.guess")
        .get(USERS)
        .await?
        .status(429)?;
    ensure!(retry_after(&slowed)? >= 1, "{slowed:?}");
    slowed.refused("rate.limited")?;
    // Okta shares the address, and somebody makes a token meanwhile.
    from(attacker, &good).get(USERS).await?.status(200)?;
    let new = guard.token(ACCOUNT, "svc-new", Some("okta")).await?;
    from(attacker, &new).get(USERS).await?.status(200)?;

    // One token, from many addresses.
    for n in 0..3 {
        from(&format!("203.0.113.{n}"), "sat.ACC1.one.guess")
            .get(USERS)
            .await?
            .refused("token.unknown")?;
    }
    from("203.0.113.77", "sat.ACC1.one.guess")
        .get(USERS)
        .await?
        .refused("rate.limited")?;
    from("203.0.113.78", "sat.ACC1.another.guess")
        .get(USERS)
        .await?
        .refused("token.unknown")?;

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
