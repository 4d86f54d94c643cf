//! Why a request is refused: a rule, and what an administrator can do about it.

use super::Rule;
use crate::secrets::hide_secrets;

/// Details repeat at most this many bytes of what the client sent.
const MAX_DETAIL: usize = 1000;

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) rule: &'static str,
    pub(crate) status: u16,
    pub(crate) scim_type: Option<&'static str>,
    pub(crate) detail: String,
    /// The methods that the path allows.
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

    /// Adds the methods that the path allows (RFC 9110 §15.5.6).
    pub(crate) fn allowing(mut self, methods: &'static str) -> Self {
        self.allow = Some(methods);
        self
    }
}

/// Cuts a text to at most this many bytes.
pub(crate) fn cut(mut text: String, most: usize) -> String {
    if text.len() > most {
        text.truncate(text.floor_char_boundary(most));
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::cut;

    #[test]
    fn a_text_is_cut_between_characters_if_it_is_too_long() {
        for (text, expected) in [("abc", "abc"), ("abcd", "abc…"), ("abé", "ab…"), ("é", "é")]
        {
            assert_eq!(cut(text.to_owned(), 3), expected);
        }
    }
}
