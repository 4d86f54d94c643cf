//! Networks that send tokens to introspect, and which of them sent too many wrong ones.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::network::Network;

/// Networks that sent wrong tokens recently.
#[derive(Default)]
pub(super) struct Failing {
    /// When each has no more wrong tokens counted.
    until: Mutex<HashMap<Network, Instant>>,
}

/// Wrong tokens that a network may send at once.
const AT_ONCE: u32 = 20;

/// After that, one more per this interval.
const ONE_MORE: Duration = Duration::from_secs(1);

/// From this size on, expired entries are removed.
const MANY: usize = 1024;

// === impl Failing ===

impl Failing {
    /// How long a network has to wait until its next token is introspected; `None`: not at all.
    pub(super) fn wait(&self, network: Network) -> Option<Duration> {
        let until = *self.all().get(&network)?;
        let over = until.saturating_duration_since(Instant::now());
        let wait = over.checked_sub(ONE_MORE * (AT_ONCE - 1))?;
        (!wait.is_zero()).then_some(wait)
    }

    /// Counts a wrong token.
    pub(super) fn count(&self, network: Network) {
        let now = Instant::now();
        let mut all = self.all();
        if all.len() >= MANY {
            all.retain(|_, until| *until > now);
        }
        let until = all.entry(network).or_insert(now);
        *until = (*until).max(now) + ONE_MORE;
    }

    fn all(&self) -> MutexGuard<'_, HashMap<Network, Instant>> {
        // No code under this lock can panic halfway through a change.
        self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Network {
        Network::of(text.parse().unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn a_network_waits_after_too_many_wrong_tokens_and_no_other_does() {
        let failing = Failing::default();
        let (bad, good) = (network("2001:db8::1"), network("2001:db8:1::1"));
        for _ in 0..AT_ONCE {
            assert_eq!(failing.wait(bad), None);
            failing.count(bad);
        }
        assert_eq!(failing.wait(bad), Some(ONE_MORE));
        // A neighbouring address belongs to the same customer.
        assert_eq!(failing.wait(network("2001:db8::2")), Some(ONE_MORE));
        assert_eq!(failing.wait(good), None);
        tokio::time::advance(ONE_MORE).await;
        assert_eq!(failing.wait(bad), None);
        failing.count(bad);
        assert_eq!(failing.wait(bad), Some(ONE_MORE));
        tokio::time::advance(ONE_MORE * AT_ONCE).await;
        failing
            .all()
            .extend((0..2000).map(|n| (Network::V4(n), Instant::now())));
        failing.count(good);
        assert_eq!(failing.all().len(), 1);
    }
}
