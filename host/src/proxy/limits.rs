//! Limits an account's requests and a source's wrong credentials.
//!
//! An account has one bucket for SCIM and one for its management routes, charged once its token is
//! known to be good: only a good token can use them up. Management routes that the application
//! authenticates have none: their callers are unknown here and could exhaust it.
//!
//! Wrong credentials are counted by source and by the token that they name. Beyond the limit a
//! *wrong* one gets `rate.limited`; a good token is never affected, whatever others at its address
//! do. So every token is looked up, with one indexed read, and no memory of unknown tokens is kept,
//! which could hide one that was made a moment ago.

use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use scimguard_core::ErrorForm;

use super::incoming::Refused;
use crate::config;
use crate::network::Network;
use crate::plural::counted;

type Buckets<K> = RateLimiter<K, HashMapStateStore<K>, DefaultClock>;

/// All buckets of a guard.
pub(crate) struct Limits {
    /// By account, SCIM and management apart, so that an application's own programs do not slow
    /// down its provider. There are as many as accounts with good tokens.
    accounts: Buckets<(String, bool)>,
    per_second: NonZeroU32,
    /// By a keyed hash of 16 bits, so that there are never more than 65,536. A collision only makes
    /// the answer to a wrong credential less specific.
    failures: Buckets<u16>,
    key: RandomState,
}

impl Limits {
    pub(crate) fn new(limits: &config::Limits) -> Self {
        let accounts = Quota::per_second(limits.requests_per_second).allow_burst(limits.burst);
        let failures = Quota::per_second(NonZeroU32::MIN).allow_burst(limits.failures);
        Self {
            accounts: RateLimiter::hashmap(accounts),
            per_second: limits.requests_per_second,
            failures: RateLimiter::hashmap(failures),
            key: RandomState::new(),
        }
    }

    /// Charges an account for a request with a good token.
    pub(super) fn charge(&self, account: &str, form: ErrorForm) -> Result<(), Refused> {
        let bucket = (account.to_owned(), form == ErrorForm::Scim);
        let full = self.accounts.check_key(&bucket);
        full.map_err(|until| {
            let wait = until.wait_time_from(DefaultClock::default().now());
            limited(
                wait,
                format!(
                    "The account sends more than {} a second. Repeat the request after the time in \
                     Retry-After.",
                    counted(self.per_second.get(), "request", "requests")
                ),
            )
        })
    }

    /// Counts a wrong credential.
    pub(crate) fn failed(&self, source: IpAddr, token: Option<&str>) -> Result<(), Refused> {
        let place = self.key.hash_one(("source", Network::of(source)));
        let token = token.map(|token| self.key.hash_one(("token", token)));
        let waits = [Some(place), token]
            .into_iter()
            .flatten()
            .filter_map(|hash| {
                // Any bits of the hash will do.
                let bucket = u16::try_from(hash & u64::from(u16::MAX)).unwrap_or_default();
                let until = self.failures.check_key(&bucket).err()?;
                Some(until.wait_time_from(DefaultClock::default().now()))
            });
        // Both are counted, whichever is full.
        match waits.fold(None, |most, wait| most.max(Some(wait))) {
            None => Ok(()),
            Some(wait) => Err(limited(
                wait,
                "Too many wrong tokens come from this address, or for this token, and this one is wrong too. \
                 Check the token in the identity provider; `scimguard doctor --token` says what is wrong \
                 with it.",
            )),
        }
    }

    /// Drops the buckets that are full again.
    pub(crate) fn forget_quiet(&self) {
        self.accounts.retain_recent();
        self.failures.retain_recent();
    }
}

fn limited(wait: Duration, detail: impl Into<String>) -> Refused {
    Refused {
        retry_after: Some(seconds(wait)),
        ..Refused::new("rate.limited", detail)
    }
}

/// Rounded up.
pub(super) fn seconds(wait: Duration) -> u64 {
    wait.as_secs().saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Limits {
        Limits::new(&config::Limits {
            requests_per_second: NonZeroU32::new(2).unwrap(),
            burst: NonZeroU32::new(3).unwrap(),
            failures: NonZeroU32::new(4).unwrap(),
        })
    }

    #[test]
    fn accounts_and_kinds_of_routes_have_buckets_of_their_own() {
        let limits = limits();
        for _ in 0..3 {
            limits.charge("A", ErrorForm::Scim).unwrap();
        }
        let refused = limits.charge("A", ErrorForm::Scim).unwrap_err();
        assert_eq!(
            (refused.rule, refused.retry_after),
            ("rate.limited", Some(1))
        );
        limits.charge("A", ErrorForm::Problem).unwrap();
        limits.charge("B", ErrorForm::Scim).unwrap();
    }

    #[test]
    fn wrong_credentials_are_counted_by_place_and_by_token() {
        let limits = limits();
        let place = |text: &str| text.parse::<IpAddr>().unwrap();
        for _ in 0..4 {
            limits.failed(place("2001:db8::1"), None).unwrap();
        }
        // A neighbouring address belongs to the same customer.
        assert!(limits.failed(place("2001:db8::2"), None).is_err());
        limits.failed(place("192.0.2.1"), None).unwrap();
        for n in 1..5 {
            let source = place(&format!("198.51.100.{n}"));
            limits.failed(source, Some("A.t1")).unwrap();
        }
        assert!(limits.failed(place("198.51.100.5"), Some("A.t1")).is_err());
    }
}
