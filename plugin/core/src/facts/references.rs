//! Whom, or which group, does a reference mean, and how does a rule see it? Ids and names are compared
//! exactly first, then as lenient applications would.

use super::index::Index;
use super::{Group, User};
use crate::fold::fold;

impl<'t> Index<'t> {
    /// The exact id, else one that is equal when folded, an owned one first.
    pub(super) fn user_like(&self, account: &str, id: &str) -> Option<(&'t str, &'t User)> {
        let exact = (account.to_owned(), id.to_owned());
        if let Some((key, user)) = self.table.users.get_key_value(&exact) {
            return Some((&key.1, user));
        }
        best(self.users_of_folded_id(account, &fold(id)), |user| {
            user.managed_by.is_some()
        })
    }

    /// Who has this name, folded; an owned one first.
    pub(super) fn named(&self, account: &str, name: &str) -> Option<(&'t str, &'t User)> {
        best(self.users_of_folded_name(account, &fold(name)), |user| {
            user.managed_by.is_some()
        })
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

    /// The user as a rule sees it.
    pub(super) fn seen_user(&self, id: &str, user: &User) -> User {
        User {
            in_managed_group: self.is_in_managed_group(&user.account, id),
            ..user.clone()
        }
    }

    /// The group as a rule sees it.
    pub(super) fn seen_group(&self, id: &str, group: &Group) -> Group {
        let attempt = (group.account.clone(), id.to_owned());
        let mut group = group.clone();
        // Which id it has is not known where another may have the one that its name gives.
        if group.id.is_none() && self.table.taken.contains(&attempt) {
            group.derived_id = None;
        }
        group
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
