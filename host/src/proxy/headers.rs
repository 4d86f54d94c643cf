//! Converts headers between HTTP and the policy's form.

use http::header::{HeaderMap, HeaderName, HeaderValue};
use scimguard_core::Headers;
use scimguard_exchange::headers;

/// The headers of a message that the policy may see and that are forwarded.
pub(super) fn end_to_end(map: &HeaderMap) -> Headers {
    headers::end_to_end(
        map.iter()
            .map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()))
            .collect(),
    )
}

/// A policy's headers as a map. `None`: one of them is invalid.
pub(super) fn to_map(headers: Headers) -> Option<HeaderMap> {
    let mut map = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers {
        if headers::is_own(&name) {
            continue;
        }
        let name = HeaderName::try_from(name).ok()?;
        map.append(name, HeaderValue::try_from(value).ok()?);
    }
    Some(map)
}
