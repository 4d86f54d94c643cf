//! The guard's own address, as clients know it.

use std::fmt::{self, Display};

use http::Uri;
use http::uri::{Authority, Scheme};
use serde::Deserialize as _;

/// Scheme and authority, with which the locations for clients begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    pub(crate) scheme: Scheme,
    pub(crate) authority: Authority,
}

impl Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.authority)
    }
}

/// Parses it, or returns what is wrong.
pub(crate) fn public_url(text: &str) -> Result<PublicUrl, String> {
    let fault = || {
        format!(
            "{text:?} is not `https://HOST` or `http://HOST:PORT`, where clients reach the guard; its path belongs \
             in the policy (`scim.base`)"
        )
    };
    let uri: Uri = text.parse().map_err(|_| fault())?;
    let bare = matches!(uri.path(), "" | "/") && uri.query().is_none() && !text.contains('#');
    let known = uri
        .scheme_str()
        .is_some_and(|it| matches!(it, "http" | "https"));
    match (uri.scheme(), uri.authority()) {
        (Some(scheme), Some(authority)) if bare && known && is_host(authority) => Ok(PublicUrl {
            scheme: scheme.clone(),
            authority: authority.clone(),
        }),
        _ => Err(fault()),
    }
}

/// Whether it names a host, without a user or password.
pub(crate) fn is_host(authority: &Authority) -> bool {
    !authority.host().is_empty() && !authority.as_str().contains('@')
}

pub(crate) fn some_public_url<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<PublicUrl>, D::Error> {
    let text = String::deserialize(deserializer)?;
    public_url(&text)
        .map(Some)
        .map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::public_url;

    #[test]
    fn an_address_has_a_scheme_and_a_host_and_nothing_else() {
        for (text, shown) in [
            ("https://guard.example.com", "https://guard.example.com"),
            ("https://guard.example.com/", "https://guard.example.com"),
            ("http://[::1]:8080", "http://[::1]:8080"),
        ] {
            assert_eq!(public_url(text).unwrap().to_string(), shown);
        }
        for wrong in [
            "guard.example.com",
            "ftp://guard.example.com",
            "https://guard.example.com/scim",
            "https://a:b@guard.example.com",
            "https://guard.example.com?a",
            "https://guard.example.com/#a",
            "https://",
            "",
        ] {
            assert!(public_url(wrong).is_err(), "{wrong}");
        }
    }
}
