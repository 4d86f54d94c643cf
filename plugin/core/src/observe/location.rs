//! Where a backend says its resources are, in terms of the guard's own addresses.

use serde::{Deserialize, Serialize};

/// One account's SCIM base as clients see it, and at the backend.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Bases {
    pub(crate) client: String,
    pub(crate) upstream: String,
    /// The authority that the client asked, if it said so.
    pub(crate) authority: Option<String>,
}

// === impl Bases ===

impl Bases {
    /// A reference under the backend's base, rewritten to the client's. Anything else stays.
    pub(crate) fn rewrite(&self, reference: &str) -> String {
        let (scheme, rest) = match reference.split_once("://") {
            Some((scheme, rest)) if !scheme.contains('/') => (Some(scheme), rest),
            _ => (None, reference),
        };
        let (authority, path) = match scheme {
            Some(_) => rest
                .find('/')
                .map_or((rest, ""), |slash| rest.split_at(slash)),
            None => ("", rest),
        };
        let Some(tail) = path
            .strip_prefix(self.upstream.as_str())
            .filter(|tail| tail.is_empty() || tail.starts_with(['/', '?', '#']))
        else {
            return reference.to_owned();
        };
        let path = format!("{}{tail}", self.client);
        match scheme {
            Some(scheme) => {
                let authority = self.authority.as_deref().unwrap_or(authority);
                format!("{scheme}://{authority}{path}")
            }
            None => path,
        }
    }
}
