//! Addresses of the services that provide a token's facts: https, or clear text on this machine.

use std::net::IpAddr;

use http::Uri;
use http::uri::Scheme;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

/// All but the unreserved characters (RFC 3986 §2.3).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

const PLACES: [&str; 2] = ["{account}", "{principal}"];

/// The address of one service.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Endpoint(Uri);

/// The address of a principal's permissions, with `{account}` and `{principal}` in its path or query.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Template(String);

// === impl Endpoint ===

impl Endpoint {
    pub(crate) fn uri(&self) -> &Uri {
        &self.0
    }
}

impl TryFrom<String> for Endpoint {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let uri: Uri = text
            .parse()
            .map_err(|error| format!("{text:?} is not a URL: {error}"))?;
        let host = uri
            .authority()
            .filter(|authority| !authority.as_str().contains('@'))
            .map(|authority| authority.host())
            .filter(|host| !host.is_empty())
            .ok_or_else(|| format!("{text:?} is not `https://HOST/PATH`"))?;
        let secure = uri.scheme() == Some(&Scheme::HTTPS);
        let local = uri.scheme() == Some(&Scheme::HTTP) && is_this_machine(host);
        if !secure && !local {
            return Err(format!(
                "{text:?}: use https; plain http is only for this machine (127.0.0.1, [::1], \
                 localhost)"
            ));
        }
        Ok(Self(uri))
    }
}

fn is_this_machine(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

// === impl Template ===

impl Template {
    /// The address for one principal. `None`: a name is empty or would be a step within the path.
    pub(crate) fn fill(&self, account: &str, principal: &str) -> Option<Endpoint> {
        let mut text = self.0.clone();
        for (place, value) in PLACES.into_iter().zip([account, principal]) {
            if matches!(value, "" | "." | "..") {
                return None;
            }
            text = text.replace(place, &utf8_percent_encode(value, RESERVED).to_string());
        }
        Endpoint::try_from(text).ok()
    }
}

impl TryFrom<String> for Template {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let bare = PLACES
            .iter()
            .fold(text.clone(), |text, place| text.replace(place, ""));
        let host = Endpoint::try_from(bare)?.0.authority().cloned();
        let after_host = host.and_then(|host| text.split_once(host.as_str()));
        let named = after_host.is_some_and(|(_, path)| PLACES.iter().all(|it| path.contains(it)));
        if !named {
            return Err(format!(
                "{text:?} needs {{account}} and {{principal}} in its path or query"
            ));
        }
        Ok(Self(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clear_text_stays_on_this_machine() {
        for fits in [
            "https://id.example.com/jwks",
            "http://127.0.0.1:9/jwks",
            "http://127.9.9.9/",
            "http://[::1]:9/jwks?a=b",
            "http://localhost:9/jwks",
        ] {
            Endpoint::try_from(fits.to_owned()).unwrap();
        }
        for unfit in [
            "http://id.example.com/jwks",
            "http://localhost.example.com/",
            "http://127.0.0.1.example.com/",
            "http://10.0.0.1/",
            "ftp://127.0.0.1/",
            "https://user:secret@id.example.com/",
            "https://",
            "/jwks",
            "id.example.com",
            "",
        ] {
            Endpoint::try_from(unfit.to_owned()).unwrap_err();
        }
    }

    #[test]
    fn names_cannot_leave_their_place() {
        let text = "https://app.internal/accounts/{account}/principals/{principal}?in={account}";
        let template = Template::try_from(text.to_owned()).unwrap();
        let filled = template.fill("A/../B", "svc okta?x=1#é").unwrap();
        assert_eq!(
            filled.uri().to_string(),
            "https://app.internal/accounts/A%2F..%2FB/principals/svc%20okta%3Fx%3D1%23%C3%A9\
             ?in=A%2F..%2FB"
        );
        let literal = template.fill("{principal}", "x").unwrap();
        assert!(literal.uri().path().contains("%7Bprincipal%7D"));
        for step in ["", ".", ".."] {
            assert_eq!(template.fill("ACC1", step), None);
            assert_eq!(template.fill(step, "svc"), None);
        }
    }

    #[test]
    fn a_template_has_both_names_behind_its_host() {
        for unfit in [
            "https://app.internal/{account}",
            "https://app.internal/{principal}",
            "https://{account}.app.internal/{principal}",
            "http://app.internal/{account}/{principal}",
            "{account}/{principal}",
        ] {
            Template::try_from(unfit.to_owned()).unwrap_err();
        }
    }
}
