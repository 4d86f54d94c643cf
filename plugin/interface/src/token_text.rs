//! The text of a token, for its issuer to verify.

use std::fmt;

use scimguard_interface_macros::wit;
use serde::{Deserialize, Serialize};

/// The text of a token. No message, log or panic shows it; it is serialised only for the facts service,
/// which has the keys.
#[wit]
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TokenText {
    /// The secret itself, for the bindings of a guest.
    #[doc(hidden)]
    pub text: String,
}

// === impl TokenText ===

impl TokenText {
    /// A token as its bearer sent it, without the scheme.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into() }
    }

    /// The secret itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// The secret itself.
    #[must_use]
    pub fn into_exposed(self) -> String {
        self.text
    }
}

impl fmt::Debug for TokenText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenText(…)")
    }
}
