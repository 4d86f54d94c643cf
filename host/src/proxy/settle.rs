//! Settles what is open at the start and periodically.

use std::time::Duration;

use super::Proxy;
use scimguard_store::now;

/// When the backend is asked, and what earlier rounds found out.
pub(super) struct Settling {
    /// The interval between two rounds.
    pub(super) every: Duration,
    rounds: scimguard_knowledge::Settling,
}

impl Settling {
    /// `after`: how long after a write the backend may still act.
    pub(super) fn new(every: Duration, after: Duration) -> Self {
        Self {
            every,
            rounds: scimguard_knowledge::Settling::new(after),
        }
    }
}

impl Proxy {
    /// Asks the backend about everything that is open.
    pub(super) async fn settle(&self) {
        let Some(own) = self.own_credential() else {
            return;
        };
        let credential = (own.name, own.value);
        let rounds = &self.settling.rounds;
        let settled = rounds.round(self.lookups(), &self.leases, &credential, now());
        match settled.await {
            Ok(0) => {}
            Ok(settled) => tracing::info!(settled, "open outcomes are settled"),
            Err(error) => self.store.report(&error),
        }
    }
}
