//! The effect of a request, in neutral words: the only input of `permit`.
//!
//! SCIM calls and edits of the management API are both translated to it, so that one set of rules
//! judges both.

pub(crate) mod management;
mod members;
pub(crate) mod provisioning;
pub(crate) mod scim;
mod writes;

use std::collections::BTreeSet;

use crate::policy::Limits;
use crate::rules::{Refusal, scim as rules};

pub(crate) use members::{MembersWrite, MembersWrites};
pub(crate) use provisioning::ProvisioningEdit;
pub(crate) use writes::{Activity, ActivityWrites, FieldWrite, NameWrite, Writes};

/// Everything that one request would do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Act {
    pub(crate) edits: Vec<Edit>,
}

/// One thing that a request would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Edit {
    CreateUser(NewUser),
    ChangeUser(UserChange),
    DeleteUser(UserRef),
    CreateGroup(NewGroup),
    ChangeGroup(GroupChange),
    DeleteGroup(GroupRef),
    /// Things besides users and groups, and whole scopes.
    Provisioning(ProvisioningEdit),
}

/// A user, as a request names them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UserRef {
    pub(crate) reference: String,
    /// The reference may be a user name as well as an id.
    pub(crate) may_be_name: bool,
}

/// A group, as a request names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct GroupRef {
    /// `""`, `org` or `org/project`.
    pub(crate) scope: String,
    pub(crate) id: String,
}

/// What the rules know of a user's profile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Profile {
    pub(crate) user_name: Writes,
    pub(crate) email: Writes,
    pub(crate) email_use: EmailUse,
    pub(crate) display_name: Writes,
    pub(crate) names: Vec<NameWrite>,
    pub(crate) formatted_name: Writes,
    /// Parts of the full name that no record knows, such as a middle name.
    pub(crate) other_names: bool,
    pub(crate) external_id: Writes,
    pub(crate) unlisted_field: Option<BodyField>,
    /// Attributes that no ownership rule reads.
    pub(crate) others: bool,
}

/// The purpose of an e-mail in a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum EmailUse {
    /// It becomes the user's e-mail.
    #[default]
    Given,
    /// It names the user to change.
    Target,
    /// The request changes another user; the application only checks this one and does not change
    /// it.
    Checked,
}

/// A part of a management body that counts as a change of what a provider owns, although the edit
/// does not name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum BodyField {
    /// A member that no source names and that is not free.
    Unlisted(String),
    /// A member that must have this value and does not.
    Required {
        pointer: String,
        /// As JSON.
        value: String,
    },
}

/// A user that a request creates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NewUser {
    pub(crate) user_name: String,
    pub(crate) profile: Profile,
    pub(crate) active: Option<bool>,
    pub(crate) groups: Vec<GroupRef>,
}

/// A change of an existing user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UserChange {
    pub(crate) user: UserRef,
    pub(crate) profile: Profile,
    pub(crate) active: ActivityWrites,
    pub(crate) groups: UserGroups,
}

/// How a user's group assignments change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum UserGroups {
    #[default]
    Untouched,
    Add(Vec<GroupRef>),
    Remove(Vec<GroupRef>),
    Replace(Vec<GroupRef>),
    /// They change in an unknown way.
    Changed,
}

/// A group that a request creates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NewGroup {
    pub(crate) scope: String,
    /// The id, if the client chooses it.
    pub(crate) id: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) external_id: Writes,
    pub(crate) members: Vec<String>,
    pub(crate) unlisted_field: Option<BodyField>,
}

/// A change of an existing group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GroupChange {
    pub(crate) group: GroupRef,
    pub(crate) name: Writes,
    pub(crate) external_id: Writes,
    pub(crate) members: MembersWrites,
    pub(crate) unlisted_field: Option<BodyField>,
}

// === impl Act ===

impl Act {
    /// Refuses an act that names more members than one request may.
    pub(crate) fn within(&self, limits: &Limits) -> Result<(), Refusal> {
        let named: usize = self
            .edits
            .iter()
            .map(|edit| match edit {
                Edit::CreateGroup(new) => new.members.len(),
                Edit::ChangeGroup(change) => change.members.len(),
                _ => 0,
            })
            .sum();
        if named > limits.members {
            return Err(rules::PATCH_TOO_MANY.because(format!(
                "The request names {named} members; at most {} are possible in one request.",
                limits.members
            )));
        }
        Ok(())
    }
}

// === impl Profile ===

impl Profile {
    /// Every e-mail that the user may get, except the user names of the same request.
    pub(crate) fn own_emails(&self) -> BTreeSet<&str> {
        let names: BTreeSet<&str> = self.user_name.values().collect();
        let emails = self.email.values();
        emails.filter(|email| !names.contains(email)).collect()
    }
}
