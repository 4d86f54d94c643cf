//! Determines what an edit would change in the record. A write that changes nothing is no edit.

use std::collections::BTreeSet;

use super::{Active, Edit, Group, Id, Profile, World};

/// One change; a row of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Changes the e-mail or full name.
    Profile(Id),
    /// Changes a user name to another user's.
    TakeName(Id),
    /// Changes an identifier to one in use by another.
    TakeExternalId,
    /// Creates an unknown user.
    NewUser,
    /// Deletes an existing user.
    DeleteUser(Id),
    Deactivate(Id),
    /// Activates the user, directly or by creating them.
    BringBack(Id),
    Join(Id, Id),
    Leave(Id, Id),
    /// Renames a group to a name with the same derived id as another pushed group.
    TakeGroupId,
    Rename(Id),
    DeleteGroup(Id),
    Link(Id),
}

/// Characters of a group's name that its id replaces with an underscore.
const REPLACED: [char; 3] = ['.', '-', ' '];

/// Returns the joins to a new group. Whatever its name, it is not a known group.
fn new_group(name: &str, members: &BTreeSet<Id>) -> Vec<Change> {
    let join = |user: &Id| Change::Join(user.clone(), format!("new {name}"));
    members.iter().map(join).collect()
}

fn derived_id(name: &str) -> Id {
    name.replace(REPLACED, "_")
}

impl World {
    /// Returns what an operator's edit changes. Creating an existing user or group updates it.
    pub(super) fn operator_changes(&self, edit: &Edit) -> Vec<Change> {
        match edit {
            Edit::CreateUser {
                mail,
                profile,
                groups,
            } => {
                let Some(user) = self.named(mail) else {
                    let joined = groups.iter();
                    let mut changes = vec![Change::NewUser];
                    changes.extend(joined.map(|group| Change::Join(mail.clone(), group.clone())));
                    changes.extend(
                        profile
                            .foreign_external_id
                            .then_some(Change::TakeExternalId),
                    );
                    return changes;
                };
                let mut changes = self.profile(user, profile);
                if !self.users[user].active {
                    changes.push(Change::BringBack(user.clone()));
                }
                changes.extend(self.joins(user, groups));
                changes
            }
            Edit::CreateGroup {
                id: Some(group),
                name,
                members,
            } => self.replacement(group, Some(name), members),
            // The application may find the group by its name, or create another one with that name.
            Edit::CreateGroup {
                id: None,
                name,
                members,
            } => {
                let mut changes = self.replacement(&derived_id(name), Some(name), members);
                changes.extend(new_group(name, members));
                changes
            }
            other => self.changes(other),
        }
    }

    /// Returns what the provisioner's edit changes. An existing native group is a different group.
    pub(super) fn provisioner_changes(&self, edit: &Edit) -> Vec<Change> {
        match edit {
            Edit::CreateUser { mail, profile, .. } => match self.named(mail) {
                Some(user) => self.profile(user, profile),
                None => profile
                    .foreign_external_id
                    .then_some(Change::TakeExternalId)
                    .into_iter()
                    .collect(),
            },
            Edit::CreateGroup { name, members, .. } => {
                let id = derived_id(name);
                let mut changes = new_group(name, members);
                let pushed = self.groups.iter().filter(|(_, group)| group.managed);
                let same = pushed.filter(|(known, group)| {
                    (**known == id || derived_id(&group.name) == id) && group.name != *name
                });
                changes.extend(same.map(|_| Change::TakeGroupId));
                changes
            }
            other => self.changes(other),
        }
    }

    fn changes(&self, edit: &Edit) -> Vec<Change> {
        match edit {
            // What matters is who created it.
            Edit::Nothing | Edit::Free | Edit::CreateUser { .. } | Edit::CreateGroup { .. } => {
                Vec::new()
            }
            Edit::WriteUser {
                user,
                profile,
                active,
            } => {
                let mut changes = self.profile(user, profile);
                let was = self.users.get(user).map(|user| user.active);
                match (active, was) {
                    (Active::Off, Some(true)) => changes.push(Change::Deactivate(user.clone())),
                    (Active::On, Some(false)) => changes.push(Change::BringBack(user.clone())),
                    _ => {}
                }
                changes
            }
            Edit::DeleteUser(user) => vec![Change::DeleteUser(user.clone())],
            Edit::JoinGroups { user, groups } => self.joins(user, groups),
            Edit::LeaveGroups { user, groups } => self.leaves(user, groups),
            Edit::ReplaceGroups { user, groups } => {
                let has = |(_, group): &(&Id, &Group)| group.members.contains(user);
                let now: BTreeSet<Id> = self
                    .groups
                    .iter()
                    .filter(has)
                    .map(|(id, _)| id.clone())
                    .collect();
                let mut changes = self.joins(user, groups);
                changes.extend(self.leaves(user, &(&now - groups)));
                changes
            }
            Edit::WriteGroup {
                group,
                name,
                add,
                remove,
            } => {
                let mut changes = self.rename(group, name.as_ref());
                let new = add.iter().filter(|user| !self.is_in(user, group));
                changes.extend(new.map(|user| Change::Join(user.clone(), group.clone())));
                let gone = remove.iter().filter(|user| self.is_in(user, group));
                changes.extend(gone.map(|user| Change::Leave(user.clone(), group.clone())));
                changes
            }
            Edit::ReplaceGroup {
                group,
                name,
                members,
            } => self.replacement(group, name.as_ref(), members),
            Edit::DeleteGroup(group) => vec![Change::DeleteGroup(group.clone())],
            // The directory decides which members stay.
            Edit::LinkGroup(group) => {
                let mut changes = self.replacement(group, None, &BTreeSet::new());
                changes.push(Change::Link(group.clone()));
                changes
            }
        }
    }

    fn profile(&self, user: &str, profile: &Profile) -> Vec<Change> {
        let known = self.users.get(user);
        let name = profile.name.as_ref();
        let new_name = name.is_some_and(|name| known.is_none_or(|user| user.name != *name));
        let mail = profile.mail.as_deref();
        let new_mail =
            mail.is_some_and(|mail| known.is_none_or(|user| !user.mail.eq_ignore_ascii_case(mail)));
        let holder = mail.and_then(|mail| self.named(mail));
        let taken = holder.is_some_and(|other| other != user);
        let mut changes = Vec::new();
        if new_name || new_mail || profile.unrecorded {
            changes.push(Change::Profile(user.to_owned()));
        }
        if taken {
            changes.push(Change::TakeName(user.to_owned()));
        }
        if profile.foreign_external_id {
            changes.push(Change::TakeExternalId);
        }
        changes
    }

    fn joins(&self, user: &str, groups: &BTreeSet<Id>) -> Vec<Change> {
        let new = groups.iter().filter(|group| !self.is_in(user, group));
        new.map(|group| Change::Join(user.to_owned(), group.clone()))
            .collect()
    }

    fn leaves(&self, user: &str, groups: &BTreeSet<Id>) -> Vec<Change> {
        let old = groups.iter().filter(|group| self.is_in(user, group));
        old.map(|group| Change::Leave(user.to_owned(), group.clone()))
            .collect()
    }

    fn rename(&self, group: &str, name: Option<&String>) -> Vec<Change> {
        let known = self.groups.get(group);
        let new = name.is_some_and(|name| known.is_some_and(|group| group.name != *name));
        new.then(|| Change::Rename(group.to_owned()))
            .into_iter()
            .collect()
    }

    fn replacement(
        &self,
        group: &str,
        name: Option<&String>,
        members: &BTreeSet<Id>,
    ) -> Vec<Change> {
        let now = self
            .groups
            .get(group)
            .map(|group| group.members.clone())
            .unwrap_or_default();
        let mut changes = self.rename(group, name);
        let join = |user: &Id| Change::Join(user.clone(), group.to_owned());
        changes.extend(members.difference(&now).map(join));
        let leave = |user: &Id| Change::Leave(user.clone(), group.to_owned());
        changes.extend(now.difference(members).map(leave));
        changes
    }
}
