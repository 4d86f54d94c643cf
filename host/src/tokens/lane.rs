//! Limits questions to a slow service: how many at once, how many more may wait, and each asker's
//! share of both. An asker with many questions leaves room for all others, and one without room is
//! refused at once.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Semaphore, SemaphorePermit};

/// The limits of a lane.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    /// Questions at once.
    pub(super) at_once: usize,
    /// One asker's share of them.
    pub(super) at_once_each: usize,
    /// Questions at once and waiting.
    pub(super) places: usize,
    /// One asker's share of them.
    pub(super) places_each: usize,
}

/// One lane.
pub(super) struct Lane<K> {
    room: Room,
    turns: Semaphore,
    askers: Mutex<HashMap<K, Asker>>,
}

/// One that has questions in the lane.
struct Asker {
    places: usize,
    turns: Arc<Semaphore>,
}

/// A question's place in a lane, released when dropped.
pub(super) struct Place<'l, K: Eq + Hash> {
    lane: &'l Lane<K>,
    asker: K,
    turns: Arc<Semaphore>,
}

/// The question may be asked while this exists.
pub(super) struct Turn<'p> {
    _own: Option<SemaphorePermit<'p>>,
    _all: Option<SemaphorePermit<'p>>,
}

// === impl Lane ===

impl<K: Clone + Eq + Hash> Lane<K> {
    pub(super) fn new(room: Room) -> Self {
        Self {
            room,
            turns: Semaphore::new(room.at_once),
            askers: Mutex::default(),
        }
    }

    /// A place for one more question. `None`: the lane, or the asker's share of it, is full.
    pub(super) fn enter(&self, asker: K) -> Option<Place<'_, K>> {
        let mut askers = self.askers();
        let taken: usize = askers.values().map(|asker| asker.places).sum();
        let own = askers.get(&asker).map_or(0, |asker| asker.places);
        if taken >= self.room.places || own >= self.room.places_each {
            return None;
        }
        let entry = askers.entry(asker.clone()).or_insert_with(|| Asker {
            places: 0,
            turns: Arc::new(Semaphore::new(self.room.at_once_each)),
        });
        entry.places += 1;
        let turns = Arc::clone(&entry.turns);
        drop(askers);
        Some(Place {
            lane: self,
            asker,
            turns,
        })
    }
}

impl<K> Lane<K> {
    fn askers(&self) -> MutexGuard<'_, HashMap<K, Asker>> {
        // No code under this lock can panic halfway through a change.
        self.askers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Place ===

impl<K: Eq + Hash> Place<'_, K> {
    /// Waits for its turn. Waiting for its own share delays nobody else.
    pub(super) async fn turn(&self) -> Turn<'_> {
        // No semaphore here is ever closed.
        let own = self.turns.acquire().await.ok();
        let all = self.lane.turns.acquire().await.ok();
        Turn {
            _own: own,
            _all: all,
        }
    }
}

impl<K: Eq + Hash> Drop for Place<'_, K> {
    fn drop(&mut self) {
        let mut askers = self.lane.askers();
        if let Some(asker) = askers.get_mut(&self.asker) {
            asker.places -= 1;
            if asker.places == 0 {
                askers.remove(&self.asker);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use proptest::prelude::*;

    use super::*;

    const ROOM: Room = Room {
        at_once: 4,
        at_once_each: 2,
        places: 12,
        places_each: 5,
    };

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// In any order of events, an asker with a free share gets a place while the lane has one,
        /// nobody has more than a share, and in the end everything is free again.
        #[test]
        fn nobody_has_more_than_a_share(askers in prop::collection::vec(0u8..5, 0..60)) {
            let lane = Lane::new(ROOM);
            let mut places = Vec::new();
            let mut taken = BTreeMap::<u8, usize>::new();
            for asker in askers {
                let own = taken.entry(asker).or_default();
                let expected = *own < ROOM.places_each && places.len() < ROOM.places;
                let place = lane.enter(asker);
                prop_assert_eq!(place.is_some(), expected);
                *own += usize::from(expected);
                places.extend(place);
            }
            drop(places);
            prop_assert!(lane.askers().is_empty());
        }

        /// All questions of any askers are asked, never too many at once.
        #[test]
        fn all_with_a_place_have_their_turn(askers in prop::collection::vec(0u8..5, 1..40)) {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
            runtime.block_on(async {
                let lane = Arc::new(Lane::new(ROOM));
                let asked = Arc::new([const { AtomicUsize::new(0) }; 6]);
                let tasks: Vec<_> = askers
                    .into_iter()
                    .map(|asker| {
                        let (lane, asked) = (Arc::clone(&lane), Arc::clone(&asked));
                        tokio::spawn(async move {
                            let Some(place) = lane.enter(asker) else { return };
                            let turn = place.turn().await;
                            let all = asked[5].fetch_add(1, Ordering::SeqCst);
                            let own = asked[usize::from(asker)].fetch_add(1, Ordering::SeqCst);
                            assert!(all < ROOM.at_once && own < ROOM.at_once_each);
                            tokio::task::yield_now().await;
                            asked[usize::from(asker)].fetch_sub(1, Ordering::SeqCst);
                            asked[5].fetch_sub(1, Ordering::SeqCst);
                            drop(turn);
                        })
                    })
                    .collect();
                for task in tasks {
                    task.await.unwrap();
                }
                assert!(lane.askers().is_empty());
            });
        }
    }
}
