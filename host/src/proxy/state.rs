//! What this process keeps for one exchange, its own or a gateway's: the facts of its pass, the
//! leases on what a write names, and the client that is charged.

use std::sync::Arc;

use scimguard_core::Headers;
use scimguard_core::facts::Fact;
use scimguard_core::record::Record;
use scimguard_exchange::{Found, Needed, Refused};
use scimguard_knowledge::Pass;
use scimguard_wire::DecisionReport;

use super::Proxy;
use super::client::Client;
use super::facts::{Sources, Unavailable, Vouched};
use super::leases::LeaseGuard;
use super::log::DecisionEntry;
use super::refusal::unavailable;
use super::retry::OnBehalfOf;
use scimguard_store::TokenUse;
use scimguard_store::now;

/// The state of one exchange. Its leases end with it.
pub(super) struct State {
    /// When it began, in milliseconds since 1970.
    now: u64,
    /// `None` for a request that is not a client's: nobody is charged.
    client: Option<Client>,
    vouched: Vouched,
    pass: Pass<LeaseGuard>,
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
            vouched: Vouched::new(now, on_behalf_of, client.as_ref().map(Client::source)),
            client,
            pass: Pass::default(),
        }
    }

    /// When it began, in milliseconds since 1970.
    pub(super) fn now(&self) -> u64 {
        self.now
    }

    /// The facts of this pass.
    pub(super) fn found(&self) -> Arc<Vec<Fact>> {
        self.pass.found()
    }

    /// Whether an issuer was not asked because of too many strange tokens. Such requests come in
    /// great numbers, so they are not logged one by one.
    pub(super) fn is_crowded_out(&self) -> bool {
        self.vouched.is_crowded_out()
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
        if needed.first {
            self.vouched.begin();
        }
        let mut sources = Sources {
            proxy,
            headers,
            vouched: &mut self.vouched,
        };
        let found = self.pass.find(&mut sources, method, needed).await;
        found.map_err(|error| unavailable(&proxy.store, &error))?;
        Ok(Found {
            now: self.now,
            facts: self.pass.found(),
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
            self.pass.end();
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
