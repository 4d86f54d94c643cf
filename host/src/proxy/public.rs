//! The guard's public scheme and host, for the locations in responses. They come from the
//! configuration, from a proxy that it trusts (`X-Forwarded-Proto` and `X-Forwarded-Host`, or
//! `Forwarded`, RFC 7239), or from the connection; what others claim is removed.

use std::net::IpAddr;

use http::HeaderMap;
use http::uri::Authority;
use ipnet::IpNet;
use scimguard_core::Headers;

use super::source;
use crate::config::{PublicUrl, is_host};

const PROTO: &str = "x-forwarded-proto";

/// The public scheme and host, as far as known.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Public {
    scheme: Option<&'static str>,
    authority: Option<String>,
}

impl Public {
    /// `over_tls`: whether clients connect over TLS.
    pub(super) fn of(
        configured: Option<&PublicUrl>,
        peer: IpAddr,
        headers: &HeaderMap,
        trusted: &[IpNet],
        over_tls: bool,
    ) -> Self {
        if let Some(url) = configured {
            return Self {
                scheme: scheme(url.scheme.as_str()),
                authority: Some(url.authority.to_string()),
            };
        }
        let proxies = source::trusted_hops(peer, headers, trusted);
        if proxies == 0 {
            return Self {
                scheme: over_tls.then_some("https"),
                authority: None,
            };
        }
        let forwarded = forwarded(headers, proxies);
        let said = |header: &str, parameter: &str| {
            nearest(&list(headers, header), proxies).or_else(|| {
                let element = forwarded.as_deref()?;
                parameters(element)
                    .find_map(|(name, value)| name.eq_ignore_ascii_case(parameter).then_some(value))
            })
        };
        Self {
            scheme: said(PROTO, "proto").and_then(|text| scheme(&text)),
            authority: said("x-forwarded-host", "host").filter(|text| {
                let authority = text.parse::<Authority>();
                authority.is_ok_and(|authority| is_host(&authority))
            }),
        }
    }

    /// Sets the headers that the policy reads.
    pub(super) fn enter(self, headers: &mut Headers) {
        headers.retain(|(name, _)| name != PROTO);
        if let Some(scheme) = self.scheme {
            headers.push((PROTO.to_owned(), scheme.into()));
        }
        if let Some(authority) = self.authority {
            headers.retain(|(name, _)| name != "host");
            headers.push(("host".to_owned(), authority.into_bytes()));
        }
    }
}

fn scheme(text: &str) -> Option<&'static str> {
    ["https", "http"]
        .into_iter()
        .find(|known| text.eq_ignore_ascii_case(known))
}

/// The values of a list, in order, from all its fields.
fn list(headers: &HeaderMap, name: &str) -> Vec<String> {
    let values = headers.get_all(name).iter();
    let texts = values.filter_map(|value| value.to_str().ok());
    texts
        .flat_map(|text| text.split(','))
        .map(|text| text.trim().to_owned())
        .filter(|text| !text.is_empty())
        .collect()
}

/// Each proxy appends a value or replaces them all: takes that of the outermost trusted proxy.
/// Values before it may be the client's invention.
fn nearest(values: &[String], proxies: usize) -> Option<String> {
    values.get(values.len().saturating_sub(proxies)).cloned()
}

/// The corresponding element of `Forwarded`.
fn forwarded(headers: &HeaderMap, proxies: usize) -> Option<String> {
    let values = headers.get_all("forwarded").iter();
    let mut elements = vec![String::new()];
    for text in values.filter_map(|value| value.to_str().ok()) {
        let mut quoted = false;
        for sign in text.chars() {
            quoted ^= sign == '"';
            match (sign, quoted, elements.last_mut()) {
                (',', false, _) => elements.push(String::new()),
                (_, _, Some(element)) => element.push(sign),
                (_, _, None) => {}
            }
        }
        elements.push(String::new());
    }
    elements.retain(|element| !element.trim().is_empty());
    nearest(&elements, proxies)
}

fn parameters(element: &str) -> impl Iterator<Item = (&str, String)> {
    let pairs = element.split(';');
    pairs.filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        Some((name.trim(), value.trim().trim_matches('"').to_owned()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn public(
        peer: &str,
        headers: &[(&'static str, &'static str)],
    ) -> (Option<&'static str>, String) {
        let trusted: [IpNet; 1] = ["10.0.0.0/8".parse().unwrap()];
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        let Public { scheme, authority } =
            Public::of(None, peer.parse().unwrap(), &map, &trusted, false);
        (scheme, authority.unwrap_or_default())
    }

    #[test]
    fn a_trusted_proxy_says_it_and_nobody_else() {
        let both = [
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "guard.example.com"),
        ];
        let known = (Some("https"), "guard.example.com".to_owned());
        assert_eq!(public("10.0.0.1", &both), known);
        assert_eq!(public("192.0.2.1", &both), (None, String::new()));
        let standard = "for=192.0.2.7;proto=HTTPS;host=\"guard.example.com\"";
        assert_eq!(public("10.0.0.1", &[("forwarded", standard)]), known);
        // What the client wrote itself precedes what its proxy appends.
        let invented = [
            ("x-forwarded-proto", "http, https"),
            ("x-forwarded-host", "evil.example.com, guard.example.com"),
        ];
        assert_eq!(public("10.0.0.1", &invented), known);
        let chain = [
            ("forwarded", "proto=http;host=evil.example.com"),
            (
                "forwarded",
                "for=192.0.2.7;proto=https;host=guard.example.com",
            ),
        ];
        assert_eq!(public("10.0.0.1", &chain), known);
        // Two proxies, of which the outer one terminates TLS.
        let two = [
            ("x-forwarded-for", "192.0.2.7, 10.0.0.2"),
            ("x-forwarded-proto", "https, http"),
            ("x-forwarded-host", "guard.example.com, inner:8080"),
        ];
        assert_eq!(public("10.0.0.1", &two), known);
        // A proxy that replaces the header.
        let over = [
            ("x-forwarded-for", "192.0.2.7, 10.0.0.2"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "guard.example.com"),
        ];
        assert_eq!(public("10.0.0.1", &over), known);
        for wrong in ["a b", "user@guard.example.com", "guard/", ""] {
            let (_, host) = public("10.0.0.1", &[("x-forwarded-host", wrong)]);
            assert_eq!(host, "", "{wrong}");
        }
        assert_eq!(public("10.0.0.1", &[("x-forwarded-proto", "ftp")]).0, None);
    }

    #[test]
    fn the_configuration_comes_first() {
        let url = crate::config::public_url("https://guard.example.com").unwrap();
        let mut map = HeaderMap::new();
        map.append("x-forwarded-host", "other".parse().unwrap());
        let peer = "10.0.0.1".parse().unwrap();
        let mut headers = vec![
            ("host".to_owned(), b"inner".to_vec()),
            ("x-forwarded-proto".to_owned(), b"http".to_vec()),
        ];
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        Public::of(Some(&url), peer, &map, &trusted, false).enter(&mut headers);
        assert_eq!(
            headers,
            [
                ("x-forwarded-proto".to_owned(), b"https".to_vec()),
                ("host".to_owned(), b"guard.example.com".to_vec()),
            ]
        );
    }

    #[test]
    fn a_connection_over_tls_is_https_unless_a_proxy_says_otherwise() {
        let trusted: [IpNet; 1] = ["10.0.0.0/8".parse().unwrap()];
        let mut map = HeaderMap::new();
        map.append("x-forwarded-proto", "http".parse().unwrap());
        for (peer, over_tls, scheme) in [
            ("192.0.2.1", true, Some("https")),
            ("192.0.2.1", false, None),
            ("10.0.0.1", true, Some("http")),
        ] {
            let public = Public::of(None, peer.parse().unwrap(), &map, &trusted, over_tls);
            assert_eq!(public.scheme, scheme, "{peer}");
        }
    }
}
