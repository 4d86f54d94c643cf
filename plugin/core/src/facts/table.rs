//! The record in memory, for everything that decides without a store: `scimguard check` and `test`,
//! the browser. The same questions and the same answers as the host's store.

use std::collections::{BTreeMap, BTreeSet};

use super::{Group, Principal, Token, User, VerifiedKey};

/// The whole record. Complete: what is not in it does not exist.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    pub(crate) tokens: BTreeMap<String, Token>,
    pub(crate) token_principals: BTreeMap<String, (String, String)>,
    /// The claims of tokens that an issuer vouches for.
    pub(crate) verified: BTreeMap<VerifiedKey, String>,
    pub(crate) principals: BTreeMap<(String, String), Principal>,
    pub(crate) users: BTreeMap<(String, String), User>,
    pub(crate) groups: BTreeMap<(String, String, String), Group>,
    /// Unsettled creates of groups, by account and id, whose derived id was another group's when they
    /// began, or may be that of an earlier attempt.
    pub(crate) taken: BTreeSet<(String, String)>,
    /// How many attempts to create a group have no outcome, beside the first; by account and id.
    pub(crate) again: BTreeMap<(String, String), u32>,
    /// By account, scope, group, user.
    pub(crate) members: BTreeMap<(String, String, String, String), Membership>,
}

/// How sure a recorded membership is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Membership {
    Confirmed,
    /// Put in by a write that was done, and whose answer told no members.
    Untold,
    /// Put in by a write whose outcome is not known yet.
    Joining,
    /// Taken out by one.
    Leaving,
}

// === impl Table ===

impl Table {
    /// Adds another table's entries; one with the same key replaces.
    pub fn merge(&mut self, other: Self) {
        self.tokens.extend(other.tokens);
        self.token_principals.extend(other.token_principals);
        self.verified.extend(other.verified);
        self.principals.extend(other.principals);
        self.users.extend(other.users);
        self.groups.extend(other.groups);
        self.taken.extend(other.taken);
        self.again.extend(other.again);
        self.members.extend(other.members);
    }
}

// === impl Membership ===

impl Membership {
    /// Perhaps not in: a change is open.
    pub(super) fn is_doubtful(self) -> bool {
        matches!(self, Self::Joining | Self::Leaving)
    }
}
