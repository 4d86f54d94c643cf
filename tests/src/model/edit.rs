//! What somebody asks for, however it is said: the same edit may be a PATCH, a PUT or a route of the
//! management API.

use std::collections::BTreeSet;

use super::Id;

/// One edit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// A read, or a write of which nothing is left.
    Nothing,
    /// Roles, resource groups, notification settings, unlock after failed logins.
    Free,
    /// Some attributes of a user.
    WriteUser {
        /// Whom.
        user: Id,
        /// To what.
        profile: Profile,
        /// To what.
        active: Active,
    },
    /// A user, who may exist already.
    CreateUser {
        /// The e-mail and the rest.
        mail: String,
        /// What is said besides.
        profile: Profile,
        /// The groups that come with it.
        groups: BTreeSet<Id>,
    },
    /// Of a user.
    DeleteUser(Id),
    /// From the user's side.
    JoinGroups {
        /// Who.
        user: Id,
        /// Which.
        groups: BTreeSet<Id>,
    },
    /// From the user's side.
    LeaveGroups {
        /// Who.
        user: Id,
        /// Which.
        groups: BTreeSet<Id>,
    },
    /// From the user's side: in these and in no others.
    ReplaceGroups {
        /// Who.
        user: Id,
        /// Which.
        groups: BTreeSet<Id>,
    },
    /// A group's name and members.
    WriteGroup {
        /// Which.
        group: Id,
        /// The name that is given, if any.
        name: Option<String>,
        /// Those who are put in.
        add: BTreeSet<Id>,
        /// Those who are taken out.
        remove: BTreeSet<Id>,
    },
    /// A group's name and all of its members.
    ReplaceGroup {
        /// Which.
        group: Id,
        /// The name that is given, if any.
        name: Option<String>,
        /// Those who are in afterwards.
        members: BTreeSet<Id>,
    },
    /// A group, which may exist already.
    CreateGroup {
        /// The id, where the client chooses it.
        id: Option<Id>,
        /// The name, of which the id is made where the client does not choose it.
        name: String,
        /// Those who are in it.
        members: BTreeSet<Id>,
    },
    /// Of a group.
    DeleteGroup(Id),
    /// Of a group to another directory, or the end of that.
    LinkGroup(Id),
}

/// What a write says of a user's e-mail and full name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// The e-mail, which is the user name: nobody else may have it.
    pub mail: Option<String>,
    /// The full name.
    pub name: Option<String>,
    /// Something of the profile that is not recorded, such as the given name, or that the edit
    /// leaves open: it counts as changed.
    pub unrecorded: bool,
    /// An identifier of the provider's that another user or group has.
    pub foreign_external_id: bool,
}

/// What a write says of `active`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Active {
    /// Nothing.
    #[default]
    Kept,
    /// Activated, already or not.
    On,
    /// Deactivated, already or not.
    Off,
}
