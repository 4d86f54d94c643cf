//! What a request would do to things besides users and groups, and to all groups of a scope at once.

/// An edit that is judged by what it may reach rather than by one record.
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
    /// The application takes the user to change from a place where the request has nothing.
    UnnamedUser {
        /// In words.
        places: String,
    },
}

/// A thing besides users and groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Thing {
    /// Such as `token`, as the policy calls it.
    pub(crate) kind: String,
    /// `None`: the request does not name it, so that it may be any.
    pub(crate) id: Option<String>,
}

/// A value that only a group of the provider's may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    /// Where in the body.
    pub(crate) pointer: String,
    /// `""`, `org` or `org/project`.
    pub(crate) scope: String,
    /// Where the request gives it.
    pub(crate) id: Option<String>,
    pub(crate) name: Option<String>,
    /// The group is created with it.
    pub(crate) creates: bool,
}

/// How much a scope holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// The account itself, with everything that a provider pushes.
    Account,
    /// An organisation or a project.
    Part,
}
