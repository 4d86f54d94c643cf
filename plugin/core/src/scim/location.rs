//! Translates the addresses of resources between the backend and the guard's clients.

use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};

use crate::plain::is_plain_name;

/// The path segments before a resource's id.
const COLLECTIONS: [&str; 2] = ["/Users/", "/Groups/"];

/// One account's SCIM base as clients see it and at the backend.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Bases {
    pub(crate) client: String,
    pub(crate) upstream: String,
    /// The authority that the client addressed, if it sent one.
    pub(crate) authority: Option<String>,
    /// The scheme that the client used, as reported by proxies in front of the guard: `https` or
    /// `http`.
    #[serde(default)]
    pub(crate) scheme: Option<String>,
}

// === impl Bases ===

impl Bases {
    /// Rewrites a reference under the client's base to the backend's. Other references stay.
    pub(crate) fn inward(&self, reference: &str) -> String {
        moved(reference, &self.client, &self.upstream, Public::default())
            .unwrap_or_else(|| reference.to_owned())
    }

    /// Returns the id of the user that a reference under the client's base points to: relative to a
    /// group (RFC 7643 §8.4), by path, or by the authority that the client addressed.
    pub(crate) fn user_at(&self, reference: &str) -> Option<String> {
        const USERS: &str = "/Users/";
        let (scheme, authority, path) = split(reference);
        let is_own = scheme.is_none_or(|scheme| {
            let is_http = ["https", "http"].contains(&scheme.to_ascii_lowercase().as_str());
            let asked = self.authority.as_deref();
            is_http && asked.is_some_and(|asked| asked.eq_ignore_ascii_case(authority))
        });
        let raw = match path.strip_prefix(self.client.as_str()) {
            Some(tail) => tail.strip_prefix(USERS)?,
            None if scheme.is_some() => return None,
            None => ["../Users/", "Users/"]
                .iter()
                .find_map(|start| path.strip_prefix(start))?,
        };
        let id = percent_encoding::percent_decode_str(raw)
            .decode_utf8()
            .ok()?;
        let is_id = is_own && !raw.contains(['/', '?', '#']) && is_plain_name(&id);
        is_id.then(|| id.into_owned())
    }

    /// Rewrites a reference to a backend resource to the client's base and authority. Such a
    /// reference is under the backend's base or, if the backend uses another address for itself,
    /// ends in a type and an id. A path under the client's base stays if it cannot be the
    /// backend's.
    pub(crate) fn outward(&self, reference: &str) -> String {
        let public = Public {
            scheme: self.scheme.as_deref(),
            authority: self.authority.as_deref(),
        };
        let is_outward = self.client.starts_with(self.upstream.as_str());
        let stays = || moved(reference, &self.client, &self.client, public);
        is_outward
            .then(stays)
            .flatten()
            .or_else(|| moved(reference, &self.upstream, &self.client, public))
            .or_else(|| {
                let path = path_of(reference);
                let at = COLLECTIONS
                    .iter()
                    .filter_map(|name| path.rfind(name))
                    .max()?;
                moved(reference, path.get(..at)?, &self.client, public)
            })
            .unwrap_or_else(|| reference.to_owned())
    }
}

/// Returns the id at the end of a reference to a resource of this collection, such as `/Users/`.
pub(crate) fn id_in(reference: &str, collection: &str) -> Option<String> {
    let (_, id) = path_of(reference).rsplit_once(collection)?;
    let id = id.strip_suffix('/').unwrap_or(id);
    let id = percent_decode_str(id).decode_utf8().ok()?;
    let is_id = is_plain_name(&id) && !id.contains(['/', '?', '#', '%', '\\', ';']);
    (is_id && !matches!(&*id, "." | "..")).then(|| id.into_owned())
}

/// Returns the path of a URL, or of a reference without scheme and authority.
fn path_of(reference: &str) -> &str {
    split(reference).2
}

/// Splits a reference into scheme, authority and the rest.
fn split(reference: &str) -> (Option<&str>, &str, &str) {
    match reference.split_once("://") {
        Some((scheme, rest)) if !scheme.contains('/') => {
            let slash = rest.find('/').unwrap_or(rest.len());
            let (authority, path) = rest.split_at(slash);
            (Some(scheme), authority, path)
        }
        _ => (None, "", reference),
    }
}

/// The scheme and authority that replace a reference's own, where known.
#[derive(Clone, Copy, Default)]
struct Public<'a> {
    scheme: Option<&'a str>,
    authority: Option<&'a str>,
}

/// Moves a reference to another base; `None` if it is not under `from`.
fn moved(reference: &str, from: &str, to: &str, public: Public<'_>) -> Option<String> {
    let (scheme, own, path) = split(reference);
    let tail = path.strip_prefix(from).filter(|tail| is_tail(tail))?;
    Some(match scheme {
        Some(scheme) => {
            let scheme = public.scheme.unwrap_or(scheme);
            format!("{scheme}://{}{to}{tail}", public.authority.unwrap_or(own))
        }
        None => format!("{to}{tail}"),
    })
}

fn is_tail(tail: &str) -> bool {
    tail.is_empty() || tail.starts_with(['/', '?', '#'])
}
