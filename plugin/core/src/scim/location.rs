//! Where a backend says its resources are, in terms of the guard's own addresses.

use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};

use crate::plain::is_plain_name;

/// What the path of a resource has before its id.
const COLLECTIONS: [&str; 2] = ["/Users/", "/Groups/"];

/// One account's SCIM base as clients see it, and at the backend.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Bases {
    pub(crate) client: String,
    pub(crate) upstream: String,
    /// The authority that the client asked, if it said so.
    pub(crate) authority: Option<String>,
    /// How the client asked, as the proxies in front of the guard say: `https` or `http`.
    #[serde(default)]
    pub(crate) scheme: Option<String>,
}

// === impl Bases ===

impl Bases {
    /// A reference under the client's base, rewritten to the backend's. Anything else stays.
    pub(crate) fn inward(&self, reference: &str) -> String {
        moved(reference, &self.client, &self.upstream, Public::default())
            .unwrap_or_else(|| reference.to_owned())
    }

    /// The id of the user to whom a reference leads, if it leads to one of the client's base: relative
    /// to a group (RFC 7643 §8.4), by its path, or by the authority that the client asked.
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

    /// A reference to a resource of the backend's, rewritten to the client's base and authority: it is
    /// under the backend's base, or, where the backend knows its own address by another name, ends in
    /// a type and an id. A path under the client's base stays, where it cannot be one of the backend's.
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

/// The id of the resource of this collection, such as `/Users/`, that a reference ends in.
pub(crate) fn id_in(reference: &str, collection: &str) -> Option<String> {
    let (_, id) = path_of(reference).rsplit_once(collection)?;
    let id = id.strip_suffix('/').unwrap_or(id);
    let id = percent_decode_str(id).decode_utf8().ok()?;
    let is_id = is_plain_name(&id) && !id.contains(['/', '?', '#', '%', '\\', ';']);
    (is_id && !matches!(&*id, "." | "..")).then(|| id.into_owned())
}

/// The path of a URL or of a reference without scheme and authority.
fn path_of(reference: &str) -> &str {
    split(reference).2
}

/// Scheme, authority and the rest.
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

/// Scheme and authority that a reference gets in place of its own, where they are known.
#[derive(Clone, Copy, Default)]
struct Public<'a> {
    scheme: Option<&'a str>,
    authority: Option<&'a str>,
}

/// The reference under another base; `None` if it is not under this one.
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
