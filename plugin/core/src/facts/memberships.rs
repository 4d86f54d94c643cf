//! The members of a group, and how certain each membership is.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::index::{Found, Index};
use super::rows::{GroupRow, GroupRowKey, MembershipKey, RowId, UserRow, UserRowKey, seen_member};
use super::{Answer, Difference, Member, MembersKey};

/// The group that a key is about.
struct Asked<'t> {
    row: Option<&'t GroupRow>,
    /// The key of its memberships.
    key: GroupRowKey,
}

impl<'t> Index<'t> {
    fn asked(&self, key: &MembersKey) -> Asked<'t> {
        let found = self.group_like(&key.account, &key.scope, &key.group);
        Asked {
            row: found.map(|(_, row)| row),
            key: GroupRowKey::new(
                &key.account,
                &key.scope,
                found.map_or_else(|| RowId::known(&key.group), |(id, _)| id.clone()),
            ),
        }
    }

    /// One entry for each user asked for.
    pub(super) fn members(&self, key: &MembersKey) -> Vec<Member> {
        let asked = self.asked(key);
        let members = key.users.iter().map(|reference| {
            let resolved = self.resolve(&key.account, reference, key.names);
            self.member(&asked, reference, resolved)
        });
        members.collect()
    }

    /// The membership of the user that a reference means; for an unknown user, that of the
    /// reference itself.
    fn member(
        &self,
        asked: &Asked<'_>,
        reference: &str,
        resolved: Option<Found<'_, UserRow>>,
    ) -> Member {
        let user = stored(reference, resolved);
        let recorded = self
            .table
            .rows
            .memberships
            .get(&MembershipKey::of(&asked.key, &user));
        let recorded = recorded.map(|row| row.membership);
        let user = resolved.map(|(id, row)| self.seen_user(id, row));
        let group = asked.row.map(|row| &row.group);
        seen_member(recorded, group, user, reference.to_owned())
    }

    pub(super) fn difference(&self, key: &MembersKey) -> Answer {
        let asked = self.asked(key);
        let mut wanted = BTreeSet::new();
        let mut added = Vec::new();
        for reference in &key.users {
            let resolved = self.resolve(&key.account, reference, key.names);
            if !wanted.insert(stored(reference, resolved)) {
                continue;
            }
            let member = self.member(&asked, reference, resolved);
            if !member.is_confirmed() {
                added.push(member);
            }
        }
        let recorded = self.table.rows.members(&asked.key).map(|(key, _)| key);
        let removed = recorded
            .filter(|key| !wanted.contains(key.user.as_str()))
            .map(|key| {
                let users = &self.table.rows.users;
                let user = UserRowKey::new(&key.account, RowId::known(&key.user));
                let found = users.get_key_value(&user);
                let found = found.map(|(key, row)| (&key.id, row));
                self.member(&asked, &key.user, found)
            })
            .collect();
        Answer::Difference(Difference {
            added,
            removed,
            complete: asked.row.is_none_or(|row| row.group.members_known),
        })
    }
}

/// The id under which the memberships of a referenced user are stored.
fn stored<'t>(reference: &'t str, resolved: Option<Found<'t, UserRow>>) -> Cow<'t, str> {
    resolved.map_or(Cow::Borrowed(reference), |(id, _)| id.text())
}
