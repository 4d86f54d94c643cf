//! Leases: while one write is decided, forwarded and recorded, no other write of the same users and
//! groups is.
//!
//! Leases are taken one after another in sorted order, so that two writes never deadlock. Names are
//! folded: a write that names a user by id and one that uses the userName hold the same lease once
//! the record has returned both.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use scimguard_core::facts::{Answer, Fact, Group, Key, User};
use scimguard_core::{fold, skeleton};
use tokio::sync::OwnedMutexGuard;

/// What a lease is on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct LeaseKey {
    account: String,
    kind: Kind,
    text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Kind {
    User,
    Look,
    Group,
    ExternalId,
}

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

/// Timed out waiting for a lease.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Busy;

impl Leases {
    /// No lease is taken yet; a write waits for its leases for this long.
    pub(super) fn new(timeout: Duration) -> Self {
        Self {
            timeout,
            names: Arc::default(),
        }
    }

    /// Takes a lease on every name.
    pub(super) async fn acquire(&self, names: BTreeSet<LeaseKey>) -> Result<LeaseGuard, Busy> {
        let mut held = LeaseGuard {
            leases: self.clone(),
            guards: BTreeMap::new(),
        };
        let take_all = async {
            for name in names {
                let lease = Arc::clone(self.lock().entry(name.clone()).or_default());
                held.guards.insert(name, lease.lock_owned().await);
            }
        };
        match tokio::time::timeout(self.timeout, take_all).await {
            Ok(()) => Ok(held),
            Err(_) => Err(Busy),
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<LeaseKey, Arc<tokio::sync::Mutex<()>>>> {
        // No code under this lock can panic halfway through a change.
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LeaseGuard {
    /// Whether all of these are held.
    pub(super) fn covers(&self, names: &BTreeSet<LeaseKey>) -> bool {
        names.iter().all(|name| self.guards.contains_key(name))
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

/// The names of a set of keys and of the facts about them so far.
pub(super) fn names<'a>(
    keys: impl IntoIterator<Item = &'a Key>,
    facts: &[Fact],
) -> BTreeSet<LeaseKey> {
    let mut names = BTreeSet::new();
    for key in keys {
        match key {
            Key::Token(_) | Key::Verified(_) | Key::Principal(_) => {}
            Key::User(key) | Key::UserByName(key) => {
                names.insert(LeaseKey::user(&key.account, &key.value));
            }
            Key::UserAlike(key) => {
                names.insert(LeaseKey::look(&key.account, &key.value));
            }
            Key::Group(key) => {
                names.insert(LeaseKey::group(&key.account, &key.scope, &key.id));
            }
            Key::GroupByDerivedId(key) => {
                names.insert(LeaseKey::group(&key.account, &key.scope, &key.id));
            }
            Key::ExternalId(key) => {
                names.insert(LeaseKey::external_id(&key.account, &key.value));
            }
            Key::Members(key) | Key::MembersDifference(key) => {
                if !key.group.is_empty() {
                    names.insert(LeaseKey::group(&key.account, &key.scope, &key.group));
                }
                let users = key.users.iter();
                names.extend(users.map(|user| LeaseKey::user(&key.account, user)));
            }
            Key::UserGroups(key) => {
                names.insert(LeaseKey::user(&key.account, &key.user));
            }
        }
    }
    for fact in facts {
        match &fact.answer {
            Answer::User(user) => names.extend(names_of(user)),
            Answer::Group(group) => names.extend(names_of_group(group)),
            Answer::Groups(groups) => names.extend(groups.iter().flat_map(names_of_group)),
            Answer::Members(members) => {
                names.extend(
                    members
                        .iter()
                        .flat_map(|member| &member.user)
                        .flat_map(names_of),
                );
            }
            Answer::Difference(difference) => {
                // Users that a write removes may be taken over meanwhile, like those that it adds.
                let both = difference.added.iter().chain(&difference.removed);
                names.extend(both.flat_map(|member| &member.user).flat_map(names_of));
            }
            Answer::Absent
            | Answer::Unavailable
            | Answer::Token(_)
            | Answer::Claims(_)
            | Answer::Principal(_)
            | Answer::Holders(_) => {}
        }
    }
    names
}

fn names_of(user: &User) -> impl Iterator<Item = LeaseKey> + use<'_> {
    let references = user.id.iter().chain([&user.user_name]);
    references.map(|reference| LeaseKey::user(&user.account, reference))
}

fn names_of_group(group: &Group) -> impl Iterator<Item = LeaseKey> + use<'_> {
    let ids = group.id.iter().chain(&group.derived_id);
    ids.map(|id| LeaseKey::group(&group.account, &group.scope, id))
}

impl LeaseKey {
    fn user(account: &str, reference: &str) -> Self {
        Self::new(account, Kind::User, fold(reference))
    }

    fn look(account: &str, name: &str) -> Self {
        Self::new(account, Kind::Look, skeleton(name))
    }

    fn group(account: &str, scope: &str, id: &str) -> Self {
        Self::new(account, Kind::Group, format!("{scope}\n{}", fold(id)))
    }

    fn external_id(account: &str, value: &str) -> Self {
        Self::new(account, Kind::ExternalId, value.to_owned())
    }

    fn new(account: &str, kind: Kind, text: String) -> Self {
        Self {
            account: account.to_owned(),
            kind,
            text,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LONG: Duration = Duration::from_secs(20);

    fn set(users: &[u8]) -> BTreeSet<LeaseKey> {
        users
            .iter()
            .map(|n| LeaseKey::user("A", &n.to_string()))
            .collect()
    }

    #[tokio::test]
    async fn who_waits_too_long_is_told() {
        let leases = Leases::new(LONG);
        let impatient = Leases {
            timeout: Duration::from_millis(20),
            ..leases.clone()
        };
        let first = leases.acquire(set(&[1, 2])).await.unwrap();
        assert!(impatient.acquire(set(&[2, 3])).await.is_err());
        // The leases that the second had taken are free again.
        drop(impatient.acquire(set(&[3])).await.unwrap());
        drop(first);
        drop(leases.acquire(set(&[2, 3])).await.unwrap());
        assert!(leases.lock().is_empty(), "no lease stays in memory");
    }

    #[test]
    fn a_user_has_one_lease_whatever_its_reference() {
        assert_eq!(
            LeaseKey::user("A", "Ann@Example.com"),
            LeaseKey::user("A", "ann@example.com")
        );
        assert_ne!(LeaseKey::user("A", "g"), LeaseKey::group("A", "", "g"));
        assert_ne!(LeaseKey::user("A", "g"), LeaseKey::user("B", "g"));
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
                            let held = leases.acquire(set(&users)).await.unwrap();
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
