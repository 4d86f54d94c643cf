//! Who is in a group, and how sure that is.

use std::collections::BTreeSet;

use super::{Answer, Difference, Member, MembersKey, Table, User};

/// How sure a recorded membership is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Membership {
    Confirmed,
    /// Put in by a write that was done, and whose answer told no members.
    Untold,
    /// Put in by a write whose outcome is not known yet.
    Joining,
    /// Taken out by one.
    Leaving,
}

impl Membership {
    fn is_doubtful(self) -> bool {
        matches!(self, Self::Joining | Self::Leaving)
    }
}

impl Table {
    pub(super) fn member(&self, key: &MembersKey, reference: &str) -> Member {
        let resolved = self.resolve(&key.account, reference, key.names);
        let id = resolved.map_or(reference, |(id, _)| id);
        self.seen_member(key, reference, id, resolved.map(|(_, user)| user))
    }

    /// The membership of the user of a stored id as a rule sees it.
    fn seen_member(
        &self,
        key: &MembersKey,
        reference: &str,
        id: &str,
        user: Option<&User>,
    ) -> Member {
        let membership = self.state(key, id);
        Member {
            reference: reference.to_owned(),
            present: membership.is_some(),
            confirmed: membership == Some(Membership::Confirmed),
            doubtful: membership.is_some_and(Membership::is_doubtful),
            user: user.map(|user| self.seen_user(id, user)),
        }
    }

    /// In a group that is perhaps deleted nobody is for certain, nor in a native one whose members an
    /// answer did not tell; and who is perhaps deleted is in nothing for certain.
    fn state(&self, key: &MembersKey, user: &str) -> Option<Membership> {
        let recorded = *self.members.get(&self.membership(key, user))?;
        let group = self.group_like(&key.account, &key.scope, &key.group);
        let is_native = group.is_none_or(|(_, group)| group.managed_by.is_none());
        let person = self.users.get(&(key.account.clone(), user.to_owned()));
        let doubtful = group.is_some_and(|(_, group)| group.leaving)
            || person.is_some_and(|person| person.leaving)
            || (is_native && recorded == Membership::Untold);
        Some(if doubtful {
            Membership::Leaving
        } else {
            recorded
        })
    }

    fn membership(&self, key: &MembersKey, user: &str) -> (String, String, String, String) {
        (
            key.account.clone(),
            key.scope.clone(),
            self.stored_group(key).to_owned(),
            user.to_owned(),
        )
    }

    /// The id under which a group's memberships are kept.
    fn stored_group<'a>(&'a self, key: &'a MembersKey) -> &'a str {
        self.group_like(&key.account, &key.scope, &key.group)
            .map_or(key.group.as_str(), |(id, _)| id)
    }

    pub(super) fn difference(&self, key: &MembersKey) -> Answer {
        let mut wanted = BTreeSet::new();
        let mut added = Vec::new();
        for reference in &key.users {
            let id = self
                .resolve(&key.account, reference, key.names)
                .map_or(reference.as_str(), |(id, _)| id);
            if !wanted.insert(id.to_owned()) {
                continue;
            }
            let member = self.member(key, reference);
            if !member.confirmed {
                added.push(member);
            }
        }
        let stored_group = self.stored_group(key);
        let removed = self
            .members
            .keys()
            .filter(|(account, scope, group, user)| {
                *account == key.account
                    && *scope == key.scope
                    && group == stored_group
                    && !wanted.contains(user)
            })
            .map(|(account, _, _, user)| {
                let record = self.users.get(&(account.clone(), user.clone()));
                self.seen_member(key, user, user, record)
            })
            .collect();
        let complete = self
            .group_like(&key.account, &key.scope, &key.group)
            .is_none_or(|(_, group)| group.members_known);
        Answer::Difference(Difference {
            added,
            removed,
            complete,
        })
    }
}
