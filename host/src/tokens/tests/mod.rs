//! Signed and introspected tokens and the rights of principals, with keys made here and scripted servers.

mod attacked;
mod introspected;
mod key_sources;
mod permission_service;
mod scripted;
mod signatures;
mod signer;
mod sound_keys;

use std::time::Duration;

use serde::de::DeserializeOwned;

use super::issuers::{Issuers, Question, Verification};

/// The account of the tests.
const ACCOUNT: &str = "ACC1";

/// A time in milliseconds since 1970.
const NOW: u64 = 1_700_000_000_000;

/// A table of the configuration.
fn configured<T: DeserializeOwned>(lines: &str) -> T {
    toml::from_str(lines).unwrap()
}

/// Advances time, but not while a server is waited for, which would seem to time out at once.
async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// The verdict of the issuer with this name on a token without a client.
async fn verify(issuers: &Issuers, account: &str, name: &str, token: &str) -> Verification {
    let question = Question {
        account,
        token,
        network: None,
        now: NOW,
    };
    issuers.verify(name, question).await
}
