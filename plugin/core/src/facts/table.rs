//! The record in memory, for everything that decides without a store: `scimguard check` and `test`,
//! the browser. The same questions and the same answers as the host's store.

use std::collections::{BTreeMap, BTreeSet};

use super::memberships::Membership;
use super::{
    Answer, DerivedIdKey, Group, GroupKey, Holder, Key, Principal, ResourceKind, Token, Unseen,
    User, UserGroupsKey, UserKey, VerifiedKey,
};
use crate::fold::{fold, skeleton};

/// The whole record. Complete: what is not in it does not exist.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    pub(super) tokens: BTreeMap<String, Token>,
    pub(super) token_principals: BTreeMap<String, (String, String)>,
    /// The claims of tokens that an issuer vouches for.
    pub(super) verified: BTreeMap<VerifiedKey, String>,
    pub(super) principals: BTreeMap<(String, String), Principal>,
    pub(super) users: BTreeMap<(String, String), User>,
    pub(super) groups: BTreeMap<(String, String, String), Group>,
    /// Unsettled creates of groups, by account and id, whose derived id was another group's when they
    /// began, or may be that of an earlier attempt.
    pub(super) taken: BTreeSet<(String, String)>,
    /// How many attempts to create a group have no outcome, beside the first; by account and id.
    pub(super) again: BTreeMap<(String, String), u32>,
    /// By account, scope, group, user.
    pub(super) members: BTreeMap<(String, String, String, String), Membership>,
}

impl Table {
    /// Adds another table's entries; one with the same key replaces.
    pub fn merge(&mut self, other: Self) {
        self.tokens.extend(other.tokens);
        self.token_principals.extend(other.token_principals);
        self.verified.extend(other.verified);
        self.principals.extend(other.principals);
        self.users.extend(other.users);
        self.groups.extend(other.groups);
        self.taken.extend(other.taken);
        self.again.extend(other.again);
        self.members.extend(other.members);
    }

    /// Answers a key.
    #[must_use]
    pub fn answer(&self, key: &Key) -> Answer {
        match key {
            Key::Token(hash) => self.token(hash),
            Key::Verified(key) => match self.verified.get(key) {
                Some(claims) => Answer::Claims(claims.clone()),
                None => Answer::Absent,
            },
            Key::Principal(key) => {
                let id = (key.account.clone(), key.id.clone());
                match self.principals.get(&id) {
                    Some(principal) => Answer::Principal(principal.clone()),
                    None => Answer::Absent,
                }
            }
            Key::User(key) => self.user(key),
            Key::UserByName(key) => match self.named(&key.account, &key.value) {
                Some((id, user)) => Answer::User(self.seen_user(id, user)),
                None if key.unseen == Unseen::Pending && self.has_nameless(&key.account) => {
                    Answer::Unavailable
                }
                None => Answer::Absent,
            },
            Key::UserAlike(key) => self.alike(&key.account, &key.value),
            Key::Group(key) => self.group(key),
            Key::GroupByDerivedId(key) => self.by_derived_id(key),
            Key::ExternalId(key) => self.holders(&key.account, &key.value),
            Key::Members(key) => Answer::Members(
                key.users
                    .iter()
                    .map(|reference| self.member(key, reference))
                    .collect(),
            ),
            Key::MembersDifference(key) => self.difference(key),
            Key::UserGroups(key) => self.groups_of(key),
        }
    }

    fn token(&self, hash: &str) -> Answer {
        let Some(token) = self.tokens.get(hash) else {
            return Answer::Absent;
        };
        let principal = self
            .token_principals
            .get(hash)
            .and_then(|key| {
                // A principal of another account is answered too: the rule that compares accounts
                // refuses it.
                self.principals
                    .get(key)
                    .or_else(|| self.principals.values().find(|other| other.id == key.1))
            })
            .cloned();
        Answer::Token(Token {
            principal,
            ..token.clone()
        })
    }

    fn user(&self, key: &UserKey) -> Answer {
        match self.user_like(&key.account, &key.value) {
            Some((id, user)) => Answer::User(self.seen_user(id, user)),
            None if key.unseen == Unseen::Pending && self.has_pending_user(&key.account) => {
                Answer::Unavailable
            }
            None => Answer::Absent,
        }
    }

    /// The exact id, else one that is equal when folded, an owned one first.
    fn user_like(&self, account: &str, id: &str) -> Option<(&str, &User)> {
        let exact = (account.to_owned(), id.to_owned());
        if let Some((key, user)) = self.users.get_key_value(&exact) {
            return Some((&key.1, user));
        }
        let folded = fold(id);
        best(
            self.users_of(account)
                .filter(|(other, _)| fold(other) == folded),
            |user| user.managed_by.is_some(),
        )
    }

    fn named(&self, account: &str, name: &str) -> Option<(&str, &User)> {
        let folded = fold(name);
        best(
            self.users_of(account)
                .filter(|(_, user)| fold(&user.user_name) == folded),
            |user| user.managed_by.is_some(),
        )
    }

    fn users_of(&self, account: &str) -> impl Iterator<Item = (&str, &User)> {
        self.users
            .iter()
            .filter(move |(key, _)| key.0 == account)
            .map(|(key, user)| (key.1.as_str(), user))
    }

    fn groups_in(&self, account: &str) -> impl Iterator<Item = (&str, &Group)> {
        self.groups
            .iter()
            .filter(move |(key, _)| key.0 == account)
            .map(|(key, group)| (key.2.as_str(), group))
    }

    fn has_pending_user(&self, account: &str) -> bool {
        self.users_of(account).any(|(_, user)| user.id.is_none())
    }

    /// Whether a provider has taken over somebody whose name is not known yet.
    fn has_nameless(&self, account: &str) -> bool {
        self.users_of(account)
            .any(|(id, user)| user.managed_by.is_some() && user.pending && user.user_name == id)
    }

    /// The user as a rule sees it.
    pub(super) fn seen_user(&self, id: &str, user: &User) -> User {
        let in_managed_group = self.members.keys().any(|(account, scope, group, member)| {
            *account == user.account
                && member == id
                && self
                    .groups
                    .get(&(account.clone(), scope.clone(), group.clone()))
                    .is_some_and(|group| group.managed_by.is_some())
        });
        User {
            in_managed_group,
            ..user.clone()
        }
    }

    /// The group as a rule sees it.
    fn seen_group(&self, id: &str, group: &Group) -> Group {
        let attempt = (group.account.clone(), id.to_owned());
        let mut group = group.clone();
        // Which id it has is not known where another may have the one that its name gives.
        if group.id.is_none() && self.taken.contains(&attempt) {
            group.derived_id = None;
        }
        group
    }

    fn group(&self, key: &GroupKey) -> Answer {
        if let Some((id, group)) = self.group_like(&key.account, &key.scope, &key.id) {
            return Answer::Group(self.seen_group(id, group));
        }
        // Where the derived id is taken, an application gives another one.
        let is_taken = |id: &String| {
            let key = (key.account.clone(), key.scope.clone(), id.clone());
            self.groups.contains_key(&key)
        };
        let was_taken = |id: &str| {
            let key = (key.account.clone(), id.to_owned());
            self.taken.contains(&key)
        };
        let may_be_pending = self.groups_in(&key.account).any(|(id, group)| {
            group.scope == key.scope
                && group.id.is_none()
                && (group.derived_id.as_ref().is_none_or(is_taken) || was_taken(id))
        });
        if key.unseen == Unseen::Pending && may_be_pending {
            return Answer::Unavailable;
        }
        Answer::Absent
    }

    /// The exact id, else one that is equal when folded, or an unsettled create that gives it; an
    /// owned one first.
    pub(super) fn group_like(
        &self,
        account: &str,
        scope: &str,
        id: &str,
    ) -> Option<(&str, &Group)> {
        let exact = (account.to_owned(), scope.to_owned(), id.to_owned());
        // A native one that is perhaps deleted gives way to one that a provider is creating in its place.
        let gives_way = |group: &Group| group.leaving && group.managed_by.is_none();
        if let Some((key, group)) = self.groups.get_key_value(&exact)
            && !gives_way(group)
        {
            return Some((&key.2, group));
        }
        let folded = fold(id);
        let alike = self.groups_in(account).filter(|(other, group)| {
            let derived = group.derived_id.as_deref().filter(|_| group.id.is_none());
            group.scope == scope
                && (fold(other) == folded || derived.map(fold).as_ref() == Some(&folded))
        });
        best(alike, |group| group.managed_by.is_some())
    }

    fn by_derived_id(&self, key: &DerivedIdKey) -> Answer {
        let groups: Vec<Group> = self
            .groups_in(&key.account)
            .filter(|(id, group)| {
                group.scope == key.scope
                    && (*id == key.id
                        || group
                            .display_name
                            .as_deref()
                            .map(|name| key.derive(name))
                            .as_deref()
                            == Some(&key.id)
                        || group.derived_id.as_ref() == Some(&key.id))
            })
            .map(|(id, group)| self.seen_group(id, group))
            .collect();
        Answer::Groups(groups)
    }

    fn holders(&self, account: &str, value: &str) -> Answer {
        let users = self
            .users_of(account)
            .filter(|(id, user)| *id == value || user.external_id.as_deref() == Some(value))
            .map(|(_, user)| Holder {
                kind: ResourceKind::User,
                id: user.id.clone(),
                name: Some(user.user_name.clone()),
            });
        let groups = self
            .groups_in(account)
            .filter(|(id, group)| *id == value || group.external_id.as_deref() == Some(value))
            .map(|(_, group)| Holder {
                kind: ResourceKind::Group,
                id: group.id.clone(),
                name: group.display_name.clone(),
            });
        Answer::Holders(users.chain(groups).collect())
    }

    fn alike(&self, account: &str, name: &str) -> Answer {
        let shape = skeleton(name);
        let users = self
            .users_of(account)
            .filter(|(_, user)| skeleton(&user.user_name) == shape);
        Answer::Holders(
            users
                .map(|(_, user)| Holder {
                    kind: ResourceKind::User,
                    id: user.id.clone(),
                    name: Some(user.user_name.clone()),
                })
                .collect(),
        )
    }

    /// The stored id of a user reference. One that means several users means the one who is locked
    /// most.
    pub(super) fn resolve(
        &self,
        account: &str,
        reference: &str,
        names: bool,
    ) -> Option<(&str, &User)> {
        let exact = (account.to_owned(), reference.to_owned());
        let by_id = self.users.get_key_value(&exact);
        let by_id = by_id
            .map(|(key, user)| (key.1.as_str(), user))
            .or_else(|| self.user_like(account, reference));
        if !names {
            return by_id;
        }
        let by_name = self.named(account, reference);
        // The last of equals: the id.
        let both = by_name.into_iter().chain(by_id);
        both.max_by_key(|(id, user)| self.seen_user(id, user).locks())
    }

    fn groups_of(&self, key: &UserGroupsKey) -> Answer {
        let id = self
            .resolve(&key.account, &key.user, true)
            .map_or(key.user.as_str(), |(id, _)| id);
        let groups = self
            .members
            .keys()
            .filter(|(account, _, _, user)| *account == key.account && user == id)
            .map(|(account, scope, group, _)| {
                let key = (account.clone(), scope.clone(), group.clone());
                match self.groups.get(&key) {
                    Some(recorded) => self.seen_group(group, recorded),
                    None => Group {
                        account: account.clone(),
                        scope: scope.clone(),
                        id: Some(group.clone()),
                        ..Group::default()
                    },
                }
            })
            .collect();
        Answer::Groups(groups)
    }
}

/// The first that is owned, else the first.
fn best<'a, T>(
    candidates: impl Iterator<Item = (&'a str, &'a T)>,
    owned: impl Fn(&T) -> bool,
) -> Option<(&'a str, &'a T)> {
    let mut first = None;
    for candidate in candidates {
        if owned(candidate.1) {
            return Some(candidate);
        }
        first = first.or(Some(candidate));
    }
    first
}
