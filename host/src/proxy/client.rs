//! The sender of a request, as far as the guard itself can see, and what the request costs it.

use std::net::IpAddr;

use http::HeaderMap;
use scimguard_exchange::CREDENTIALS;

use super::Proxy;
use super::incoming::Refused;
use super::log::DecisionEntry;

/// The sender of a request.
pub(super) struct Client {
    source: IpAddr,
    /// Account and id of the token that the credential claims to be, if it has that form.
    named_token: Option<String>,
    /// Whether its account has been charged for the request.
    charged: bool,
}

impl Client {
    pub(super) fn new(source: IpAddr, headers: &HeaderMap) -> Self {
        Self {
            source,
            named_token: named_token(headers),
            charged: false,
        }
    }

    pub(super) fn source(&self) -> IpAddr {
        self.source
    }

    /// Charges the account of a good token, once.
    pub(super) fn charge(
        &mut self,
        proxy: &Proxy,
        path: &str,
        account: &str,
    ) -> Result<(), Refused> {
        if self.charged {
            return Ok(());
        }
        self.charged = true;
        let charged = proxy
            .limits
            .charge(account, proxy.setup.paths().error_form(path));
        if charged.is_err() {
            proxy.metrics.limited(account);
        }
        charged
    }

    /// Counts a wrong credential; after too many, the client only gets `rate.limited`.
    pub(super) fn slow_down(
        &self,
        proxy: &Proxy,
        rule: &str,
        status: u16,
        line: &mut DecisionEntry,
    ) -> Result<(), Refused> {
        if !rule.starts_with("token.") || status != 401 {
            return Ok(());
        }
        let counted = proxy
            .limits
            .failed(self.source, self.named_token.as_deref());
        if counted.is_err() {
            line.repeats = true;
            proxy.metrics.slowed();
        }
        counted
    }
}

/// Account and id that a token of the guard's own form claims to have.
fn named_token(headers: &HeaderMap) -> Option<String> {
    let values = CREDENTIALS.iter().filter_map(|name| headers.get(*name));
    values
        .filter_map(|value| value.to_str().ok())
        .find_map(|text| {
            let token = text.split_ascii_whitespace().next_back()?;
            let mut parts = token.split('.');
            let is_own = matches!(parts.next(), Some("pat" | "sat"));
            let (account, id, _secret) = (parts.next()?, parts.next()?, parts.next()?);
            is_own.then(|| format!("{account}.{id}"))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_named_without_its_secret() {
        let named = |name: &'static str, value: &str| {
            named_token(&HeaderMap::from_iter([(
                http::HeaderName::from_static(name),
                value.parse().unwrap(),
            )]))
        };
        assert_eq!(
            named("authorization", "bearer pat.ACC1.t1.s3cret").as_deref(),
            Some("ACC1.t1")
        );
        assert_eq!(
            named("x-api-key", "sat.ACC1.t1.s3cret").as_deref(),
            Some("ACC1.t1")
        );
        assert_eq!(named("authorization", "Bearer eyJ.e30.c2ln"), None);
        assert_eq!(named("x-other", "sat.ACC1.t1.s3cret"), None);
    }
}
