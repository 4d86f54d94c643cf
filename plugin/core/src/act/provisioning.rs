//! Effects of a request on things other than users and groups, and on all groups of a scope at
//! once.

/// An edit that is judged by what it may affect, and not by one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ProvisioningEdit {
    /// These things change.
    Touch(Vec<Thing>),
    /// A group would look to the application as if the provider had pushed it.
    Claim(Claim),
    /// A scope is deleted with all of its groups.
    DeleteScope(Scope),
    /// The members of all groups of a scope change.
    ReplaceMembers(Scope),
    /// The request leaves a place empty from which the application reads the user to change.
    UnnamedUser {
        /// The places, in words.
        places: String,
    },
}

/// A thing that is neither a user nor a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Thing {
    /// The kind as the policy calls it, such as `token`.
    pub(crate) kind: String,
    /// `None`: the request does not name it, so it may be any.
    pub(crate) id: Option<String>,
}

/// A value that only a provider's group may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    /// The pointer to the value in the body.
    pub(crate) pointer: String,
    /// `""`, `org` or `org/project`.
    pub(crate) scope: String,
    /// The id, if the request gives it.
    pub(crate) id: Option<String>,
    pub(crate) name: Option<String>,
    /// The request creates the group with it.
    pub(crate) creates: bool,
}

/// The extent of a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// The account itself, with everything that a provider pushes.
    Account,
    /// An organisation or a project.
    Part,
}
