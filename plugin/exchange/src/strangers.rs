//! What one worker of a gateway remembers of clients. It spares the facts service questions about unknown
//! tokens from addresses that have sent too many wrong ones, so that the service has time for good clients,
//! and it expects a good token to be what it was.
//!
//! The service counts, and reports when an address has failed too often and for how long. Until then it
//! gets only one question per [`MOMENT`] about tokens from there, so that a new good token can get through.
//! Tokens that were good lately always pass.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use scimguard_core::facts::{Fact, Key};
use scimguard_core::sha256_hex;

use crate::Refused;

/// Most addresses and most tokens remembered; a forgotten one costs the service a question.
const MOST: usize = 1_024;

/// Milliseconds between two questions about unknown tokens from an address that has failed too often.
const MOMENT: u64 = 20;

/// Milliseconds that a good token is remembered.
const LATELY: u64 = 10 * 60 * 1_000;

/// The addresses and tokens that one worker of a gateway remembers. Times are its own clock's, in milliseconds.
#[derive(Default)]
pub struct Strangers {
    failing: Mutex<BTreeMap<String, Failing>>,
    /// Credentials that were good, by SHA-256.
    good: Mutex<Lately<()>>,
    /// Facts about tokens that were good, by the SHA-256 of the token.
    tokens: Mutex<Lately<Fact>>,
}

/// What was seen lately, and when.
struct Lately<T>(BTreeMap<String, (u64, T)>);

/// An address that has failed too often.
struct Failing {
    until: u64,
    asked: u64,
}

impl Strangers {
    /// Whether to ask the service about these credentials now.
    ///
    /// # Errors
    /// `rate.limited` if their address has failed too often, and none of them was good lately.
    pub(crate) fn ask<'a>(
        &self,
        source: &str,
        mut credentials: impl Iterator<Item = &'a str>,
        now: u64,
    ) -> Result<(), Refused> {
        let mut all = lock(&self.failing);
        let Some(failing) = all.get_mut(address(source)) else {
            return Ok(());
        };
        if failing.until <= now {
            all.remove(address(source));
            return Ok(());
        }
        if now.saturating_sub(failing.asked) >= MOMENT {
            failing.asked = now;
            return Ok(());
        }
        let good = lock(&self.good);
        if credentials.any(|text| good.get(&sha256_hex(text.as_bytes()), now).is_some()) {
            return Ok(());
        }
        Err(Refused::not_asked((failing.until - now).div_ceil(1_000)))
    }

    /// Notes that this address has failed too often, and for how many seconds, as the service reported.
    pub(crate) fn fails(&self, source: &str, seconds: u64, now: u64) {
        let mut all = lock(&self.failing);
        if all.len() >= MOST {
            all.retain(|_, failing| failing.until > now);
        }
        if all.len() < MOST || all.contains_key(address(source)) {
            let until = now.saturating_add(seconds.saturating_mul(1_000));
            let failing = all.entry(address(source).to_owned());
            failing.or_insert(Failing { until, asked: now }).until = until;
        }
    }

    /// Notes that these credentials were just good, and the fact about their token.
    pub(crate) fn good<'a>(
        &self,
        credentials: impl Iterator<Item = &'a str>,
        token: Option<Fact>,
        now: u64,
    ) {
        let mut all = lock(&self.good);
        for text in credentials {
            all.put(sha256_hex(text.as_bytes()), now, ());
        }
        drop(all);
        if let Some(fact) = token
            && let Key::Token(hash) = &fact.key
        {
            lock(&self.tokens).put(hash.clone(), now, fact);
        }
    }

    /// The fact about the token with this SHA-256 when it was last good, if that was lately. It may have been
    /// revoked since, so nothing may be decided by it.
    pub(crate) fn expected(&self, hash: &str, now: u64) -> Option<Fact> {
        lock(&self.tokens).get(hash, now).cloned()
    }
}

// === impl Lately ===

impl<T> Default for Lately<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T> Lately<T> {
    fn get(&self, hash: &str, now: u64) -> Option<&T> {
        let (when, what) = self.0.get(hash)?;
        (now.saturating_sub(*when) < LATELY).then_some(what)
    }

    fn put(&mut self, hash: String, now: u64, what: T) {
        self.0.insert(hash, (now, what));
        if self.0.len() > MOST {
            self.0
                .retain(|_, (when, _)| now.saturating_sub(*when) < LATELY);
        }
        while self.0.len() > MOST {
            self.0.pop_first();
        }
    }
}

fn lock<T>(all: &Mutex<T>) -> MutexGuard<'_, T> {
    // Code under this lock never leaves a map half changed.
    all.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The address of a source without its port, which differs for each connection.
#[must_use]
pub fn address(source: &str) -> &str {
    match source.parse::<std::net::SocketAddr>() {
        Ok(_) => source
            .rsplit_once(':')
            .map_or(source, |(address, _)| address),
        Err(_) => source,
    }
}
