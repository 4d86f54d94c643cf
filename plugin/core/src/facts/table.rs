//! The record in memory, for everything that decides without a store: `scimguard check` and `test`,
//! the browser. The same questions and the same answers as the host's store.

use std::collections::{BTreeMap, BTreeSet};

use super::index::Index;
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
        Index::of(self).answer(key)
    }

    /// Answers keys, in order. What all of them need of the record is worked out once.
    #[must_use]
    pub fn answer_all(&self, keys: &[Key]) -> Vec<Answer> {
        let index = Index::of(self);
        keys.iter().map(|key| index.answer(key)).collect()
    }
}

// === impl Index: answers ===

impl<'t> Index<'t> {
    fn answer(&self, key: &Key) -> Answer {
        match key {
            Key::Token(hash) => self.token(hash),
            Key::Verified(key) => match self.table.verified.get(key) {
                Some(claims) => Answer::Claims(claims.clone()),
                None => Answer::Absent,
            },
            Key::Principal(key) => {
                let id = (key.account.clone(), key.id.clone());
                match self.table.principals.get(&id) {
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
            Key::Members(key) => Answer::Members(self.members(key)),
            Key::MembersDifference(key) => self.difference(key),
            Key::UserGroups(key) => self.groups_of(key),
        }
    }

    fn token(&self, hash: &str) -> Answer {
        let Some(token) = self.table.tokens.get(hash) else {
            return Answer::Absent;
        };
        let principals = &self.table.principals;
        let principal = self
            .table
            .token_principals
            .get(hash)
            .and_then(|key| {
                // A principal of another account is answered too: the rule that compares accounts
                // refuses it.
                principals
                    .get(key)
                    .or_else(|| principals.values().find(|other| other.id == key.1))
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
    fn user_like(&self, account: &str, id: &str) -> Option<(&'t str, &'t User)> {
        let exact = (account.to_owned(), id.to_owned());
        if let Some((key, user)) = self.table.users.get_key_value(&exact) {
            return Some((&key.1, user));
        }
        best(self.users_of_folded_id(account, &fold(id)), |user| {
            user.managed_by.is_some()
        })
    }

    fn named(&self, account: &str, name: &str) -> Option<(&'t str, &'t User)> {
        best(self.users_of_folded_name(account, &fold(name)), |user| {
            user.managed_by.is_some()
        })
    }

    /// The user as a rule sees it.
    pub(super) fn seen_user(&self, id: &str, user: &User) -> User {
        User {
            in_managed_group: self.is_in_managed_group(&user.account, id),
            ..user.clone()
        }
    }

    /// The group as a rule sees it.
    fn seen_group(&self, id: &str, group: &Group) -> Group {
        let attempt = (group.account.clone(), id.to_owned());
        let mut group = group.clone();
        // Which id it has is not known where another may have the one that its name gives.
        if group.id.is_none() && self.table.taken.contains(&attempt) {
            group.derived_id = None;
        }
        group
    }

    fn group(&self, key: &GroupKey) -> Answer {
        if let Some((id, group)) = self.group_like(&key.account, &key.scope, &key.id) {
            return Answer::Group(self.seen_group(id, group));
        }
        if key.unseen == Unseen::Pending && self.has_group_without_id(&key.account, &key.scope) {
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
    ) -> Option<(&'t str, &'t Group)> {
        let exact = (account.to_owned(), scope.to_owned(), id.to_owned());
        // A native one that is perhaps deleted gives way to one that a provider is creating in its place.
        let gives_way = |group: &Group| group.leaving && group.managed_by.is_none();
        if let Some((key, group)) = self.table.groups.get_key_value(&exact)
            && !gives_way(group)
        {
            return Some((&key.2, group));
        }
        best(
            self.groups_of_folded_id(account, scope, &fold(id)),
            |group| group.managed_by.is_some(),
        )
    }

    fn by_derived_id(&self, key: &DerivedIdKey) -> Answer {
        let groups = self.groups_of_derived_id(key);
        Answer::Groups(
            groups
                .into_iter()
                .map(|(id, group)| self.seen_group(id, group))
                .collect(),
        )
    }

    fn holders(&self, account: &str, value: &str) -> Answer {
        let users = self
            .users_of_identity(account, value)
            .into_iter()
            .map(|(_, user)| holder_of(user));
        let groups = self
            .groups_of_identity(account, value)
            .into_iter()
            .map(|(_, group)| Holder {
                kind: ResourceKind::Group,
                id: group.id.clone(),
                name: group.display_name.clone(),
            });
        Answer::Holders(users.chain(groups).collect())
    }

    fn alike(&self, account: &str, name: &str) -> Answer {
        let users = self.users_of_look(account, &skeleton(name));
        Answer::Holders(users.into_iter().map(|(_, user)| holder_of(user)).collect())
    }

    /// The stored id of a user reference. One that means several users means the one who is locked
    /// most.
    pub(super) fn resolve(
        &self,
        account: &str,
        reference: &str,
        names: bool,
    ) -> Option<(&'t str, &'t User)> {
        let by_id = self.user_like(account, reference);
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
            .memberships_of_user(&key.account, id)
            .into_iter()
            .map(|(account, scope, group, _)| {
                let key = (account.clone(), scope.clone(), group.clone());
                match self.table.groups.get(&key) {
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

fn holder_of(user: &User) -> Holder {
    Holder {
        kind: ResourceKind::User,
        id: user.id.clone(),
        name: Some(user.user_name.clone()),
    }
}

/// The first that is owned, else the first.
fn best<'a, T>(
    candidates: impl IntoIterator<Item = (&'a str, &'a T)>,
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
