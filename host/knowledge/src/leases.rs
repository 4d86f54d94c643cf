//! Leases: while one write is decided, forwarded and recorded, no other write of the same users and
//! groups is. Names are folded: a write that names a user by id and one that uses the userName hold the
//! same lease once the record has returned both.

use std::collections::BTreeSet;

use scimguard_core::facts::{Answer, Fact, Group, Key, User};
use scimguard_core::{fold, skeleton};

/// What a lease is on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LeaseKey {
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

/// Timed out waiting for a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("another write of the same users or groups is not finished")]
pub struct Busy;

/// The leases of all writes.
pub trait Leases: Sync {
    /// Holds leases until it is dropped.
    type Guard: Send;

    /// Takes a lease on every name, in their order, so that two writes never wait for each other.
    fn acquire(
        &self,
        names: &BTreeSet<LeaseKey>,
    ) -> impl Future<Output = Result<Self::Guard, Busy>> + Send;
}

/// The leases that a write holds.
pub(crate) struct Held<G> {
    names: BTreeSet<LeaseKey>,
    _guard: Option<G>,
}

impl<G> Default for Held<G> {
    fn default() -> Self {
        Self {
            names: BTreeSet::new(),
            _guard: None,
        }
    }
}

impl<G> Held<G> {
    pub(crate) fn new(names: BTreeSet<LeaseKey>, guard: G) -> Self {
        Self {
            names,
            _guard: Some(guard),
        }
    }

    /// Whether all of these are held.
    pub(crate) fn covers(&self, names: &BTreeSet<LeaseKey>) -> bool {
        names.is_subset(&self.names)
    }
}

/// The names of a set of keys and of the facts about them so far.
#[must_use]
pub fn names<'a>(keys: impl IntoIterator<Item = &'a Key>, facts: &[Fact]) -> BTreeSet<LeaseKey> {
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
    use super::*;

    #[test]
    fn a_user_has_one_lease_whatever_its_reference() {
        assert_eq!(
            LeaseKey::user("A", "Ann@Example.com"),
            LeaseKey::user("A", "ann@example.com")
        );
        assert_ne!(LeaseKey::user("A", "g"), LeaseKey::group("A", "", "g"));
        assert_ne!(LeaseKey::user("A", "g"), LeaseKey::user("B", "g"));
    }
}
