//! The facts that a policy can ask for: the closed set of keys, and their answers.
//!
//! A key without an answer is not "absent": the policy asks for it with [`crate::Need`].

use scimguard_interface_macros::wit;
use serde::{Deserialize, Serialize};

use crate::TokenText;

/// How to treat a user or group that the store has no record of.
#[wit]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unseen {
    /// It belongs to no provider.
    Absent,
    /// It may be the resource of an unsettled create: unavailable while the account has one.
    Pending,
    /// The decision depends on whether it exists: ask the backend.
    Backend,
}

/// A question to the store.
#[wit]
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Key {
    /// Lower-case hex of SHA-256 of the token text. Answered by [`Answer::Token`].
    Token(String),
    /// The claims of a token that an issuer vouches for. Answered by [`Answer::Claims`].
    Verified(VerifiedKey),
    /// Answered by [`Answer::Principal`].
    Principal(PrincipalKey),
    /// By id. Answered by [`Answer::User`].
    User(UserKey),
    /// By user name, in any case. Answered by [`Answer::User`].
    UserByName(UserKey),
    /// By the look of a user name: the skeleton (UTS 39 §4) of its folded form. Answered by
    /// [`Answer::Holders`].
    UserAlike(UserKey),
    /// Answered by [`Answer::Group`].
    Group(GroupKey),
    /// Answered by [`Answer::Groups`].
    GroupByDerivedId(DerivedIdKey),
    /// Answered by [`Answer::Holders`].
    ExternalId(ExternalIdKey),
    /// Answered by [`Answer::Members`].
    Members(MembersKey),
    /// Answered by [`Answer::Difference`].
    MembersDifference(MembersKey),
    /// Answered by [`Answer::Groups`].
    UserGroups(UserGroupsKey),
}

/// Asks whether an issuer vouches for a token.
#[wit]
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct VerifiedKey {
    /// The account that the issuer must vouch for; empty for a management request that names none.
    pub account: String,
    /// The issuer as written in the policy document.
    pub issuer: String,
    /// The text of the token.
    pub token: TokenText,
}

/// Asks for a user or service account of the application.
#[wit]
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PrincipalKey {
    /// The account.
    pub account: String,
    /// The id.
    pub id: String,
}

/// Asks for a user.
#[wit]
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct UserKey {
    /// The account.
    pub account: String,
    /// An id or a user name.
    pub value: String,
    /// How to treat an unseen one.
    pub unseen: Unseen,
}

/// Asks for a group.
#[wit]
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct GroupKey {
    /// The account.
    pub account: String,
    /// `""`, `org` or `org/project`.
    pub scope: String,
    /// The id.
    pub id: String,
    /// How to treat an unseen one.
    pub unseen: Unseen,
}

/// Asks for the groups that have a derived id, or whose name results in it.
#[wit]
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DerivedIdKey {
    /// The account.
    pub account: String,
    /// `""`, `org` or `org/project`.
    pub scope: String,
    /// The derived id.
    pub id: String,
    /// The characters of the name that the derivation replaces.
    pub replace: String,
    /// Their replacement.
    pub with: String,
}

/// Asks for the holders of an external id.
#[wit]
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ExternalIdKey {
    /// The account.
    pub account: String,
    /// Compared exactly with ids and external ids.
    pub value: String,
}

/// Asks which of some users are in a group.
#[wit]
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct MembersKey {
    /// The account.
    pub account: String,
    /// `""`, `org` or `org/project`.
    pub scope: String,
    /// Empty for a group that is being created.
    pub group: String,
    /// The users' ids and, if `names`, also user names in any case.
    pub users: Vec<String>,
    /// Whether a reference may be a user name.
    pub names: bool,
}

/// Asks for the groups of a user.
#[wit]
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct UserGroupsKey {
    /// The account.
    pub account: String,
    /// An id, or a user name in any case.
    pub user: String,
}

/// The store's answer.
#[wit]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// There is none.
    Absent,
    /// The store cannot answer now.
    Unavailable,
    /// A token and its principal.
    Token(Token),
    /// JSON text: the payload of a JWT with a valid signature, or an introspection answer with
    /// `active: true`.
    Claims(String),
    /// A principal.
    Principal(Principal),
    /// One user.
    User(User),
    /// One group.
    Group(Group),
    /// Several groups.
    Groups(Vec<Group>),
    /// The holders of an external id.
    Holders(Vec<Holder>),
    /// One entry for each user asked for.
    Members(Vec<Member>),
    /// The group's members compared with the users asked for.
    Difference(Difference),
}

/// A question with its answer.
#[wit]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// The question.
    pub key: Key,
    /// The answer.
    pub answer: Answer,
}

/// A token and the principal whose rights it has now.
#[wit]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// A name for logs, never the secret.
    pub id: Option<String>,
    /// The account that it is for.
    pub account: String,
    /// The identity provider that it was issued to.
    pub provider: Option<String>,
    /// Milliseconds since 1970; `None` if it never expires.
    pub expires: Option<u64>,
    /// Whether it was revoked.
    pub revoked: bool,
    /// `None` if the principal no longer exists.
    pub principal: Option<Principal>,
}

/// A user or service account of the application.
#[wit]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Principal {
    /// The account that it belongs to.
    pub account: String,
    /// Its id.
    pub id: String,
    /// Whether it is enabled.
    pub active: bool,
    /// Permission ids.
    pub permissions: Vec<String>,
}

/// The record of a user.
#[wit]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The account.
    pub account: String,
    /// `None` for a create that is not settled yet.
    pub id: Option<String>,
    /// The user name as the provider wrote it.
    pub user_name: String,
    /// `None`: not known.
    pub display_name: Option<String>,
    /// The provider's id of the user.
    pub external_id: Option<String>,
    /// Whether the user is not deactivated.
    pub active: bool,
    /// The provider that provisioned the user; `None` for a native one.
    pub managed_by: Option<String>,
    /// The outcome of a write is not known yet.
    #[serde(rename = "pending")]
    pub write_pending: bool,
    /// The outcome of a deletion by the provider is not known yet.
    #[serde(rename = "leaving")]
    pub deletion_pending: bool,
    /// When `managed_by` was set, in milliseconds since 1970.
    pub since: Option<u64>,
    /// How `managed_by` was set, if known.
    pub origin: Option<Origin>,
    /// Whether the user is in at least one owned group. Derived by the store, ignored in records.
    pub in_managed_group: bool,
}

/// The record of a group.
#[wit]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// The account.
    pub account: String,
    /// `""`, `org` or `org/project`.
    pub scope: String,
    /// `None` for a create that is not settled yet.
    pub id: Option<String>,
    /// `None`: not known.
    pub display_name: Option<String>,
    /// The id derived from the name, if ids are derived. Also `None` for an unsettled create that may have
    /// got another id because a group with this one exists or may exist.
    pub derived_id: Option<String>,
    /// The provider's id of the group.
    pub external_id: Option<String>,
    /// The provider that pushed the group; `None` for a native one.
    pub managed_by: Option<String>,
    /// The outcome of a write is not known yet.
    #[serde(rename = "pending")]
    pub write_pending: bool,
    /// The outcome of a deletion by the provider is not known yet.
    #[serde(rename = "leaving")]
    pub deletion_pending: bool,
    /// When `managed_by` was set, in milliseconds since 1970.
    pub since: Option<u64>,
    /// How `managed_by` was set, if known.
    pub origin: Option<Origin>,
    /// Whether the membership records are complete.
    pub members_known: bool,
}

/// How a user or group came to be owned by a provider, or native.
#[wit]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// The provider created it through the guard, with the token of this id.
    Created(Option<String>),
    /// It was native, and the provider took it over, with the token of this id.
    Adopted(Option<String>),
    /// It existed before the guard, and an import with this filter recorded it.
    Imported(Option<String>),
    /// An operator of the guard corrected the record, for this reason.
    Corrected(Option<String>),
}

/// A user or a group.
#[wit]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ResourceKind {
    /// A user.
    User,
    /// A group.
    Group,
}

/// A user or group that has an external id.
#[wit]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The kind of resource.
    pub kind: ResourceKind,
    /// `None` for a create that is not settled yet.
    pub id: Option<String>,
    /// The user's userName or the group's displayName.
    pub name: Option<String>,
}

/// How certain a membership is.
#[wit]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Membership {
    /// The user is a member.
    Confirmed,
    /// A successful write added the user, but its answer did not list the members.
    Unconfirmed,
    /// Perhaps a member: the outcome of a write that adds the user is unknown, the group may be another one
    /// now, or its members are unknown.
    Adding,
    /// Perhaps no longer a member: the outcome of a write that removes the user, or deletes the user or the
    /// group, is unknown.
    Removing,
}

/// Whether a user is in a group.
#[wit]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The reference as asked, or the user's id if the store added the member.
    pub reference: String,
    /// How certain the membership is; `None` if the user is not in the group.
    pub state: Option<Membership>,
    /// The user's record.
    pub user: Option<User>,
}

/// A group's members compared with a list of users.
#[wit]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// The users asked for whose membership is not confirmed.
    pub added: Vec<Member>,
    /// The group's members that were not asked for.
    pub removed: Vec<Member>,
    /// Whether the membership records are complete.
    pub complete: bool,
}

// === impl DerivedIdKey ===

impl DerivedIdKey {
    /// Derives the id of a name.
    #[must_use]
    pub fn derive(&self, name: &str) -> String {
        derived_id(name, &self.replace, &self.with)
    }
}

/// Derives a group's id from its name: replaces every character of `replace` by `with`.
#[must_use]
pub fn derived_id(name: &str, replace: &str, with: &str) -> String {
    name.chars().fold(String::new(), |mut id, c| {
        if replace.contains(c) {
            id.push_str(with);
        } else {
            id.push(c);
        }
        id
    })
}

// === impl User ===

impl User {
    /// How strongly a provider's ownership locks the user. If a reference can mean two users, the rules
    /// judge the more strongly locked one.
    #[must_use]
    pub fn locks(&self) -> u8 {
        match &self.managed_by {
            Some(_) if self.in_managed_group => 2,
            Some(_) => 1,
            None => 0,
        }
    }
}

// === impl Member ===

impl Member {
    /// Whether the user is certainly in the group.
    #[must_use]
    pub fn is_in(&self) -> bool {
        matches!(
            self.state,
            Some(Membership::Confirmed | Membership::Unconfirmed)
        )
    }

    /// Whether the user is in the group and no write of that awaits confirmation.
    #[must_use]
    pub fn is_confirmed(&self) -> bool {
        self.state == Some(Membership::Confirmed)
    }

    /// Whether the user is in the group, certainly or perhaps.
    #[must_use]
    pub fn may_be_in(&self) -> bool {
        self.state.is_some()
    }
}
