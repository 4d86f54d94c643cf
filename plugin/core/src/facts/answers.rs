//! Answers keys from the record in memory.

use std::borrow::Cow;

use super::index::Index;
use super::rows::GroupRowKey;
use super::table::Table;
use super::{
    Answer, DerivedIdKey, Group, GroupKey, Holder, Key, ResourceKind, Token, Unseen, User,
    UserGroupsKey, UserKey,
};
use crate::fold::skeleton;

// === impl Table ===

impl Table {
    /// Answers a key.
    #[must_use]
    pub fn answer(&self, key: &Key) -> Answer {
        Index::of(self).answer(key)
    }

    /// Answers keys, in order. What all of them need of the record is computed once.
    #[must_use]
    pub fn answer_all(&self, keys: &[Key]) -> Vec<Answer> {
        let index = Index::of(self);
        keys.iter().map(|key| index.answer(key)).collect()
    }
}

// === impl Index ===

impl<'t> Index<'t> {
    fn answer(&self, key: &Key) -> Answer {
        match key {
            Key::Token(hash) => self.token(hash),
            Key::Verified(key) => match self.table.verified.get(key) {
                Some(claims) => Answer::Claims(claims.clone()),
                None => Answer::Absent,
            },
            Key::Principal(key) => match self.table.principals.get(key) {
                Some(principal) => Answer::Principal(principal.clone()),
                None => Answer::Absent,
            },
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
                // A principal of another account is returned too: the rule that compares accounts
                // refuses it.
                principals
                    .get(key)
                    .or_else(|| principals.values().find(|other| other.id == key.id))
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

    fn group(&self, key: &GroupKey) -> Answer {
        if let Some((_, row)) = self.group_like(&key.account, &key.scope, &key.id) {
            return Answer::Group(row.seen());
        }
        if key.unseen == Unseen::Pending && self.has_group_without_id(&key.account, &key.scope) {
            return Answer::Unavailable;
        }
        Answer::Absent
    }

    fn by_derived_id(&self, key: &DerivedIdKey) -> Answer {
        let groups = self.groups_of_derived_id(key);
        Answer::Groups(groups.into_iter().map(|(_, row)| row.seen()).collect())
    }

    fn holders(&self, account: &str, value: &str) -> Answer {
        let users = self
            .users_of_identity(account, value)
            .into_iter()
            .map(|(_, row)| holder_of(&row.user));
        let groups = self
            .groups_of_identity(account, value)
            .into_iter()
            .map(|(_, row)| Holder {
                kind: ResourceKind::Group,
                id: row.group.id.clone(),
                name: row.group.display_name.clone(),
            });
        Answer::Holders(users.chain(groups).collect())
    }

    fn alike(&self, account: &str, name: &str) -> Answer {
        let users = self.users_of_look(account, &skeleton(name));
        Answer::Holders(
            users
                .into_iter()
                .map(|(_, row)| holder_of(&row.user))
                .collect(),
        )
    }

    fn groups_of(&self, key: &UserGroupsKey) -> Answer {
        let resolved = self.resolve(&key.account, &key.user, true);
        let id = resolved.map_or(Cow::Borrowed(key.user.as_str()), |(id, _)| id.text());
        let memberships = self.memberships_of_user(&key.account, &id).into_iter();
        let groups = memberships.map(|key| {
            let group = GroupRowKey::new(&key.account, &key.scope, key.group.clone());
            match self.table.rows.groups.get(&group) {
                Some(row) => row.seen(),
                None => Group {
                    account: group.account,
                    scope: group.scope,
                    id: group.id.as_known().map(str::to_owned),
                    ..Group::default()
                },
            }
        });
        Answer::Groups(groups.collect())
    }
}

fn holder_of(user: &User) -> Holder {
    Holder {
        kind: ResourceKind::User,
        id: user.id.clone(),
        name: Some(user.user_name.clone()),
    }
}
