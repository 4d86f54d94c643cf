//! Where the facts of a pass come from: the store; a token's issuer, or the permission service; and the
//! backend, where a decision depends on something that is not recorded.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use scimguard_core::Headers;
use scimguard_core::facts::{Answer, Fact, Key, PrincipalKey, Token, Unseen, VerifiedKey};
use scimguard_knowledge::{Busy, LeaseKey, Leases as _, TooMany};
use scimguard_store as store;

use super::leases::LeaseGuard;
use super::retry::OnBehalfOf;
use super::{Proxy, backend_lookup};
use crate::config;
use crate::network::Network;
use crate::tokens::issuers::Verification;

/// Why facts are unavailable.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unavailable {
    #[error(transparent)]
    TooMany(#[from] TooMany),
    #[error(transparent)]
    Busy(#[from] Busy),
    #[error("too many tokens from the same network were wrong")]
    Failing(Duration),
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// What others than the store say about the credentials of one pass.
pub(super) struct Vouched {
    now: u64,
    on_behalf_of: Option<OnBehalfOf>,
    /// Asked for once a pass.
    answers: BTreeMap<Key, Answer>,
    /// The network on whose behalf issuers are asked.
    network: Option<Network>,
    /// An issuer was not asked: there are too many unknown tokens, or too many wrong ones.
    crowded: bool,
}

/// The sources of one pass.
pub(super) struct Sources<'a> {
    pub(super) proxy: &'a Proxy,
    /// The headers of the client's request.
    pub(super) headers: &'a Headers,
    pub(super) vouched: &'a mut Vouched,
}

impl scimguard_knowledge::Sources for Sources<'_> {
    type Error = Unavailable;
    type Guard = LeaseGuard;

    async fn recorded(&mut self, keys: &[Key]) -> Result<Vec<Answer>, Unavailable> {
        let store = &self.proxy.store;
        Ok(match &self.vouched.on_behalf_of {
            None => store.answer(keys).await?,
            Some(on_behalf_of) => {
                let meant = keys.iter().map(|key| on_behalf_of.substitute(key));
                let meant: Vec<Key> = meant.collect();
                store.answer(&meant).await?
            }
        })
    }

    async fn vouch(&mut self, fact: &mut Fact) -> Result<(), Unavailable> {
        self.vouched.vouch(self.proxy, fact).await
    }

    async fn look_up(&mut self, key: &Key, account: &str, facts: &[Fact]) -> Answer {
        let (proxy, now) = (self.proxy, self.vouched.now);
        let credential = backend_lookup::credential(proxy, self.headers, facts, account, now);
        proxy.lookups().look_up(key, credential.as_ref()).await
    }

    async fn may_be_owned(&mut self, fact: &Fact) -> Result<bool, Unavailable> {
        Ok(self.proxy.may_be_owned(fact).await?)
    }

    async fn lease(&mut self, names: &BTreeSet<LeaseKey>) -> Result<LeaseGuard, Busy> {
        self.proxy.leases.acquire(names).await
    }
}

impl Vouched {
    /// Nothing was asked yet. `now`: when the exchange began, in milliseconds since 1970; `source`: the
    /// client's address.
    pub(super) fn new(now: u64, on_behalf_of: Option<OnBehalfOf>, source: Option<IpAddr>) -> Self {
        Self {
            now,
            on_behalf_of,
            answers: BTreeMap::new(),
            network: source.map(Network::of),
            crowded: false,
        }
    }

    /// Forgets what another pass asked.
    pub(super) fn begin(&mut self) {
        self.answers.clear();
        self.crowded = false;
    }

    /// Whether an issuer was not asked because others, or this client, send too many tokens. Such
    /// requests come in great numbers, so they are not logged one by one.
    pub(super) fn is_crowded_out(&self) -> bool {
        self.crowded
    }

    /// Completes a recorded token or principal from outside sources.
    async fn vouch(&mut self, proxy: &Proxy, fact: &mut Fact) -> Result<(), Unavailable> {
        match (&fact.key, &mut fact.answer) {
            (Key::Verified(key), Answer::Unavailable) => {
                fact.answer = match self.answers.get(&fact.key) {
                    Some(answer) => answer.clone(),
                    None => self.claims(proxy, key).await?,
                };
                self.answers.insert(fact.key.clone(), fact.answer.clone());
            }
            (Key::Principal(key), Answer::Absent) => {
                fact.answer = self.rights(proxy, key).await;
            }
            (Key::Token(sha256), Answer::Token(token)) if token.principal.is_none() => {
                let sha256 = match &self.on_behalf_of {
                    Some(on_behalf_of) => on_behalf_of.substitute_token(sha256),
                    None => sha256,
                };
                let owner = proxy.store.token_principal(sha256).await?;
                if !self.complete(proxy, token, owner).await {
                    fact.answer = Answer::Unavailable;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Asks the issuer for the claims of a token.
    async fn claims(&mut self, proxy: &Proxy, key: &VerifiedKey) -> Result<Answer, Unavailable> {
        match proxy.vouchers.claims(key, self.network, self.now).await {
            Verification::Claims(claims) => Ok(Answer::Claims(claims)),
            Verification::No => Ok(Answer::Absent),
            Verification::Unavailable => Ok(Answer::Unavailable),
            Verification::Busy => {
                self.crowded = true;
                Ok(Answer::Unavailable)
            }
            Verification::Failing(wait) => {
                self.crowded = true;
                proxy.metrics.slowed();
                Err(Unavailable::Failing(wait))
            }
        }
    }

    /// Gives a token the principal that the record lacks. `false`: it is unavailable now.
    async fn complete(&mut self, proxy: &Proxy, token: &mut Token, owner: Option<String>) -> bool {
        let Some(id) = owner else { return true };
        let key = PrincipalKey {
            account: token.account.clone(),
            id,
        };
        match self.rights(proxy, &key).await {
            Answer::Principal(principal) => token.principal = Some(principal),
            Answer::Absent => {}
            _ => return false,
        }
        true
    }

    async fn rights(&mut self, proxy: &Proxy, key: &PrincipalKey) -> Answer {
        let asked = Key::Principal(key.clone());
        if let Some(answer) = self.answers.get(&asked) {
            return answer.clone();
        }
        let answer = proxy.vouchers.rights(key).await;
        self.answers.insert(asked, answer.clone());
        answer
    }
}

impl Proxy {
    /// Whether an operator's edit concerns a resource that an identity provider may own, as far as
    /// is known before the account is imported.
    async fn may_be_owned(&self, fact: &Fact) -> Result<bool, store::Error> {
        let (unseen, account) = match &fact.key {
            Key::User(key) => (key.unseen, &key.account),
            Key::Group(key) => (key.unseen, &key.account),
            _ => return Ok(false),
        };
        let asked = self.imports.unseen == config::Unseen::Refuse
            && unseen == Unseen::Pending
            && fact.answer == Answer::Absent;
        if !asked || self.imports.imported().contains(account) {
            return Ok(false);
        }
        let filled = self.store.is_filled(account).await?;
        if filled {
            self.imports.imported().insert(account.clone());
        }
        Ok(!filled)
    }
}

/// How an account is treated before its initial import.
pub(super) struct Imports {
    unseen: config::Unseen,
    /// Accounts that are imported, which is final.
    imported: Mutex<BTreeSet<String>>,
}

// === impl Imports ===

impl Imports {
    pub(super) fn new(unseen: config::Unseen) -> Self {
        Self {
            unseen,
            imported: Mutex::default(),
        }
    }

    fn imported(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.imported.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
