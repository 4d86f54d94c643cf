//! Why a request goes no further: a rule, and what an administrator can do about it.

use super::Rule;
use crate::secrets::hide_secrets;

/// Details repeat what the client sent only so far, in bytes.
const MAX_DETAIL: usize = 1000;

/// Why a request goes no further.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) rule: &'static str,
    pub(crate) status: u16,
    pub(crate) scim_type: Option<&'static str>,
    pub(crate) detail: String,
    /// Methods that would have been right.
    pub(crate) allow: Option<&'static str>,
}

// === impl Refusal ===

impl Refusal {
    pub(crate) fn new(rule: &'static Rule, detail: String) -> Self {
        Self {
            rule: rule.id,
            status: rule.status.unwrap_or(500),
            scim_type: rule.scim_type,
            detail: cut(hide_secrets(&detail).into_owned(), MAX_DETAIL),
            allow: None,
        }
    }

    /// With the methods that would have been right (RFC 9110 §15.5.6).
    pub(crate) fn allowing(mut self, methods: &'static str) -> Self {
        self.allow = Some(methods);
        self
    }
}

/// Text that is not longer than it helps.
pub(crate) fn cut(mut text: String, most: usize) -> String {
    if text.len() > most {
        text.truncate(text.floor_char_boundary(most));
        text.push('…');
    }
    text
}
