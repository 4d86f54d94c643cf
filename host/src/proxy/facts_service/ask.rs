//! Answering what a gateway asks: from one state of the record, under leases on what a write names.

use std::net::IpAddr;
use std::sync::Arc;

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
        let account = lookup::good_token(&found, open.now).map(|(_, token)| &token.account);
        if let Some(account) = account.filter(|account| gateway.is_for(account)) {
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
        Ok(Answered {
            pass: self.passes.keep(open),
            facts: found.iter().map(|fact| gateway.told(fact)).collect(),
        })
    }
}
