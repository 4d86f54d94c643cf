//! Answering what a gateway asks: from one state of the record, under leases on what a write names.

use std::net::IpAddr;
use std::sync::Arc;

use scimguard_core::facts::Fact;
use scimguard_wire::{Ask, Facts as Answered, Stage};

use super::access::Gateway;
use super::failure::Failure;
use super::{FactsService, accounts, client, credentials};
use crate::proxy::facts::{Facts, is_read};
use crate::proxy::leases::Held;
use crate::proxy::refusal::unavailable;
use crate::proxy::{Proxy, lookup};

impl FactsService {
    pub(super) async fn ask(
        &self,
        proxy: &Proxy,
        gateway: &Arc<Gateway>,
        ask: Ask,
        peer: IpAddr,
    ) -> Result<Answered, Failure> {
        for account in ask.keys.iter().filter_map(accounts::of_key) {
            gateway.check(account)?;
        }
        let mut open = match &ask.pass {
            Some(pass) => self.passes.take(pass, gateway)?,
            None => self.passes.begin(proxy, gateway, client(&ask.head, peer))?,
        };
        // The policy goes on, so the token that it asked for is good.
        let found = open.facts.found();
        if let Some(account) = verified_account(gateway, &found, open.now) {
            open.client.charge(proxy, &ask.head.path, account)?;
        }
        if ask.first {
            open.facts = Facts::new(open.now, None);
        }
        let headers = credentials(&ask.head);
        let answered = if ask.stage == Stage::Decide && !is_read(&ask.head.method) {
            if ask.first {
                // Another part of the request begins: what the one before concerned is free.
                open.held = Held::default();
            }
            let held = &mut open.held;
            open.facts
                .answer_leased(proxy, &headers, ask.keys, held)
                .await
        } else {
            open.facts.answer(proxy, &headers, ask.keys).await
        };
        answered.map_err(|error| unavailable(&error))?;
        let found = open.facts.found();
        // A gateway need not wait for this service before it forwards a read, so that such a request
        // is charged here, if its token is of the account in its path.
        if let Some(account) = verified_account(gateway, &found, open.now)
            && is_scim_of(proxy, account, &ask.head.path)
        {
            open.client.charge(proxy, &ask.head.path, account)?;
        }
        Ok(Answered {
            now: open.now,
            pass: self.passes.keep(open),
            facts: found.iter().map(|fact| gateway.told(fact)).collect(),
        })
    }
}

/// The account of the good token that the facts tell of, if it is the gateway's.
fn verified_account<'a>(gateway: &Gateway, facts: &'a [Fact], now: u64) -> Option<&'a String> {
    let good = lookup::good_token(facts, now).map(|(_, token)| &token.account);
    good.filter(|account| gateway.is_for(account))
}

/// Whether this is the path of a SCIM end point of the account, as it is usually written.
fn is_scim_of(proxy: &Proxy, account: &str, path: &str) -> bool {
    let groups = proxy.paths.client_group(account, "");
    let base = groups.strip_suffix("Groups/");
    base.is_some_and(|base| path.starts_with(base))
}
