//! Gathers what a policy asks for: under leases and from one state of the store. Where the decision
//! depends on something that is not recorded, it asks the backend, a token's issuer, or the
//! permission service.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use scimguard_core::Headers;
use scimguard_core::facts::{Answer, Fact, Key, PrincipalKey, Token, Unseen, VerifiedKey};

use super::leases::{self, Busy, LeaseGuard};
use super::retry::OnBehalfOf;
use super::{Proxy, backend_lookup};
use crate::network::Network;
use crate::tokens::issuers::Verification;
use crate::{config, store};

/// How often leases are retaken because the record named more resources than the request did.
const LEASE_ROUNDS: usize = 4;

/// How many resources the keys of one pass may name together: more than this project's policy asks
/// for with the preset's largest limits.
const MAX_NAMED: usize = 100_000;

/// Why facts are unavailable.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unavailable {
    #[error("the policy asks for more than {MAX_NAMED} users and groups for one request")]
    TooMany,
    #[error("another write of the same users or groups is not finished")]
    Busy,
    #[error("too many tokens from the same network were wrong")]
    Failing(Duration),
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// All keys of a pass with their answers. Each round answers all of them again, so that a policy
/// always decides on one state.
pub(super) struct Facts {
    now: u64,
    on_behalf_of: Option<OnBehalfOf>,
    keys: Vec<Key>,
    found: Arc<Vec<Fact>>,
    /// Answers from outside the record, asked for once a pass.
    looked_up: BTreeMap<Key, Answer>,
    /// The network on whose behalf issuers are asked.
    network: Option<Network>,
    /// An issuer was not asked: there are too many unknown tokens, or too many wrong ones.
    crowded: bool,
}

impl Facts {
    pub(super) fn new(now: u64, on_behalf_of: Option<OnBehalfOf>) -> Self {
        Self {
            now,
            on_behalf_of,
            keys: Vec::new(),
            found: Arc::default(),
            looked_up: BTreeMap::new(),
            network: None,
            crowded: false,
        }
    }

    /// Sets the client's address.
    pub(super) fn of_client(self, source: Option<IpAddr>) -> Self {
        Self {
            network: source.map(Network::of),
            ..self
        }
    }

    /// Whether an issuer was not asked because others, or this client, send too many tokens. Such
    /// requests come in great numbers, so they are not logged one by one.
    pub(super) fn are_crowded_out(&self) -> bool {
        self.crowded
    }

    /// The facts so far.
    pub(super) fn found(&self) -> Arc<Vec<Fact>> {
        Arc::clone(&self.found)
    }

    /// Answers these keys, and the earlier ones again. `headers`: those of the client's request.
    pub(super) async fn answer(
        &mut self,
        proxy: &Proxy,
        headers: &Headers,
        keys: Vec<Key>,
    ) -> Result<(), Unavailable> {
        let known: BTreeSet<&Key> = self.keys.iter().collect();
        let new: BTreeSet<Key> = keys
            .into_iter()
            .filter(|key| !known.contains(key))
            .collect();
        self.keys.extend(new);
        let weight = self.keys.iter().map(weight).sum::<usize>();
        if weight > MAX_NAMED {
            return Err(Unavailable::TooMany);
        }
        let answers = match &self.on_behalf_of {
            None => proxy.store.answer(&self.keys).await?,
            Some(on_behalf_of) => {
                let meant: Vec<Key> = self
                    .keys
                    .iter()
                    .map(|key| on_behalf_of.substitute(key))
                    .collect();
                proxy.store.answer(&meant).await?
            }
        };
        let keys = self.keys.iter().cloned();
        let mut found: Vec<Fact> = keys
            .zip(answers)
            .map(|(key, answer)| Fact { key, answer })
            .collect();
        for fact in &mut found {
            self.vouch(proxy, fact).await?;
        }
        for position in 0..found.len() {
            let Some(account) = backend_lookup::due(&found[position]) else {
                continue;
            };
            let key = &found[position].key;
            let answer = match self.looked_up.get(key) {
                Some(answer) => answer.clone(),
                None => {
                    let credential =
                        backend_lookup::credential(proxy, headers, &found, account, self.now);
                    proxy.look_up(key, credential.as_ref()).await
                }
            };
            self.looked_up.insert(key.clone(), answer.clone());
            found[position].answer = answer;
        }
        for fact in &mut found {
            if proxy.may_be_owned(fact).await? {
                fact.answer = Answer::Unavailable;
            }
        }
        self.found = Arc::new(found);
        Ok(())
    }

    /// Completes a recorded token or principal from outside sources.
    async fn vouch(&mut self, proxy: &Proxy, fact: &mut Fact) -> Result<(), Unavailable> {
        match (&fact.key, &mut fact.answer) {
            (Key::Verified(key), Answer::Unavailable) => {
                fact.answer = match self.looked_up.get(&fact.key) {
                    Some(answer) => answer.clone(),
                    None => self.claims(proxy, key).await?,
                };
                self.looked_up.insert(fact.key.clone(), fact.answer.clone());
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
        if let Some(answer) = self.looked_up.get(&asked) {
            return answer.clone();
        }
        let answer = proxy.vouchers.rights(key).await;
        self.looked_up.insert(asked, answer.clone());
        answer
    }

    /// Answers these keys under leases on all that they name. The leases grow with what the record
    /// adds: a user named by id is leased by name too.
    pub(super) async fn answer_leased(
        &mut self,
        proxy: &Proxy,
        headers: &Headers,
        keys: Vec<Key>,
        held: &mut LeaseGuard,
    ) -> Result<(), Unavailable> {
        let mut keys = Some(keys);
        for _ in 0..LEASE_ROUNDS {
            let new = keys.take().unwrap_or_default();
            let weight = self.keys.iter().chain(&new).map(weight).sum::<usize>();
            if weight > MAX_NAMED {
                return Err(Unavailable::TooMany);
            }
            let wanted = leases::names(self.keys.iter().chain(&new), &self.found);
            if !held.covers(&wanted) {
                // Releasing first keeps the order in which leases are taken.
                *held = LeaseGuard::default();
                *held = proxy
                    .leases
                    .acquire(wanted)
                    .await
                    .map_err(|Busy| Unavailable::Busy)?;
            }
            self.answer(proxy, headers, new).await?;
            if held.covers(&leases::names(&self.keys, &self.found)) {
                return Ok(());
            }
        }
        Err(Unavailable::Busy)
    }
}

/// Counts the resources that a key names: itself and each of its users.
fn weight(key: &Key) -> usize {
    match key {
        Key::Members(key) | Key::MembersDifference(key) => 1 + key.users.len(),
        _ => 1,
    }
}

/// Whether this method changes nothing, so that it needs no leases.
pub(super) fn is_read(method: &str) -> bool {
    matches!(method, "GET" | "HEAD" | "OPTIONS")
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
