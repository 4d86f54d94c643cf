//! The record, as far as it is read and changed here.

use std::collections::BTreeSet;

use scimguard_core::facts::{Answer, Group, Key, ResourceKind, User};
use scimguard_core::record::settlement::Step;

/// A create that is not settled.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OpenIntent {
    /// What is created.
    pub kind: ResourceKind,
    /// The account.
    pub account: String,
    /// The key of the intent.
    pub key: String,
    /// The user name, or the group's name.
    pub name: String,
    /// The id that a group's name gives, where ids are derived.
    pub derived_id: Option<String>,
    /// A group has that id already, or may have it from an earlier attempt, so that this create may get
    /// another.
    pub taken: bool,
    /// The provider's id.
    pub external_id: Option<String>,
    /// Milliseconds since 1970.
    pub opened: i64,
}

/// A group with memberships that are not settled.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OpenMembers {
    /// The account.
    pub account: String,
    /// The group's id.
    pub group_id: String,
}

/// The ownership record. `only`: an account and a key or id.
pub trait Store: Sync {
    /// Why the record could not be read or changed.
    type Error: Send;

    /// Answers every key, in order, from one state of the record.
    fn answer(&self, keys: &[Key])
    -> impl Future<Output = Result<Vec<Answer>, Self::Error>> + Send;

    /// Applies the steps in order, all or none. They are durable afterwards.
    fn apply(&self, steps: Vec<Step>) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Creates that are not settled, the oldest first; or the one of `only`.
    fn open_intents(
        &self,
        only: Option<(&str, &str)>,
    ) -> impl Future<Output = Result<Vec<OpenIntent>, Self::Error>> + Send;

    /// Users with an open change that was begun before a time, the oldest first; or the one of `only`.
    fn open_users(
        &self,
        before: u64,
        only: Option<(&str, &str)>,
    ) -> impl Future<Output = Result<Vec<User>, Self::Error>> + Send;

    /// Groups of the account itself with an open change that was begun before a time, the oldest first;
    /// or the one of `only`.
    fn open_groups(
        &self,
        before: u64,
        only: Option<(&str, &str)>,
    ) -> impl Future<Output = Result<Vec<Group>, Self::Error>> + Send;

    /// Groups with open memberships that were begun before a time.
    fn open_members(
        &self,
        before: u64,
    ) -> impl Future<Output = Result<Vec<OpenMembers>, Self::Error>> + Send;

    /// The open members of a group that were begun before a time.
    fn open_members_of(
        &self,
        group: &OpenMembers,
        before: u64,
    ) -> impl Future<Output = Result<BTreeSet<String>, Self::Error>> + Send;

    /// The group of exactly this id in the account itself, even if another is being created in its place.
    fn recorded_group(
        &self,
        account: &str,
        id: &str,
    ) -> impl Future<Output = Result<Option<Group>, Self::Error>> + Send;
}
