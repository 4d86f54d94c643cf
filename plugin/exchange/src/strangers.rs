//! Spares the facts service questions about unknown tokens from addresses that have sent too many wrong
//! ones, so that it has time for good clients.
//!
//! The service counts, and reports when an address has failed too often and for how long. Until then it
//! gets only one question per [`MOMENT`] about tokens from there, so that a new good token can get through.
//! Tokens that were good lately always pass.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

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
    /// When each token was last good, by SHA-256.
    good: Mutex<BTreeMap<String, u64>>,
}

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
        let lately = |text: &str| {
            let when = good.get(&sha256_hex(text.as_bytes()));
            when.is_some_and(|when| now.saturating_sub(*when) < LATELY)
        };
        if credentials.any(lately) {
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
        if all.len() < MOST {
            let until = now.saturating_add(seconds.saturating_mul(1_000));
            let failing = all.entry(address(source).to_owned());
            failing.or_insert(Failing { until, asked: now }).until = until;
        }
    }

    /// Notes that these credentials were just good.
    pub(crate) fn good<'a>(&self, credentials: impl Iterator<Item = &'a str>, now: u64) {
        let mut all = lock(&self.good);
        for text in credentials {
            all.insert(sha256_hex(text.as_bytes()), now);
        }
        if all.len() > MOST {
            all.retain(|_, when| now.saturating_sub(*when) < LATELY);
        }
        while all.len() > MOST {
            all.pop_first();
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

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_780_272_000_000;

    fn ask(strangers: &Strangers, source: &str, token: &str, now: u64) -> Result<(), Option<u64>> {
        let asked = strangers.ask(source, [token].into_iter(), now);
        asked.map_err(|refused| {
            assert_eq!(refused.rule, "rate.limited");
            refused.retry_after
        })
    }

    #[test]
    fn an_address_that_fails_holds_up_its_own_strange_tokens_alone() {
        let strangers = Strangers::default();
        strangers.good(["Bearer good"].into_iter(), NOW);
        assert_eq!(ask(&strangers, "192.0.2.7:4711", "Bearer a", NOW), Ok(()));
        strangers.fails("192.0.2.7:4711", 2, NOW);
        for (source, token, later, expected) in [
            ("192.0.2.7:4712", "Bearer a", 1, Err(Some(2))),
            ("192.0.2.7", "Bearer a", 2, Err(Some(2))),
            ("192.0.2.7:4712", "Bearer good", 2, Ok(())),
            ("192.0.2.8:4712", "Bearer a", 2, Ok(())),
            ("[2001:db8::7]:1", "Bearer a", 2, Ok(())),
            // One question per moment is let through.
            ("192.0.2.7:4713", "Bearer new", MOMENT, Ok(())),
            ("192.0.2.7:4713", "Bearer new", MOMENT + 1, Err(Some(2))),
            ("192.0.2.7:4713", "Bearer new", 1_001, Ok(())),
            ("192.0.2.7:4713", "Bearer new", 1_002, Err(Some(1))),
            // The time that the service named is over.
            ("192.0.2.7:4713", "Bearer a", 2_000, Ok(())),
            ("192.0.2.7:4713", "Bearer a", 2_001, Ok(())),
        ] {
            let asked = ask(&strangers, source, token, NOW + later);
            assert_eq!(asked, expected, "{source} {token} after {later} ms");
        }
    }

    #[test]
    fn a_token_that_was_good_long_ago_is_strange() {
        let strangers = Strangers::default();
        strangers.good(["Bearer good"].into_iter(), NOW);
        let later = NOW + LATELY;
        strangers.fails("192.0.2.7:1", 60, later);
        assert_eq!(
            ask(&strangers, "192.0.2.7:1", "Bearer good", later - 1),
            Ok(())
        );
        assert!(ask(&strangers, "192.0.2.7:1", "Bearer good", later).is_err());
    }

    #[test]
    fn what_is_remembered_has_a_bound() {
        let strangers = Strangers::default();
        for n in 0..MOST + 10 {
            strangers.fails(&format!("192.0.2.{n}"), 1, NOW);
            strangers.good([format!("Bearer {n}").as_str()].into_iter(), NOW);
        }
        assert_eq!(lock(&strangers.failing).len(), MOST);
        assert_eq!(lock(&strangers.good).len(), MOST);
        // Expired entries make room.
        strangers.fails("198.51.100.1", 1, NOW + 1_000);
        assert_eq!(lock(&strangers.failing).len(), 1);
    }
}
