//! Limits concurrent requests such that no client, no account and no crowd without a good token can
//! starve the others.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::network::Network;

/// The concurrent requests of one gateway.
pub(super) struct Room {
    all: Arc<Semaphore>,
    /// The limit of one account.
    each_account: usize,
    /// The limit of all requests without a good token together.
    unverified: usize,
    /// The limit of one client.
    each_network: usize,
    taken: Arc<Taken>,
}

type Taken = Mutex<HashMap<Holder, usize>>;

/// Whose share a request is counted against.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Holder {
    Network(Network),
    Account(String),
    Unverified,
}

/// One request's place, which is freed when this is dropped.
pub(super) struct Place {
    _all: OwnedSemaphorePermit,
    _network: Share,
    holder: Option<Share>,
}

/// One more request of a holder.
struct Share {
    taken: Arc<Taken>,
    holder: Holder,
}

/// Which limit is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Full {
    #[error("it has too many requests under way")]
    Gateway,
    #[error("one client has too many requests under way")]
    Network,
    #[error("one account has too many requests under way")]
    Account,
    #[error("too many requests without a good token are under way")]
    Unverified,
}

/// No share is smaller, so that a gateway with little room can use it.
const LEAST: usize = 16;

// === impl Room ===

impl Room {
    /// Allows `requests` requests; a single account may use all of them.
    pub(super) fn new(requests: usize, accounts: Option<usize>) -> Self {
        let share = |of: usize| (requests / of).max(LEAST).min(requests);
        Self {
            all: Arc::new(Semaphore::new(requests)),
            each_account: match accounts {
                Some(1) => requests,
                _ => share(2),
            },
            unverified: share(4),
            each_network: share(4),
            taken: Arc::default(),
        }
    }

    /// Takes a place for one more request of a client.
    pub(super) fn enter(&self, network: Network) -> Result<Place, Full> {
        let network = self.share(Holder::Network(network), self.each_network);
        let network = network.ok_or(Full::Network)?;
        let all = Arc::clone(&self.all).try_acquire_owned();
        Ok(Place {
            _all: all.map_err(|_| Full::Gateway)?,
            _network: network,
            holder: None,
        })
    }

    /// Counts a place against the account of its good token.
    pub(super) fn verified(&self, place: &mut Place, account: &str) -> Result<(), Full> {
        let holder = Holder::Account(account.to_owned());
        if place.holder.as_ref().is_some_and(|it| it.holder == holder) {
            return Ok(());
        }
        let share = self.share(holder, self.each_account);
        place.holder = Some(share.ok_or(Full::Account)?);
        Ok(())
    }

    /// Counts a place against requests without a good token.
    pub(super) fn unverified(&self, place: &mut Place) -> Result<(), Full> {
        if place.holder.is_none() {
            let share = self.share(Holder::Unverified, self.unverified);
            place.holder = Some(share.ok_or(Full::Unverified)?);
        }
        Ok(())
    }

    fn share(&self, holder: Holder, most: usize) -> Option<Share> {
        let mut taken = lock(&self.taken);
        let count = taken.entry(holder.clone()).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        drop(taken);
        Some(Share {
            taken: Arc::clone(&self.taken),
            holder,
        })
    }
}

fn lock(taken: &Taken) -> MutexGuard<'_, HashMap<Holder, usize>> {
    // No code under this lock can panic halfway through a change.
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut taken = lock(&self.taken);
        if let Some(count) = taken.get_mut(&self.holder) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                taken.remove(&self.holder);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    enum Step {
        Enter(u32),
        Verified(usize, u8),
        Unverified(usize),
        Leave(usize),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        prop::collection::vec(
            prop_oneof![
                3 => (0u32..6).prop_map(Step::Enter),
                2 => (0usize..80, 0u8..4).prop_map(|(place, account)| Step::Verified(place, account)),
                1 => (0usize..80).prop_map(Step::Unverified),
                1 => (0usize..80).prop_map(Step::Leave),
            ],
            0..300,
        )
    }

    proptest! {
        /// In any order of events, nobody gets more than a share, nobody with a free share is
        /// refused while there is room, and in the end everything is free.
        #[test]
        fn shares_hold_and_end(steps in steps()) {
            let room = Room::new(80, None);
            let mut places: Vec<(u32, Option<u8>, Place)> = Vec::new();
            for step in steps {
                match step {
                    Step::Enter(network) => {
                        let own = places.iter().filter(|it| it.0 == network).count();
                        let expected = match (own, places.len()) {
                            (20.., _) => Err(Full::Network),
                            (_, 80..) => Err(Full::Gateway),
                            _ => Ok(()),
                        };
                        let entered = room.enter(Network::V4(network));
                        prop_assert_eq!(entered.as_ref().map(drop), expected.as_ref().map(drop));
                        places.extend(entered.ok().map(|place| (network, None, place)));
                    }
                    Step::Verified(position, account) => {
                        let own = places.iter().filter(|it| it.1 == Some(account)).count();
                        let Some((_, holder, place)) = places.get_mut(position) else { continue };
                        let expected = own < 40 || *holder == Some(account);
                        let verified = room.verified(place, &account.to_string());
                        prop_assert_eq!(verified.is_ok(), expected);
                        if expected {
                            *holder = Some(account);
                        }
                    }
                    Step::Unverified(position) => {
                        let Some((_, _, place)) = places.get_mut(position) else { continue };
                        let _ = room.unverified(place);
                    }
                    Step::Leave(position) => {
                        if position < places.len() {
                            places.swap_remove(position);
                        }
                    }
                }
                let unverified = lock(&room.taken).get(&Holder::Unverified).copied();
                prop_assert!(unverified.unwrap_or_default() <= 20);
            }
            drop(places);
            prop_assert!(lock(&room.taken).is_empty());
            prop_assert_eq!(room.all.available_permits(), 80);
        }
    }

    #[test]
    fn a_gateway_of_one_account_or_with_little_room_uses_what_it_has() {
        let fill = |room: &Room, networks: u32| {
            let mut places = Vec::new();
            loop {
                let number = u32::try_from(places.len()).unwrap();
                let Ok(mut place) = room.enter(Network::V4(number % networks)) else {
                    break;
                };
                if room.verified(&mut place, "A").is_err() {
                    break;
                }
                places.push(place);
            }
            places.len()
        };
        assert_eq!(fill(&Room::new(1000, Some(1)), 100), 1000);
        assert_eq!(fill(&Room::new(1000, Some(2)), 100), 500);
        assert_eq!(fill(&Room::new(1000, None), 100), 500);
        assert_eq!(fill(&Room::new(1000, Some(1)), 1), 250);
        assert_eq!(fill(&Room::new(2, None), 1), 2);
    }
}
