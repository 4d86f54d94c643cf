//! Things other than users and groups that carry the provider's access, by kind and id: its service
//! account, API keys, tokens and settings.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::fold::key;

/// The kind whose ids apply to every kind.
pub(super) const ANY: &str = "any";

/// The form in the document.
pub(super) type ProtectedDocument = BTreeMap<String, Vec<Pattern>>;

/// An id, or a prefix of one followed by `*`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub(crate) enum Pattern {
    Id(String),
    Prefix(String),
}

/// The protected things of an account.
#[derive(Clone, Debug, Default)]
pub(crate) struct Protected(BTreeMap<String, Vec<Pattern>>);

/// Expands the short form, a list of ids of any kind, to the long one, so that merging it keeps the
/// preset's kinds.
pub(super) fn lengthen(document: &mut Value) {
    if let Some(protected) = document.get_mut("protected")
        && protected.is_array()
    {
        let ids = protected.take();
        *protected = json!({ ANY: ids });
    }
}

// === impl Pattern ===

impl From<String> for Pattern {
    fn from(text: String) -> Self {
        match text.strip_suffix('*') {
            Some(start) => Self::Prefix(start.to_owned()),
            None => Self::Id(text),
        }
    }
}

impl Pattern {
    /// Compares ids as leniently as any application would.
    fn covers(&self, id: &str) -> bool {
        let id = key(id);
        match self {
            Self::Id(protected) => key(protected) == id,
            Self::Prefix(start) => id.starts_with(key(start).as_ref()),
        }
    }
}

// === impl Protected ===

impl Protected {
    pub(super) fn new(document: ProtectedDocument) -> Self {
        Self(document)
    }

    /// Whether anything of this kind may be protected.
    pub(crate) fn knows(&self, kind: &str) -> bool {
        self.of(kind).next().is_some()
    }

    /// Whether this thing is protected.
    pub(crate) fn covers(&self, kind: &str, id: &str) -> bool {
        self.of(kind).any(|pattern| pattern.covers(id))
    }

    /// Adds what another account protects.
    pub(super) fn with(mut self, other: &Self) -> Self {
        for (kind, patterns) in &other.0 {
            let known = self.0.entry(kind.clone()).or_default();
            known.extend(patterns.iter().cloned());
        }
        self
    }

    fn of(&self, kind: &str) -> impl Iterator<Item = &Pattern> {
        [ANY, kind]
            .into_iter()
            .filter_map(|kind| self.0.get(kind))
            .flatten()
    }
}
