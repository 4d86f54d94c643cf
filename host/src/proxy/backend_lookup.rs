//! Asks the backend whether a resource that is not recorded exists, with a credential that may.

use http::{HeaderName, HeaderValue};
use scimguard_core::facts::{Answer, Fact, Key};
use scimguard_core::{Headers, sha256_hex};
use scimguard_exchange::good_tokens;
use scimguard_knowledge::{Application, Lookups, Read};

use super::Proxy;
use super::backend::Outbound;
use scimguard_store::Store;

/// The one header to authenticate with when asking the backend about an account: the guard's own
/// credential, otherwise that of the verified provisioner whose request this is.
pub(super) fn credential(
    proxy: &Proxy,
    headers: &Headers,
    facts: &[Fact],
    account: &str,
    now: u64,
) -> Option<(HeaderName, HeaderValue)> {
    if let Some(own) = proxy.own_credential() {
        return Some((own.name, own.value));
    }
    let own = good_tokens(facts, now)
        .next()
        .filter(|(_, token)| token.account == account && token.provider.is_some());
    let is_verified = |token: &[u8]| {
        own.is_some_and(|(sha256, _)| *sha256 == sha256_hex(token))
            || facts.iter().any(|fact| match (&fact.key, &fact.answer) {
                // The policy judges the claims before it asks for more.
                (Key::Verified(key), Answer::Claims(_)) => {
                    key.account == account && key.token.expose().as_bytes() == token
                }
                _ => false,
            })
    };
    headers.iter().find_map(|(name, value)| {
        let token = match value.get(..7) {
            Some(scheme) if scheme.eq_ignore_ascii_case(b"bearer ") => &value[7..],
            _ => value,
        };
        let carries_it = is_verified(token.trim_ascii());
        let name = HeaderName::try_from(name.as_str()).ok()?;
        let mut value = HeaderValue::from_bytes(value).ok()?;
        value.set_sensitive(true);
        carries_it.then_some((name, value))
    })
}

impl Proxy {
    pub(super) fn lookups(&self) -> Lookups<'_, Store, Self> {
        Lookups {
            store: &self.store,
            application: self,
            paths: self.setup.paths(),
            readable: &self.readable,
        }
    }
}

impl Application for Proxy {
    type Credential = (HeaderName, HeaderValue);

    async fn read(&self, path: &str, (name, value): &(HeaderName, HeaderValue)) -> Option<Read> {
        let outbound = Outbound::scim_read(path.parse().ok()?, Some((name, value)));
        let limit = self.setup.answer_limit();
        match self.backend.exchange(outbound, limit).await {
            Ok(whole) => Some(Read {
                status: whole.status.as_u16(),
                body: whole.bytes().map(Into::into),
            }),
            Err(error) => {
                error.log();
                None
            }
        }
    }
}
