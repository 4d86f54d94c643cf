//! Recorded requests with their answers, from any kind of file, and the SCIM endpoint of each.

use std::collections::BTreeSet;

use percent_encoding::percent_decode_str;
use scimguard_core::Headers;
use scimguard_core::facts::ResourceKind;
use serde_json::Value;

/// A request and its answer.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// Its number in the file, from 1.
    pub(crate) number: usize,
    /// Its name, if it has one.
    pub(crate) name: Option<String>,
    pub(crate) method: String,
    /// Path and query.
    pub(crate) path: String,
    pub(crate) headers: Headers,
    pub(crate) body: Option<Vec<u8>>,
    /// `None`: none was recorded.
    pub(crate) answer: Option<Answer>,
}

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Headers,
    pub(crate) body: Option<Vec<u8>>,
}

/// In UTF-8.
pub(super) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The paths that precede SCIM endpoints.
pub(super) struct Bases(BTreeSet<String>);

/// An entry with a SCIM endpoint.
#[derive(Clone, Debug)]
pub(super) struct Call<'e> {
    pub(super) entry: &'e Entry,
    /// The path before the endpoint.
    pub(super) base: String,
    /// The path from the endpoint on, as sent.
    pub(super) tail: String,
    /// What follows the question mark, as sent.
    pub(super) raw_query: Option<String>,
    pub(super) query: Vec<(String, String)>,
    pub(super) endpoint: Endpoint,
    /// The request's body, if it is JSON.
    pub(super) sent: Option<Value>,
    /// The answer's body, if it is JSON.
    pub(super) answered: Option<Value>,
}

/// SCIM endpoints (RFC 7644 §3.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    Collection(ResourceKind),
    Resource(ResourceKind, String),
    /// Of one type or of all.
    Search(Option<ResourceKind>),
    Bulk,
    Schemas,
    ResourceTypes,
    ServiceProviderConfig,
}

// === impl Entry ===

impl Entry {
    /// Whether the request succeeded.
    pub(super) fn succeeded(&self) -> bool {
        self.status().is_some_and(|status| status / 100 == 2)
    }

    pub(super) fn status(&self) -> Option<u16> {
        self.answer.as_ref().map(|answer| answer.status)
    }
}

/// The first segments of endpoints (RFC 7644 §3.2).
const NAMES: &[&str] = &[
    "Users",
    "Groups",
    ".search",
    "Bulk",
    "Schemas",
    "ResourceTypes",
    "ServiceProviderConfig",
];

/// The first value of a header.
pub(super) fn header<'h>(headers: &'h Headers, name: &str) -> Option<&'h str> {
    headers
        .iter()
        .find(|(other, _)| other == name)
        .and_then(|(_, value)| std::str::from_utf8(value).ok())
}

/// The declared media type, without parameters.
pub(super) fn media_type(headers: &Headers) -> Option<String> {
    let declared = header(headers, "content-type")?;
    let essence = declared.split(';').next()?.trim().to_ascii_lowercase();
    (!essence.is_empty()).then_some(essence)
}

// === impl Bases ===

impl Bases {
    /// The given one, otherwise what precedes the endpoints of these paths.
    pub(super) fn new<'p>(given: Option<&str>, paths: impl Iterator<Item = &'p str>) -> Self {
        if let Some(given) = given {
            return Self(BTreeSet::from([given.trim_end_matches('/').to_owned()]));
        }
        let base_of = |path: &'p str| {
            let path = path.split('?').next().unwrap_or(path);
            path.strip_suffix(tail_of(path)?).map(str::to_owned)
        };
        Self(paths.filter_map(base_of).collect())
    }

    /// Splits a path at its endpoint.
    fn split<'p>(&self, path: &'p str) -> Option<(&'p str, Endpoint)> {
        // The longest base leaves the shortest rest.
        self.0
            .iter()
            .filter_map(|base| path.strip_prefix(base.as_str()))
            .filter_map(|tail| Some((tail, endpoint(tail)?)))
            .min_by_key(|(tail, _)| tail.len())
    }
}

// === impl Call ===

impl<'e> Call<'e> {
    /// `None`: the entry has no known SCIM endpoint.
    pub(super) fn of(entry: &'e Entry, bases: &Bases) -> Option<Self> {
        let (path, raw_query) = match entry.path.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (entry.path.as_str(), None),
        };
        let (tail, endpoint) = bases.split(path)?;
        // A byte order mark is a finding of its own; the rest is parsed.
        let body = |body: &Option<Vec<u8>>| {
            let bytes = body.as_deref()?;
            serde_json::from_slice(bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes)).ok()
        };
        Some(Self {
            entry,
            base: path.strip_suffix(tail).unwrap_or_default().to_owned(),
            tail: tail.to_owned(),
            raw_query: raw_query.map(str::to_owned),
            query: raw_query.map(parameters).unwrap_or_default(),
            endpoint,
            sent: body(&entry.body),
            answered: entry.answer.as_ref().and_then(|answer| body(&answer.body)),
        })
    }

    /// The value of a parameter, whose name is compared without case.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Whether the client requested a part of each resource.
    pub(super) fn asks_for_part(&self) -> bool {
        let named = |name| self.parameter(name).is_some() || self.sent_member(name).is_some();
        named("attributes") || named("excludedAttributes")
    }

    /// A member of a search's body.
    pub(super) fn sent_member(&self, name: &str) -> Option<&Value> {
        match self.endpoint {
            Endpoint::Search(_) => self.sent.as_ref()?.get(name),
            _ => None,
        }
    }
}

// === impl Endpoint ===

impl Endpoint {
    /// The endpoint with which a path begins.
    pub(super) fn of(path: &str) -> Option<Self> {
        endpoint(path.split('?').next().unwrap_or(path))
    }
}

/// The part of a path from its endpoint on: `/Users/ID`, `/Groups`, `/.search`. Spelt exactly as in
/// RFC 7644, since `/users` may be something other than SCIM.
fn tail_of(path: &str) -> Option<&str> {
    let slashes: Vec<usize> = path.match_indices('/').map(|(at, _)| at).collect();
    slashes
        .iter()
        .rev()
        .filter_map(|at| path.get(*at..))
        .filter(|tail| {
            let first = tail.split('/').nth(1).unwrap_or_default();
            NAMES.contains(&first) && endpoint(tail).is_some()
        })
        .max_by_key(|tail| tail.len())
}

fn endpoint(tail: &str) -> Option<Endpoint> {
    let segments: Vec<String> = tail
        .strip_prefix('/')?
        .trim_end_matches('/')
        .split('/')
        .map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned())
        .collect();
    let (first, rest) = segments.split_first()?;
    // In any case: below a known base, `/users` is a finding.
    let kind = match first.to_ascii_lowercase().as_str() {
        "users" => ResourceKind::User,
        "groups" => ResourceKind::Group,
        ".search" if rest.is_empty() => return Some(Endpoint::Search(None)),
        "bulk" if rest.is_empty() => return Some(Endpoint::Bulk),
        "schemas" if rest.len() <= 1 => return Some(Endpoint::Schemas),
        "resourcetypes" if rest.len() <= 1 => return Some(Endpoint::ResourceTypes),
        "serviceproviderconfig" if rest.is_empty() => return Some(Endpoint::ServiceProviderConfig),
        _ => return None,
    };
    match rest {
        [] => Some(Endpoint::Collection(kind)),
        [id] if id == ".search" => Some(Endpoint::Search(Some(kind))),
        [id] => Some(Endpoint::Resource(kind, id.clone())),
        _ => None,
    }
}

fn parameters(query: &str) -> Vec<(String, String)> {
    let decode = |text: &str| {
        percent_decode_str(&text.replace('+', " "))
            .decode_utf8_lossy()
            .into_owned()
    };
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (decode(name), decode(value)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_is_what_stands_before_the_end_point() {
        for (path, base, tail) in [
            ("/Users", "", "/Users"),
            ("/scim/v2/Users/u1", "/scim/v2", "/Users/u1"),
            ("/t/Users/scim/Groups/", "/t/Users/scim", "/Groups/"),
            ("/scim/Users/.search", "/scim", "/Users/.search"),
            ("/scim/.search", "/scim", "/.search"),
            ("/scim/Schemas/urn:x", "/scim", "/Schemas/urn:x"),
        ] {
            let found = tail_of(path).unwrap();
            assert_eq!((path.strip_suffix(found), found), (Some(base), tail));
        }
        for path in [
            "/",
            "",
            "/index.html",
            "/api/users",
            "/Users/1/photo",
            "/scim/Bulk/1",
        ] {
            assert_eq!(tail_of(path), None, "{path}");
        }
    }

    #[test]
    fn below_a_base_that_is_known_case_is_told_and_not_decided_by() {
        let paths = ["/scim/Users?count=1", "/api/users"];
        let found = Bases::new(None, paths.into_iter());
        assert!(found.split("/scim/users").is_some());
        assert!(found.split("/api/users").is_none());
        let given = Bases::new(Some("/api/"), paths.into_iter());
        assert!(given.split("/api/users").is_some());
        assert!(given.split("/scim/Users").is_none());
    }
}
