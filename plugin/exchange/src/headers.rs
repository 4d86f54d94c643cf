//! Removes the headers that belong to one connection (RFC 9110 §7.6.1).

use scimguard_core::{Headers, header_names};

/// Whether a header belongs to a connection or to the framing, which a proxy writes itself.
#[must_use]
pub fn is_own(name: &str) -> bool {
    header_names::is_of_connection(name)
}

/// The headers of a message that may be shown to the policy and forwarded.
#[must_use]
pub fn end_to_end(mut headers: Headers) -> Headers {
    let named = header_names::named_by_connection(&headers);
    headers.retain(|(name, _)| !is_own(name) && !named.contains(&header_names::spelling(name)));
    join_cookies(&mut headers);
    headers
}

/// Joins cookies: HTTP/2 may split them, HTTP/1.1 has one Cookie header (RFC 9113 §8.2.3).
fn join_cookies(headers: &mut Headers) {
    let is_cookie = |name: &str| name == "cookie";
    if headers.iter().filter(|(name, _)| is_cookie(name)).count() < 2 {
        return;
    }
    let cookies: Vec<Vec<u8>> = headers
        .extract_if(.., |(name, _)| is_cookie(name))
        .map(|(_, value)| value)
        .collect();
    headers.push(("cookie".to_owned(), cookies.join(&b"; "[..])));
}
