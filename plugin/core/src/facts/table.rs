//! The record in memory, for everything that decides without a store: `scimguard check` and `test`,
//! and the browser. It answers the same keys in the same way as the host's store.

use std::collections::BTreeMap;

use super::rows::Rows;
use super::{Principal, PrincipalKey, Token, VerifiedKey};

/// The whole record. It is complete: what is not in it does not exist.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    pub(crate) tokens: BTreeMap<String, Token>,
    pub(crate) token_principals: BTreeMap<String, PrincipalKey>,
    /// The claims of tokens that an issuer has verified.
    pub(crate) verified: BTreeMap<VerifiedKey, String>,
    pub(crate) principals: BTreeMap<PrincipalKey, Principal>,
    /// What the policy has recorded.
    pub(crate) rows: Rows,
}

// === impl Table ===

impl Table {
    /// What the policy has recorded.
    #[must_use]
    pub fn rows(&self) -> &Rows {
        &self.rows
    }

    /// What the policy has recorded, to be changed by transitions.
    pub fn rows_mut(&mut self) -> &mut Rows {
        &mut self.rows
    }

    /// Adds another table's entries; an entry with the same key is replaced.
    pub fn merge(&mut self, other: Self) {
        self.tokens.extend(other.tokens);
        self.token_principals.extend(other.token_principals);
        self.verified.extend(other.verified);
        self.principals.extend(other.principals);
        self.rows.users.extend(other.rows.users);
        self.rows.groups.extend(other.rows.groups);
        self.rows.memberships.extend(other.rows.memberships);
        self.rows.retries.extend(other.rows.retries);
    }
}

impl From<Rows> for Table {
    fn from(rows: Rows) -> Self {
        Self {
            rows,
            ..Self::default()
        }
    }
}
