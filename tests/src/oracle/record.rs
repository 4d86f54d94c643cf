//! A guard's record, compared with what the application has.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Group, Id, World};

/// The record of one account.
#[derive(Debug, Default)]
pub struct Record {
    /// Owned users.
    pub users: BTreeMap<Id, Known>,
    /// Owned groups, and who is in them.
    pub groups: BTreeMap<Id, Group>,
    /// Outcomes that nobody knows, of users and groups.
    pub open: Vec<String>,
    /// The same of memberships: group and user.
    pub open_members: Vec<(Id, Id)>,
    /// Groups whose create has no outcome yet.
    pub intended: Vec<Intended>,
}

/// What is recorded of a user.
#[derive(Debug)]
pub struct Known {
    /// The e-mail, which is also the user name.
    pub mail: String,
    /// The full name, if it was seen.
    pub name: Option<String>,
    /// Whether the user is not deactivated.
    pub active: bool,
}

/// A group that the provider may have created.
#[derive(Debug)]
pub struct Intended {
    /// Its name.
    pub name: String,
    /// The id that its name gives.
    pub id: Id,
    /// Another group had that id.
    pub taken: bool,
    /// Ids of users.
    pub members: BTreeSet<Id>,
}

impl Record {
    /// Whether nothing is open that the application can tell. It says of a group without members
    /// what another would say that never tells members: that one is empty may stay open. So may a
    /// native group that is gone: there are applications that show only what was pushed. Of several
    /// groups of one name, or one of the name and another of the id that it gives, nobody can tell
    /// which one a create made.
    #[must_use]
    pub fn is_settled(&self, world: &World) -> bool {
        let mut open = self.open_members.iter();
        let mut intended = self.intended.iter();
        self.open.is_empty()
            && open.all(|(group, _)| is_empty(world, group))
            && intended.all(|intended| may_be_several(world, intended))
    }

    /// Where the record and what the application has differ: what the provider provisioned must be
    /// owned as it is, and nothing else. Some applications remove a user who is deactivated, and the
    /// record keeps them.
    #[must_use]
    pub fn differences(&self, world: &World, removes_deactivated: bool) -> Vec<String> {
        let mut found = Vec::new();
        for (id, user) in world.users.iter().filter(|(_, user)| user.managed) {
            let agrees = |known: &Known| {
                known.mail.eq_ignore_ascii_case(&user.mail)
                    && known.active == user.active
                    && known.name.as_ref().is_none_or(|name| *name == user.name)
            };
            let known = self.users.get(id);
            if !known.is_some_and(agrees) {
                found.push(format!("user {id} is {user:?}, recorded as {known:?}"));
            }
        }
        for (id, group) in world.groups.iter().filter(|(_, group)| group.managed) {
            let known = self.groups.get(id);
            let agrees = |known: &Group| {
                let open = |user: &Id| self.open_members.contains(&(id.clone(), user.clone()));
                // Whom a group had when the user was deleted elsewhere at that moment, the application
                // keeps or forgets as it likes.
                let is_user = |user: &&Id| world.users.contains_key(*user);
                let mut has = group.members.iter().filter(is_user);
                // Or that a create has put in which may have made this group.
                let mut created = self.intended.iter().filter(|intended| intended.id == *id);
                known.name == group.name
                    && (known.members.iter().filter(is_user).eq(has.clone())
                        || (is_empty(world, id) && known.members.iter().filter(is_user).all(open))
                        || created.any(|created| {
                            let known = |user| known.members.contains(user);
                            has.all(|user| known(user) || created.members.contains(user))
                        }))
            };
            let is_intended = |intended: &Intended| intended.name == group.name;
            if known.is_none() && self.intended.iter().any(is_intended) {
                continue;
            }
            if !known.is_some_and(agrees) {
                found.push(format!("group {id} is {group:?}, recorded as {known:?}"));
            }
        }
        for (id, known) in &self.users {
            let is_removed = removes_deactivated && !known.active && !world.users.contains_key(id);
            if !is_removed && !world.users.get(id).is_some_and(|user| user.managed) {
                found.push(format!(
                    "user {id} is not the provider's, recorded as {known:?}"
                ));
            }
        }
        for (id, known) in &self.groups {
            if !world.is_pushed(id) {
                found.push(format!(
                    "group {id} is not the provider's, recorded as {known:?}"
                ));
            }
        }
        found
    }
}

fn may_be_several(world: &World, intended: &Intended) -> bool {
    let groups = world.groups.iter();
    let may_be = |(id, group): &(&Id, &Group)| group.name == intended.name || **id == intended.id;
    let is_named = world
        .groups
        .values()
        .any(|group| group.name == intended.name);
    is_named && (intended.taken || groups.filter(may_be).count() > 1)
}

fn is_empty(world: &World, group: &str) -> bool {
    let group = world.groups.get(group);
    group.is_none_or(|group| group.members.is_empty())
}
