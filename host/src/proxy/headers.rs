//! Headers on their way through: what belongs to one connection stays on it (RFC 9110 §7.6.1).

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use scimguard_core::Headers;

/// Headers of one connection or of the framing, which the guard writes itself.
const OWN: [&str; 13] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// The headers of a message that may be shown to the policy and sent on.
pub(super) fn end_to_end(headers: &HeaderMap) -> Headers {
    let named: Vec<String> = headers
        .get_all(header::CONNECTION)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .map(|name| String::from_utf8_lossy(name).trim().to_ascii_lowercase())
        .collect();
    let mut kept: Headers = headers
        .iter()
        .filter(|(name, _)| !OWN.contains(&name.as_str()))
        .filter(|(name, _)| !named.iter().any(|other| other == name.as_str()))
        .map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()))
        .collect();
    join_cookies(&mut kept);
    kept
}

/// HTTP/2 may send cookies apart; HTTP/1.1 has one Cookie (RFC 9113 §8.2.3).
fn join_cookies(headers: &mut Headers) {
    let is_cookie = |name: &str| name == header::COOKIE.as_str();
    if headers.iter().filter(|(name, _)| is_cookie(name)).count() < 2 {
        return;
    }
    let cookies: Vec<Vec<u8>> = headers
        .extract_if(.., |(name, _)| is_cookie(name))
        .map(|(_, value)| value)
        .collect();
    headers.push((header::COOKIE.as_str().to_owned(), cookies.join(&b"; "[..])));
}

/// A policy's headers as a map. `None` if one of them is no header.
pub(super) fn to_map(headers: Headers) -> Option<HeaderMap> {
    let mut map = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers {
        if OWN.contains(&name.to_ascii_lowercase().as_str()) {
            continue;
        }
        let name = HeaderName::try_from(name).ok()?;
        map.append(name, HeaderValue::try_from(value).ok()?);
    }
    Some(map)
}
