//! Finds the user or group that a reference means. Ids and names are compared exactly first, then
//! as lenient applications would.

use super::User;
use super::index::{Found, Index};
use super::rows::{GroupRow, GroupRowKey, RowId, UserRow, UserRowKey};
use crate::fold::fold;

impl<'t> Index<'t> {
    /// The exact id, else one that is equal when folded, an owned one first.
    pub(super) fn user_like(&self, account: &str, id: &str) -> Option<Found<'t, UserRow>> {
        let exact = UserRowKey::new(account, RowId::known(id));
        if let Some((key, row)) = self.table.rows.users.get_key_value(&exact) {
            return Some((&key.id, row));
        }
        best(self.users_of_folded_id(account, &fold(id)), |row| {
            row.user.managed_by.is_some()
        })
    }

    /// The user with this name, folded; an owned one first.
    pub(super) fn named(&self, account: &str, name: &str) -> Option<Found<'t, UserRow>> {
        best(self.users_of_folded_name(account, &fold(name)), |row| {
            row.user.managed_by.is_some()
        })
    }

    /// The exact id, else one that is equal when folded, or an unsettled create that gives it; an
    /// owned one first.
    pub(super) fn group_like(
        &self,
        account: &str,
        scope: &str,
        id: &str,
    ) -> Option<Found<'t, GroupRow>> {
        let exact = GroupRowKey::new(account, scope, RowId::known(id));
        // A native group that may have been deleted gives way to one that a provider is creating in
        // its place.
        let gives_way =
            |row: &GroupRow| row.group.deletion_pending && row.group.managed_by.is_none();
        if let Some((key, row)) = self.table.rows.groups.get_key_value(&exact)
            && !gives_way(row)
        {
            return Some((&key.id, row));
        }
        best(self.groups_of_folded_id(account, scope, &fold(id)), |row| {
            row.group.managed_by.is_some()
        })
    }

    /// The stored id of a user reference. If it means several users, the most strictly locked one.
    pub(super) fn resolve(
        &self,
        account: &str,
        reference: &str,
        names: bool,
    ) -> Option<Found<'t, UserRow>> {
        let by_id = self.user_like(account, reference);
        if !names {
            return by_id;
        }
        let by_name = self.named(account, reference);
        // The last of equals: the id.
        let both = by_name.into_iter().chain(by_id);
        both.max_by_key(|(id, row)| self.seen_user(id, row).locks())
    }

    /// The user as a rule sees it. A user without an id is in no group.
    pub(super) fn seen_user(&self, id: &RowId, row: &UserRow) -> User {
        let account = &row.user.account;
        let id = id.as_known();
        User {
            in_managed_group: id.is_some_and(|id| self.is_in_managed_group(account, id)),
            ..row.user.clone()
        }
    }
}

/// The first owned one, else the first.
fn best<'t, Row>(
    candidates: impl IntoIterator<Item = Found<'t, Row>>,
    owned: impl Fn(&Row) -> bool,
) -> Option<Found<'t, Row>> {
    let mut first = None;
    for candidate in candidates {
        if owned(candidate.1) {
            return Some(candidate);
        }
        first = first.or(Some(candidate));
    }
    first
}
