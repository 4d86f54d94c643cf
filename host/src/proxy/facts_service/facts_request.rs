//! Answers a gateway's question: from one state of the record, under leases on what a write names.

use std::net::IpAddr;
use std::sync::Arc;

use scimguard_core::facts::{Fact, Key};
use scimguard_exchange::Needed;
use scimguard_wire::{FactsRequest, FactsResponse, is_read};

use super::access::Gateway;
use super::authority::{HeadHash, good_tokens};
use super::failure::Failure;
use super::{FactsService, client, credentials};
use crate::proxy::Proxy;

impl FactsService {
    pub(super) async fn answer_facts(
        &self,
        proxy: &Proxy,
        gateway: &Arc<Gateway>,
        request: FactsRequest,
        peer: IpAddr,
    ) -> Result<FactsResponse, Failure> {
        self.paths.check_facts_request(gateway, &request)?;
        let head = HeadHash::of(&request.head);
        let mut open = match &request.pass {
            Some(pass) => self.passes.take(pass, gateway, &head)?,
            None => {
                let client = client(&request.head, peer);
                self.passes.begin(proxy, gateway, client, head)?
            }
        };
        if open.tokens.is_empty() && !request.keys.iter().all(is_of_credential) {
            // Answering may take long, and nothing has verified the token yet.
            open.count(None)?;
        }
        // The policy asks for more, so it has accepted the token.
        let (now, path) = (open.state.now(), &request.head.path);
        let found = open.state.found();
        let account = verified_account(gateway, &found, now).map(String::as_str);
        open.state.charge(proxy, path, account)?;
        let headers = credentials(&request.head);
        let needed = Needed {
            keys: request.keys,
            stage: request.stage,
            first: request.first,
        };
        let method = &request.head.method;
        let found = open.state.find(proxy, method, &headers, needed).await?;
        let found = found.facts;
        // A gateway may forward a read without waiting for this service, so such a request is
        // charged here if its token is of the account in its path. The pass of a write may end
        // while its gateway waits for the body, and another pass asks for the token again.
        let account = verified_account(gateway, &found, now)
            .filter(|account| is_read(method) && is_scim_of(proxy, account, path));
        open.state
            .charge(proxy, path, account.map(String::as_str))?;
        for token in good_tokens(gateway, &found, now) {
            if !open.tokens.contains(&token) {
                open.tokens.push(token);
            }
        }
        let account = open.tokens.first().map(|token| token.account.clone());
        open.count(account.as_deref())?;
        Ok(FactsResponse {
            now,
            pass: self.passes.keep(open),
            facts: found.iter().map(|fact| gateway.visible(fact)).collect(),
        })
    }
}

/// Whether a key concerns only the credential of a request.
fn is_of_credential(key: &Key) -> bool {
    matches!(key, Key::Token(_) | Key::Verified(_) | Key::Principal(_))
}

/// The account of the good token in these facts, if it is the gateway's.
fn verified_account<'a>(gateway: &Gateway, facts: &'a [Fact], now: u64) -> Option<&'a String> {
    let good = scimguard_exchange::good_tokens(facts, now)
        .next()
        .map(|(_, token)| &token.account);
    good.filter(|account| gateway.is_for(account))
}

/// Whether this is the path of a SCIM endpoint of the account, in its usual form.
fn is_scim_of(proxy: &Proxy, account: &str, path: &str) -> bool {
    let groups = proxy.setup.paths().client_group(account, "");
    let base = groups.strip_suffix("Groups/");
    base.is_some_and(|base| path.starts_with(base))
}
