//! Who sends a request, as far as the guard sees that for itself, and what the request costs them.

use std::net::IpAddr;

use http::{HeaderMap, header};
use scimguard_core::facts::Fact;
use scimguard_core::{Reject, Verdict};

use super::incoming::Refused;
use super::log::Line;
use super::{Proxy, lookup, source};

/// One who sends a request.
pub(super) struct Client {
    source: IpAddr,
    /// Account and id of the token that the credential says that it is, if it is of that form.
    named_token: Option<String>,
    /// Its account has been charged for the request.
    charged: bool,
}

impl Client {
    pub(super) fn new(proxy: &Proxy, peer: IpAddr, headers: &HeaderMap) -> Self {
        Self {
            source: source::of(peer, headers, &proxy.trusted_proxies),
            named_token: named_token(headers),
            charged: false,
        }
    }

    pub(super) fn source(&self) -> IpAddr {
        self.source
    }

    /// Charges the account of a good token, once: before the body is read and the record asked, if the
    /// policy wants to know more, else when it has decided.
    pub(super) fn charge(
        &mut self,
        proxy: &Proxy,
        path: &str,
        verdict: &Verdict,
        facts: &[Fact],
        now: u64,
    ) -> Result<(), Refused> {
        if self.charged {
            return Ok(());
        }
        let verified = match verdict {
            Verdict::Need(_) => lookup::good_token(facts, now).map(|(_, token)| &token.account),
            Verdict::Forward(it) => it.account.as_ref().filter(|_| it.verified_token.is_some()),
            Verdict::Proceed(it) => it.account.as_ref().filter(|_| it.verified_token.is_some()),
            Verdict::Reject(it) => it.account.as_ref().filter(|_| it.verified_token.is_some()),
        };
        let Some(account) = verified else {
            return Ok(());
        };
        self.charged = true;
        let charged = proxy.limits.charge(account, proxy.paths.error_form(path));
        if charged.is_err() {
            proxy.metrics.limited(account);
        }
        charged
    }

    /// Counts a credential that was found wrong; after too many, that is all that the client is told.
    pub(super) fn slow_down(
        &self,
        proxy: &Proxy,
        reject: &Reject,
        line: &mut Line,
    ) -> Result<(), Refused> {
        if !reject.rule.starts_with("token.") || reject.response.status != 401 {
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

/// What a wrong token of the guard's own form says that it is: its account and id.
fn named_token(headers: &HeaderMap) -> Option<String> {
    let carriers = [header::AUTHORIZATION.as_str(), "x-api-key"];
    let values = carriers.iter().filter_map(|name| headers.get(*name));
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
                header::HeaderName::from_static(name),
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
