//! Which headers does a reader take for which, and which reach no application?
//!
//! CGI and its kin (RFC 3875 §4.1.18: WSGI, Rack, PHP) turn a header's name into a variable, in which
//! `-` and `_` are one; some servers make `_` of every character but letters and digits. So names are
//! compared without case, and with all such characters alike.

/// Of one connection or of the framing (RFC 9110 §7.6.1), which a gateway writes itself.
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

/// What makes another request of a request, or says where it came from although nobody vouches for it.
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

/// The same, whatever comes behind; and what only the guard may say.
const UNTRUSTED_BEGINNINGS: &[&str] = &["x-forwarded", "x-original-", "x-rewrite-", "scimguard-"];

/// How a name reads: in lower case, every character but letters and digits as `-`.
#[must_use]
pub fn spelling(name: &str) -> String {
    name.chars()
        .map(|c| match c.is_ascii_alphanumeric() {
            true => c.to_ascii_lowercase(),
            false => '-',
        })
        .collect()
}

/// Whether a lenient reader takes one name for the other.
#[must_use]
pub fn same(one: &str, other: &str) -> bool {
    let same = |(one, other): (u8, u8)| {
        let is_sign = |byte: u8| !byte.is_ascii_alphanumeric();
        one.eq_ignore_ascii_case(&other) || is_sign(one) && is_sign(other)
    };
    one.len() == other.len() && one.bytes().zip(other.bytes()).all(same)
}

/// Whether a header is of one connection or of the framing.
#[must_use]
pub fn is_of_connection(name: &str) -> bool {
    OF_CONNECTION.iter().any(|own| same(own, name))
}

/// Whether no application gets this header from a client.
#[must_use]
pub fn is_never_forwarded(name: &str) -> bool {
    let begins = |start: &&str| name.get(..start.len()).is_some_and(|it| same(it, start));
    is_of_connection(name)
        || UNTRUSTED.iter().any(|untrusted| same(untrusted, name))
        || UNTRUSTED_BEGINNINGS.iter().any(begins)
}

/// The names that the Connection headers among these give (RFC 9110 §7.6.1), spelt to be compared.
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
