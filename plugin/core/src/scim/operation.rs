//! One operation of a PATCH (RFC 7644 §3.5.2) in canonical form: one attribute, named as in the
//! schema.

use super::filter::Filter;
use crate::json::Json;

/// A canonical operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Operation {
    pub(crate) verb: Verb,
    /// The attribute's canonical name, with the URN of its extension.
    pub(crate) attribute: String,
    pub(crate) filter: Option<Filter>,
    pub(crate) sub: Option<String>,
    /// `None` only for a removal.
    pub(crate) value: Option<Json>,
    /// The client wrote it without a path.
    pub(crate) was_pathless: bool,
    /// The index of the client's operation that it comes from.
    pub(crate) origin: usize,
}

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Add,
    Remove,
    Replace,
}

// === impl Operation ===

impl Operation {
    /// Returns the path in canonical form.
    pub(crate) fn path(&self) -> String {
        let mut path = self.attribute.clone();
        if let Some(filter) = &self.filter {
            path.push('[');
            path.push_str(&filter.to_string());
            path.push(']');
        }
        if let Some(sub) = &self.sub {
            path.push('.');
            path.push_str(sub);
        }
        path
    }
}

// === impl Verb ===

impl Verb {
    /// RFC 7644 §3.5.2.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Remove => "remove",
            Self::Replace => "replace",
        }
    }
}
