//! Answering what a gateway asks: from one state of the record, under leases on what a write names.

use std::net::IpAddr;
use std::sync::Arc;

use scimguard_core::facts::{Fact, Key};
use scimguard_wire::{Ask, Facts as Answered, Stage};

use super::access::Gateway;
use super::authority::{HeadHash, good_tokens};
use super::failure::Failure;
use super::{FactsService, client, credentials};
use crate::proxy::Proxy;
use crate::proxy::facts::{Facts, is_read};
use crate::proxy::leases::Held;
use crate::proxy::refusal::unavailable;

impl FactsService {
    pub(super) async fn ask(
        &self,
        proxy: &Proxy,
        gateway: &Arc<Gateway>,
        ask: Ask,
        peer: IpAddr,
    ) -> Result<Answered, Failure> {
        self.paths.check_ask(gateway, &ask)?;
        let head = HeadHash::of(&ask.head);
        let mut open = match &ask.pass {
            Some(pass) => self.passes.take(pass, gateway, &head)?,
            None => {
                let client = client(&ask.head, peer);
                self.passes.begin(proxy, gateway, client, head)?
            }
        };
        if open.tokens.is_empty() && !ask.keys.iter().all(is_of_credential) {
            // What it asks may take long, and nobody has vouched for it.
            open.count(None)?;
        }
        // The policy goes on, so the token that it asked for is good.
        let found = open.facts.found();
        if let Some(account) = verified_account(gateway, &found, open.now) {
            open.client.charge(proxy, &ask.head.path, account)?;
        }
        if ask.first {
            open.facts = Facts::new(open.now, None).of_client(Some(open.client.source()));
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
        answered.map_err(|error| unavailable(&proxy.store, &error))?;
        let found = open.facts.found();
        // A gateway need not wait for this service before it forwards a read, so that such a request
        // is charged here, if its token is of the account in its path. The pass of a write may end while its
        // gateway waits for the body, and another one ask for the token again.
        if let Some(account) = verified_account(gateway, &found, open.now)
            && is_read(&ask.head.method)
            && is_scim_of(proxy, account, &ask.head.path)
        {
            open.client.charge(proxy, &ask.head.path, account)?;
        }
        for token in good_tokens(gateway, &found, open.now) {
            if !open.tokens.contains(&token) {
                open.tokens.push(token);
            }
        }
        let account = open.tokens.first().map(|token| token.account.clone());
        open.count(account.as_deref())?;
        Ok(Answered {
            now: open.now,
            pass: self.passes.keep(open),
            facts: found.iter().map(|fact| gateway.told(fact)).collect(),
        })
    }
}

/// Whether a key asks about the credential of a request, and about nothing that it wants.
fn is_of_credential(key: &Key) -> bool {
    matches!(key, Key::Token(_) | Key::Verified(_) | Key::Principal(_))
}

/// The account of the good token that the facts tell of, if it is the gateway's.
fn verified_account<'a>(gateway: &Gateway, facts: &'a [Fact], now: u64) -> Option<&'a String> {
    let good = scimguard_gateway::good_tokens(facts, now)
        .next()
        .map(|(_, token)| &token.account);
    good.filter(|account| gateway.is_for(account))
}

/// Whether this is the path of a SCIM end point of the account, as it is usually written.
fn is_scim_of(proxy: &Proxy, account: &str, path: &str) -> bool {
    let groups = proxy.paths.client_group(account, "");
    let base = groups.strip_suffix("Groups/");
    base.is_some_and(|base| path.starts_with(base))
}
