//! The leases of this process. They are taken one after another in sorted order, so that two writes
//! never deadlock.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use scimguard_knowledge::{Busy, LeaseKey};
use tokio::sync::OwnedMutexGuard;

/// All leases of this process.
#[derive(Clone, Default)]
pub(super) struct Leases {
    /// How long to wait for them.
    timeout: Duration,
    names: Arc<Mutex<HashMap<LeaseKey, Arc<tokio::sync::Mutex<()>>>>>,
}

/// Leases that are held until this is dropped.
#[derive(Default)]
pub(super) struct LeaseGuard {
    leases: Leases,
    guards: BTreeMap<LeaseKey, OwnedMutexGuard<()>>,
}

impl Leases {
    /// No lease is taken yet; a write waits for its leases for this long.
    pub(super) fn new(timeout: Duration) -> Self {
        Self {
            timeout,
            names: Arc::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<LeaseKey, Arc<tokio::sync::Mutex<()>>>> {
        // No code under this lock can panic halfway through a change.
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl scimguard_knowledge::Leases for Leases {
    type Guard = LeaseGuard;

    async fn acquire(&self, names: &BTreeSet<LeaseKey>) -> Result<LeaseGuard, Busy> {
        let mut held = LeaseGuard {
            leases: self.clone(),
            guards: BTreeMap::new(),
        };
        let take_all = async {
            for name in names {
                let lease = Arc::clone(self.lock().entry(name.clone()).or_default());
                held.guards.insert(name.clone(), lease.lock_owned().await);
            }
        };
        match tokio::time::timeout(self.timeout, take_all).await {
            Ok(()) => Ok(held),
            Err(_) => Err(Busy),
        }
    }
}

impl Drop for LeaseGuard {
    fn drop(&mut self) {
        let guards = std::mem::take(&mut self.guards);
        let names: Vec<LeaseKey> = guards.keys().cloned().collect();
        drop(guards);
        let mut map = self.leases.lock();
        for name in names {
            // Others clone a lease only under the map's lock: at a count of one nobody has it.
            if map
                .get(&name)
                .is_some_and(|lease| Arc::strong_count(lease) == 1)
            {
                map.remove(&name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use scimguard_core::facts::{Key, Unseen, UserKey};
    use scimguard_knowledge::{Leases as _, names};

    use super::*;

    const LONG: Duration = Duration::from_secs(20);

    fn set(users: &[u8]) -> BTreeSet<LeaseKey> {
        let key = |user: &u8| {
            Key::User(UserKey {
                account: "A".to_owned(),
                value: user.to_string(),
                unseen: Unseen::Absent,
            })
        };
        names(&users.iter().map(key).collect::<Vec<_>>(), &[])
    }

    #[tokio::test]
    async fn who_waits_too_long_is_told() {
        let leases = Leases::new(LONG);
        let impatient = Leases {
            timeout: Duration::from_millis(20),
            ..leases.clone()
        };
        let first = leases.acquire(&set(&[1, 2])).await.unwrap();
        assert!(impatient.acquire(&set(&[2, 3])).await.is_err());
        // The leases that the second had taken are free again.
        drop(impatient.acquire(&set(&[3])).await.unwrap());
        drop(first);
        drop(leases.acquire(&set(&[2, 3])).await.unwrap());
        assert!(leases.lock().is_empty(), "no lease stays in memory");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        /// Any number of overlapping writes complete, and never two of one name at once.
        #[test]
        fn writes_never_wait_for_each_other(
            writes in prop::collection::vec(prop::collection::vec(0u8..6, 1..5), 2..24)
        ) {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_time()
                .build()
                .unwrap();
            runtime.block_on(async {
                let leases = Leases::new(LONG);
                let busy: Arc<Mutex<BTreeSet<u8>>> = Arc::default();
                let tasks: Vec<_> = writes
                    .into_iter()
                    .map(|users| {
                        let (leases, busy) = (leases.clone(), Arc::clone(&busy));
                        tokio::spawn(async move {
                            let held = leases.acquire(&set(&users)).await.unwrap();
                            let mine: BTreeSet<u8> = users.into_iter().collect();
                            {
                                let mut busy = busy.lock().unwrap();
                                assert!(busy.is_disjoint(&mine));
                                busy.extend(&mine);
                            }
                            tokio::task::yield_now().await;
                            busy.lock().unwrap().retain(|user| !mine.contains(user));
                            drop(held);
                        })
                    })
                    .collect();
                for task in tasks {
                    task.await.unwrap();
                }
                assert!(leases.lock().is_empty());
            });
        }
    }
}
