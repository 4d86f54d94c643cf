//! Shares one question between all who need its answer at the same time.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OnceCell;

/// Questions in flight.
pub(super) struct Flights<K, A> {
    under_way: Mutex<HashMap<K, Arc<OnceCell<A>>>>,
}

/// A caller that waits for an answer; the last one drops the question.
struct Waiting<'f, K: Eq + Hash, A> {
    flights: &'f Flights<K, A>,
    key: K,
    answer: Arc<OnceCell<A>>,
}

// === impl Flights ===

impl<K: Copy + Eq + Hash, A: Clone> Flights<K, A> {
    pub(super) fn new() -> Self {
        Self {
            under_way: Mutex::default(),
        }
    }

    /// The answer to a question, which the first caller asks. If that caller is cancelled, the next
    /// one asks instead.
    pub(super) async fn answer(&self, key: K, ask: impl Future<Output = A>) -> A {
        let answer = Arc::clone(self.all().entry(key).or_default());
        let waiting = Waiting {
            flights: self,
            key,
            answer,
        };
        waiting.answer.get_or_init(|| ask).await.clone()
    }

    /// Whether the question is in flight.
    pub(super) fn has(&self, key: &K) -> bool {
        self.all().contains_key(key)
    }
}

impl<K, A> Flights<K, A> {
    fn all(&self) -> MutexGuard<'_, HashMap<K, Arc<OnceCell<A>>>> {
        // No code under this lock can panic halfway through a change.
        self.under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Eq + Hash, A> Drop for Waiting<'_, K, A> {
    fn drop(&mut self) {
        let mut all = self.flights.all();
        // Others clone it only under the lock. Nobody joins once it is answered.
        let is_last = Arc::strong_count(&self.answer) == 2;
        let is_this = all
            .get(&self.key)
            .is_some_and(|it| Arc::ptr_eq(it, &self.answer));
        if is_this && (is_last || self.answer.initialized()) {
            all.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_asks_and_another_takes_over() {
        let flights = Arc::new(Flights::<u8, u8>::new());
        let first = {
            let flights = Arc::clone(&flights);
            tokio::spawn(async move { flights.answer(1, std::future::pending()).await })
        };
        while !flights.has(&1) {
            tokio::task::yield_now().await;
        }
        let second = {
            let flights = Arc::clone(&flights);
            tokio::spawn(async move { flights.answer(1, async { 7 }).await })
        };
        tokio::task::yield_now().await;
        assert!(!second.is_finished(), "it waits for the first");
        first.abort();
        assert_eq!(second.await.unwrap(), 7);
        assert!(first.await.is_err());
        assert!(!flights.has(&1));
        assert_eq!(flights.answer(1, async { 8 }).await, 8, "it is asked again");
    }
}
