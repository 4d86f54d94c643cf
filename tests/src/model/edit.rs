//! The edit that a client requests, in any form: a PATCH, a PUT or a route of the management API.

use std::collections::BTreeSet;

use super::Id;

/// One edit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// A read, or a write with no effect left.
    Nothing,
    /// Roles, resource groups, notification settings, unlock after failed logins.
    Free,
    /// Changes some attributes of a user.
    WriteUser {
        /// The user.
        user: Id,
        /// The new e-mail and full name.
        profile: Profile,
        /// The new state.
        active: Active,
    },
    /// Creates a user, who may already exist.
    CreateUser {
        /// The e-mail, which is also the user name.
        mail: String,
        /// The rest of the profile.
        profile: Profile,
        /// The user's groups.
        groups: BTreeSet<Id>,
    },
    /// Deletes a user.
    DeleteUser(Id),
    /// Adds a user to groups, from the user's side.
    JoinGroups {
        /// The user.
        user: Id,
        /// The groups.
        groups: BTreeSet<Id>,
    },
    /// Removes a user from groups, from the user's side.
    LeaveGroups {
        /// The user.
        user: Id,
        /// The groups.
        groups: BTreeSet<Id>,
    },
    /// Sets exactly these groups, from the user's side.
    ReplaceGroups {
        /// The user.
        user: Id,
        /// The groups.
        groups: BTreeSet<Id>,
    },
    /// Changes a group's name and members.
    WriteGroup {
        /// The group.
        group: Id,
        /// The new name, if given.
        name: Option<String>,
        /// The users to add.
        add: BTreeSet<Id>,
        /// The users to remove.
        remove: BTreeSet<Id>,
    },
    /// Changes a group's name and all its members.
    ReplaceGroup {
        /// The group.
        group: Id,
        /// The new name, if given.
        name: Option<String>,
        /// The members afterwards.
        members: BTreeSet<Id>,
    },
    /// Creates a group, which may already exist.
    CreateGroup {
        /// The id, if the client chooses it.
        id: Option<Id>,
        /// The name, from which the id is derived if the client does not choose it.
        name: String,
        /// The members.
        members: BTreeSet<Id>,
    },
    /// Deletes a group.
    DeleteGroup(Id),
    /// Links a group to another directory, or unlinks it.
    LinkGroup(Id),
}

impl Edit {
    /// Some attributes of a user.
    #[must_use]
    pub fn write_user(user: &str, profile: Profile, active: Active) -> Self {
        Self::WriteUser {
            user: user.to_owned(),
            profile,
            active,
        }
    }

    /// A user with these groups.
    #[must_use]
    pub fn create_user(mail: &str, profile: Profile, groups: &[&str]) -> Self {
        Self::CreateUser {
            mail: mail.to_owned(),
            profile,
            groups: ids(groups),
        }
    }

    /// Puts a user into these groups.
    #[must_use]
    pub fn join(user: &str, groups: &[&str]) -> Self {
        Self::JoinGroups {
            user: user.to_owned(),
            groups: ids(groups),
        }
    }

    /// Takes a user out of these groups.
    #[must_use]
    pub fn leave(user: &str, groups: &[&str]) -> Self {
        Self::LeaveGroups {
            user: user.to_owned(),
            groups: ids(groups),
        }
    }

    /// A group's name, if one is given, and members.
    #[must_use]
    pub fn write_group(group: &str, name: Option<&str>, add: &[&str], remove: &[&str]) -> Self {
        Self::WriteGroup {
            group: group.to_owned(),
            name: name.map(str::to_owned),
            add: ids(add),
            remove: ids(remove),
        }
    }

    /// A group's name, if one is given, and all of its members.
    #[must_use]
    pub fn replace_group(group: &str, name: Option<&str>, members: &BTreeSet<Id>) -> Self {
        Self::ReplaceGroup {
            group: group.to_owned(),
            name: name.map(str::to_owned),
            members: members.clone(),
        }
    }

    /// A group, with its id where the client chooses it.
    #[must_use]
    pub fn create_group(id: Option<&str>, name: &str, members: &BTreeSet<Id>) -> Self {
        Self::CreateGroup {
            id: id.map(str::to_owned),
            name: name.to_owned(),
            members: members.clone(),
        }
    }
}

/// A set of ids.
#[must_use]
pub fn ids(ids: &[&str]) -> BTreeSet<Id> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}

/// The e-mail and full name that a write gives a user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// The e-mail, which is also the user name and must be unique.
    pub mail: Option<String>,
    /// The full name.
    pub name: Option<String>,
    /// The write sets something unrecorded, such as the given name, or leaves open whether it does.
    /// Counts as a change.
    pub unrecorded: bool,
    /// The write sets a provider's identifier that another user or group already has.
    pub foreign_external_id: bool,
}

impl Profile {
    /// The full name.
    #[must_use]
    pub fn name(name: &str) -> Self {
        Self {
            name: Some(name.to_owned()),
            ..Self::default()
        }
    }

    /// The e-mail.
    #[must_use]
    pub fn mail(mail: &str) -> Self {
        Self {
            mail: Some(mail.to_owned()),
            ..Self::default()
        }
    }

    /// Both.
    #[must_use]
    pub fn named(name: &str, mail: &str) -> Self {
        Self {
            name: Some(name.to_owned()),
            ..Self::mail(mail)
        }
    }
}

/// The value of `active` in a write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Active {
    /// Not set.
    #[default]
    Kept,
    /// Activated, already or not.
    On,
    /// Deactivated, already or not.
    Off,
}
