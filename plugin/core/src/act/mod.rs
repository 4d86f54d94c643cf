//! What a request amounts to, in neutral words: the only input of `permit`.
//!
//! SCIM calls and edits of the management API both end here, so that one set of rules judges both.

pub(crate) mod management;
pub(crate) mod scim;

use std::collections::BTreeSet;

use crate::policy::Limits;
use crate::refusal::Refusal;
use crate::rules::scim as rules;

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
}

/// A user as a request names one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UserRef {
    pub(crate) reference: String,
    /// The reference may be a user name as well as an id.
    pub(crate) may_be_name: bool,
}

/// A group as a request names one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GroupRef {
    /// `""`, `org` or `org/project`.
    pub(crate) scope: String,
    pub(crate) id: String,
}

/// A part of a resource after a write.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Part {
    /// The write says nothing about it.
    #[default]
    Untouched,
    /// It becomes this.
    To(String),
    /// It becomes empty.
    Empty,
    /// It changes, into what cannot be told.
    Changed,
}

/// What becomes of a user's activity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Activity {
    #[default]
    Untouched,
    To(bool),
    /// A PUT that does not say: the application may take it for active.
    LeftOut,
    /// It is removed, and what that means only the application knows.
    Removed,
}

/// What the rules know of a user's profile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Profile {
    pub(crate) user_name: Part,
    pub(crate) email: Part,
    pub(crate) display_name: Part,
    pub(crate) given_name: Part,
    pub(crate) family_name: Part,
    pub(crate) formatted_name: Part,
    pub(crate) external_id: Part,
    /// A member of a management body that no source names and that is not free.
    pub(crate) rides_along: Option<String>,
    /// Attributes that no ownership rule reads.
    pub(crate) others: bool,
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
    pub(crate) active: Activity,
    pub(crate) groups: UserGroups,
}

/// What becomes of a user's group assignments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum UserGroups {
    #[default]
    Untouched,
    Add(Vec<GroupRef>),
    Remove(Vec<GroupRef>),
    Replace(Vec<GroupRef>),
    /// They change, into what cannot be told.
    Changed,
}

/// A group that a request creates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NewGroup {
    pub(crate) scope: String,
    /// Where the client chooses it.
    pub(crate) id: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) external_id: Part,
    pub(crate) members: Vec<String>,
    pub(crate) rides_along: Option<String>,
}

/// A change of an existing group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GroupChange {
    pub(crate) group: GroupRef,
    pub(crate) name: Part,
    pub(crate) external_id: Part,
    pub(crate) members: Members,
    pub(crate) rides_along: Option<String>,
}

/// What becomes of a group's members, all operations of a request together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Members {
    #[default]
    Untouched,
    /// These are put in, those taken out, the rest stays.
    Relative {
        add: BTreeSet<String>,
        remove: BTreeSet<String>,
    },
    /// Just these are in afterwards.
    Absolute(BTreeSet<String>),
    /// They change, into what cannot be told.
    Changed,
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
    /// An e-mail that is not the user name itself.
    pub(crate) fn own_email(&self) -> Option<&str> {
        let email = self.email.value()?;
        (self.user_name.value() != Some(email)).then_some(email)
    }
}

// === impl Part ===

impl Part {
    /// From an optional value: absent is untouched.
    pub(crate) fn set(value: Option<&str>) -> Self {
        value.map_or(Self::Untouched, |value| Self::To(value.to_owned()))
    }

    /// The new value, if there is one.
    pub(crate) fn value(&self) -> Option<&str> {
        match self {
            Self::To(value) => Some(value),
            _ => None,
        }
    }

    /// Whether it becomes something else than it was.
    pub(crate) fn changes(&self, before: Option<&str>) -> bool {
        match self {
            Self::Untouched => false,
            Self::To(value) => before != Some(value),
            Self::Empty | Self::Changed => true,
        }
    }

    /// The value after the write, given the one before; `None` where it cannot be told.
    pub(crate) fn after(&self, before: Option<&str>) -> Option<String> {
        match self {
            Self::Untouched => before.map(str::to_owned),
            Self::To(value) => Some(value.clone()),
            Self::Empty | Self::Changed => None,
        }
    }
}

// === impl Activity ===

impl Activity {
    /// Whether the user may be in another state afterwards.
    pub(crate) fn may_change(self, active: bool) -> bool {
        match self {
            Self::Untouched => false,
            Self::To(wanted) => wanted != active,
            Self::LeftOut => !active,
            Self::Removed => true,
        }
    }

    /// The state after the write, given the one before.
    pub(crate) fn after(self, active: bool) -> bool {
        match self {
            Self::To(wanted) => wanted,
            Self::Untouched | Self::LeftOut | Self::Removed => active,
        }
    }
}

// === impl Members ===

impl Members {
    /// With these put in.
    pub(crate) fn with(self, ids: impl IntoIterator<Item = String>) -> Self {
        match self {
            Self::Changed => Self::Changed,
            Self::Absolute(mut all) => {
                all.extend(ids);
                Self::Absolute(all)
            }
            Self::Untouched => Self::Relative {
                add: ids.into_iter().collect(),
                remove: BTreeSet::new(),
            },
            Self::Relative {
                mut add,
                mut remove,
            } => {
                for id in ids {
                    remove.remove(&id);
                    add.insert(id);
                }
                Self::Relative { add, remove }
            }
        }
    }

    /// With these taken out.
    pub(crate) fn without(self, ids: impl IntoIterator<Item = String>) -> Self {
        match self {
            Self::Changed => Self::Changed,
            Self::Absolute(mut all) => {
                for id in ids {
                    all.remove(&id);
                }
                Self::Absolute(all)
            }
            Self::Untouched => Self::Relative {
                add: BTreeSet::new(),
                remove: ids.into_iter().collect(),
            },
            Self::Relative {
                mut add,
                mut remove,
            } => {
                for id in ids {
                    add.remove(&id);
                    remove.insert(id);
                }
                Self::Relative { add, remove }
            }
        }
    }

    /// How many users the request names.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Untouched | Self::Changed => 0,
            Self::Relative { add, remove } => add.len() + remove.len(),
            Self::Absolute(all) => all.len(),
        }
    }
}
