//! Who is in a group, and how sure that is.

use std::collections::BTreeSet;

use super::index::Index;
use super::table::Membership;
use super::{Answer, Difference, Group, Member, MembersKey, User};

/// The group that a key is about.
struct Asked<'t> {
    group: Option<&'t Group>,
    /// The id under which its memberships are kept.
    stored_id: String,
}

impl<'t> Index<'t> {
    fn asked(&self, key: &MembersKey) -> Asked<'t> {
        let found = self.group_like(&key.account, &key.scope, &key.group);
        Asked {
            group: found.map(|(_, group)| group),
            stored_id: found.map_or(key.group.as_str(), |(id, _)| id).to_owned(),
        }
    }

    /// One entry for each user asked for.
    pub(super) fn members(&self, key: &MembersKey) -> Vec<Member> {
        let asked = self.asked(key);
        key.users
            .iter()
            .map(|reference| {
                let resolved = self.resolve(&key.account, reference, key.names);
                self.member(key, &asked, reference, resolved)
            })
            .collect()
    }

    fn member(
        &self,
        key: &MembersKey,
        asked: &Asked<'_>,
        reference: &str,
        resolved: Option<(&str, &User)>,
    ) -> Member {
        let id = resolved.map_or(reference, |(id, _)| id);
        self.seen_member(key, asked, reference, id, resolved.map(|(_, user)| user))
    }

    /// The membership of the user of a stored id as a rule sees it.
    fn seen_member(
        &self,
        key: &MembersKey,
        asked: &Asked<'_>,
        reference: &str,
        id: &str,
        user: Option<&User>,
    ) -> Member {
        let membership = self.state(key, asked, id);
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
    fn state(&self, key: &MembersKey, asked: &Asked<'_>, user: &str) -> Option<Membership> {
        let membership = (
            key.account.clone(),
            key.scope.clone(),
            asked.stored_id.clone(),
            user.to_owned(),
        );
        let recorded = *self.table.members.get(&membership)?;
        let is_native = asked.group.is_none_or(|group| group.managed_by.is_none());
        let person = (key.account.clone(), user.to_owned());
        let person = self.table.users.get(&person);
        let doubtful = asked.group.is_some_and(|group| group.leaving)
            || person.is_some_and(|person| person.leaving)
            || (is_native && recorded == Membership::Untold);
        Some(if doubtful {
            Membership::Leaving
        } else {
            recorded
        })
    }

    pub(super) fn difference(&self, key: &MembersKey) -> Answer {
        let asked = self.asked(key);
        let mut wanted = BTreeSet::new();
        let mut added = Vec::new();
        for reference in &key.users {
            let resolved = self.resolve(&key.account, reference, key.names);
            let id = resolved.map_or(reference.as_str(), |(id, _)| id);
            if !wanted.insert(id.to_owned()) {
                continue;
            }
            let member = self.member(key, &asked, reference, resolved);
            if !member.confirmed {
                added.push(member);
            }
        }
        let first = (
            key.account.clone(),
            key.scope.clone(),
            asked.stored_id.clone(),
            String::new(),
        );
        let is_of_group = |(account, scope, group, _): &&(String, String, String, String)| {
            (account, scope, group) == (&first.0, &first.1, &first.2)
        };
        let removed = self
            .table
            .members
            .range(first.clone()..)
            .map(|(key, _)| key)
            .take_while(is_of_group)
            .filter(|(_, _, _, user)| !wanted.contains(user))
            .map(|(account, _, _, user)| {
                let record = self.table.users.get(&(account.clone(), user.clone()));
                self.seen_member(key, &asked, user, user, record)
            })
            .collect();
        Answer::Difference(Difference {
            added,
            removed,
            complete: asked.group.is_none_or(|group| group.members_known),
        })
    }
}
