//! Refuses, before any decision, requests that are ambiguous or have no business behind a proxy.

use scimguard_core::Headers;

use crate::Refused;

/// Checks for methods, targets and framing that must not reach an application.
///
/// # Errors
/// The refusal.
pub fn check(method: &str, path: &str, headers: &Headers) -> Result<(), Refused> {
    if matches!(method, "CONNECT" | "TRACE") {
        let detail = format!("This address does not accept {method}.");
        return Err(Refused::new("route.method", detail));
    }
    if path == "*" {
        return Err(Refused::new(
            "route.unknown",
            "Request a path instead of `*`.",
        ));
    }
    let has = |wanted: &str| headers.iter().any(|(name, _)| name == wanted);
    if has("transfer-encoding") && has("content-length") {
        return Err(Refused::new(
            "body.syntax",
            "The request has both Content-Length and Transfer-Encoding. Send one of them.",
        ));
    }
    Ok(())
}

/// The request's host, named once or twice alike (RFC 9112 §3.2, RFC 9113 §8.3.1).
///
/// # Errors
/// The refusal of a request that names several.
pub fn one_host(authority: Option<&[u8]>, headers: &Headers) -> Result<Option<Vec<u8>>, Refused> {
    let refused = |detail: &str| Err(Refused::new("route.ambiguous-path", detail));
    let mut hosts = headers.iter().filter(|(name, _)| name == "host");
    let host = hosts.next().map(|(_, value)| value.as_slice());
    if hosts.next().is_some() {
        return refused("The request has several Host headers. Send one.");
    }
    // A gateway may have joined them into one (RFC 9110 §5.3).
    if authority.or(host).is_some_and(|host| host.contains(&b',')) {
        return refused("The request has several Host headers. Send one.");
    }
    match (authority, host) {
        (Some(authority), Some(host)) if !authority.eq_ignore_ascii_case(host) => {
            refused("The request's authority and its Host header differ. Send one address.")
        }
        (authority, host) => Ok(authority.or(host).map(<[u8]>::to_vec)),
    }
}
