//! Which header names readers treat as equal, and which headers are never forwarded.
//!
//! CGI and its successors (RFC 3875 §4.1.18: WSGI, Rack, PHP) turn a header's name into a variable,
//! in which `-` and `_` are the same; some servers replace every character except letters and
//! digits with `_`. So the comparison ignores case and treats all such characters alike.

/// Headers of one connection or of the framing (RFC 9110 §7.6.1), which a proxy writes itself.
const OF_CONNECTION: &[&str] = &[
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

/// Headers that change the meaning of a request, or claim its origin without proof.
const UNTRUSTED: &[&str] = &[
    "base-url",
    "cf-connecting-ip",
    "cf-connecting-ipv6",
    "client-ip",
    "fastly-client-ip",
    "fly-client-ip",
    "forwarded",
    "front-end-https",
    "path-info",
    "script-name",
    "true-client-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-envoy-external-address",
    "x-envoy-internal",
    "x-envoy-original-host",
    "x-envoy-original-path",
    "x-host",
    "x-http-host-override",
    "x-http-method",
    "x-http-method-override",
    "x-http-path-override",
    "x-method",
    "x-method-override",
    "x-originating-ip",
    "x-path-info",
    "x-proxyuser-ip",
    "x-real-ip",
    "x-remote-addr",
    "x-remote-ip",
    "x-script-name",
    "x-url-scheme",
];

/// Prefixes of more such headers, and the prefix of the guard's own.
const UNTRUSTED_BEGINNINGS: &[&str] = &["x-forwarded", "x-original-", "x-rewrite-", "scimguard-"];

/// The comparable form of a name: in lower case, with `-` for every character except letters and
/// digits.
#[must_use]
pub fn spelling(name: &str) -> String {
    name.chars()
        .map(|c| match c.is_ascii_alphanumeric() {
            true => c.to_ascii_lowercase(),
            false => '-',
        })
        .collect()
}

/// Whether a lenient reader treats two names as equal.
#[must_use]
pub fn same(one: &str, other: &str) -> bool {
    let same = |(one, other): (u8, u8)| {
        let is_sign = |byte: u8| !byte.is_ascii_alphanumeric();
        one.eq_ignore_ascii_case(&other) || is_sign(one) && is_sign(other)
    };
    one.len() == other.len() && one.bytes().zip(other.bytes()).all(same)
}

/// Whether a header belongs to one connection or to the framing.
#[must_use]
pub fn is_of_connection(name: &str) -> bool {
    OF_CONNECTION.iter().any(|own| same(own, name))
}

/// Whether a client's header is never forwarded.
#[must_use]
pub fn is_never_forwarded(name: &str) -> bool {
    let begins = |start: &&str| name.get(..start.len()).is_some_and(|it| same(it, start));
    is_of_connection(name)
        || UNTRUSTED.iter().any(|untrusted| same(untrusted, name))
        || UNTRUSTED_BEGINNINGS.iter().any(begins)
}

/// The comparable names that the Connection headers among these list (RFC 9110 §7.6.1).
pub fn named_by_connection<'h>(
    headers: impl IntoIterator<Item = &'h (String, Vec<u8>)>,
) -> std::collections::BTreeSet<String> {
    headers
        .into_iter()
        .filter(|(name, _)| same(name, "connection"))
        .flat_map(|(_, value)| value.split(|byte| *byte == b','))
        .map(|name| spelling(String::from_utf8_lossy(name).trim()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_in_every_spelling() {
        for name in [
            "X_HTTP_Method_Override",
            "x-http_method-override",
            "x.http.method.override",
            "X_Original_URL",
            "X-ORIGINAL-HOST",
            "X_Forwarded_For",
            "x-forwarded",
            "scimguard_rule",
            "Transfer_Encoding",
            "CONTENT_LENGTH",
            "True_Client_IP",
        ] {
            assert!(is_never_forwarded(name), "{name}");
        }
        for name in [
            "cookie",
            "x-api-key",
            "x-request-id",
            "x-methodology",
            "content-type",
            "xforwarded",
        ] {
            assert!(!is_never_forwarded(name), "{name}");
        }
        assert!(same("x_api_key", "X-API-Key"));
        assert!(!same("xapikey", "x-api-key"));
        assert_eq!(spelling("X_Api.Key"), "x-api-key");
    }
}
