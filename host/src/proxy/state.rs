//! What this process keeps for one exchange, its own or a gateway's: the facts of its pass, the
//! leases on what a write names, and the client that is charged.

use std::sync::Arc;

use scimguard_core::Headers;
use scimguard_core::facts::Fact;
use scimguard_core::record::Record;
use scimguard_exchange::{Found, Needed, Refused};
use scimguard_wire::{DecisionReport, Stage};

use super::Proxy;
use super::client::Client;
use super::facts::{Facts, Unavailable, is_read};
use super::leases::LeaseGuard;
use super::log::DecisionEntry;
use super::refusal::unavailable;
use super::retry::OnBehalfOf;
use crate::clock::now;
use crate::store::TokenUse;

/// The state of one exchange. Its leases end with it.
pub(super) struct State {
    /// When it began, in milliseconds since 1970.
    now: u64,
    /// `None` for a request that is not a client's: nobody is charged.
    client: Option<Client>,
    on_behalf_of: Option<OnBehalfOf>,
    facts: Facts,
    held: LeaseGuard,
}

// === impl State ===

impl State {
    /// For a client's request that begins at `now`, in milliseconds since 1970.
    pub(super) fn of_client(client: Client, now: u64) -> Self {
        Self::new(Some(client), None, now)
    }

    /// For a request that is repeated on somebody's behalf.
    pub(super) fn repeated(on_behalf_of: OnBehalfOf, now: u64) -> Self {
        Self::new(None, Some(on_behalf_of), now)
    }

    fn new(client: Option<Client>, on_behalf_of: Option<OnBehalfOf>, now: u64) -> Self {
        Self {
            now,
            facts: no_facts(now, client.as_ref(), on_behalf_of.as_ref()),
            client,
            on_behalf_of,
            held: LeaseGuard::default(),
        }
    }

    /// When it began, in milliseconds since 1970.
    pub(super) fn now(&self) -> u64 {
        self.now
    }

    /// The facts of this pass.
    pub(super) fn found(&self) -> Arc<Vec<Fact>> {
        self.facts.found()
    }

    /// Whether an issuer was not asked because of too many strange tokens. Such requests come in
    /// great numbers, so they are not logged one by one.
    pub(super) fn is_crowded_out(&self) -> bool {
        self.facts.are_crowded_out()
    }

    /// Charges the account of the good token, once an exchange.
    ///
    /// # Errors
    /// With `rate.limited`.
    pub(super) fn charge(
        &mut self,
        proxy: &Proxy,
        path: &str,
        account: Option<&str>,
    ) -> Result<(), Refused> {
        match (&mut self.client, account) {
            (Some(client), Some(account)) => client.charge(proxy, path, account),
            _ => Ok(()),
        }
    }

    /// Finds facts; for a write before the backend is asked, under leases on what its keys name.
    /// `headers`: those of the client's request, or only those that carry credentials.
    ///
    /// # Errors
    /// If they are unavailable now.
    pub(super) async fn find(
        &mut self,
        proxy: &Proxy,
        method: &str,
        headers: &Headers,
        needed: Needed,
    ) -> Result<Found, Refused> {
        let is_leased = needed.stage == Stage::Decide && !is_read(method);
        if needed.first {
            self.facts = no_facts(self.now, self.client.as_ref(), self.on_behalf_of.as_ref());
            if is_leased {
                // Another part of the request begins: the leases of the previous one end.
                self.held = LeaseGuard::default();
            }
        }
        let keys = needed.keys;
        let found = match is_leased {
            true => {
                let held = &mut self.held;
                self.facts.answer_leased(proxy, headers, keys, held).await
            }
            false => self.facts.answer(proxy, headers, keys).await,
        };
        found.map_err(|error| unavailable(&proxy.store, &error))?;
        Ok(Found {
            now: self.now,
            facts: self.facts.found(),
        })
    }

    /// Counts a decision, which is logged, against the account or the source of its request, and
    /// stores records. With `ends`, the leases end.
    ///
    /// # Errors
    /// With `rate.limited`, or if the store fails.
    pub(super) async fn report(
        &mut self,
        proxy: &Proxy,
        path: &str,
        decision: Option<(&DecisionReport, &mut DecisionEntry)>,
        records: &[Record],
        ends: bool,
    ) -> Result<(), Refused> {
        let decision = match decision {
            Some((decision, line)) => {
                self.limit(proxy, path, decision, line)?;
                Some(decision)
            }
            None => None,
        };
        let applied = proxy.store.apply(records).await;
        applied.map_err(|error| unavailable(&proxy.store, &Unavailable::Store(error)))?;
        if ends {
            self.held = LeaseGuard::default();
        }
        if let Some(DecisionReport {
            account: Some(account),
            verified_token: Some(token),
            status: None,
            ..
        }) = decision
        {
            let used = TokenUse {
                at: now(),
                from: self.client.as_ref().map(Client::source),
            };
            proxy.uses.note(account, token, used);
        }
        Ok(())
    }

    /// Charges the account of a good token, or the source of a wrong one.
    fn limit(
        &mut self,
        proxy: &Proxy,
        path: &str,
        decision: &DecisionReport,
        line: &mut DecisionEntry,
    ) -> Result<(), Refused> {
        let verified = decision.verified_token.as_ref();
        let account = verified.and(decision.account.as_deref());
        self.charge(proxy, path, account)?;
        match (&self.client, &decision.rule, decision.status) {
            (Some(client), Some(rule), Some(status)) => client.slow_down(proxy, rule, status, line),
            _ => Ok(()),
        }
    }
}

fn no_facts(now: u64, client: Option<&Client>, on_behalf_of: Option<&OnBehalfOf>) -> Facts {
    Facts::new(now, on_behalf_of.cloned()).of_client(client.map(Client::source))
}
