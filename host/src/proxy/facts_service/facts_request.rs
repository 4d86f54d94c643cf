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
        let (method, path) = (&request.head.method, &request.head.path);
        let headers = credentials(&request.head);
        let mut first = request.first;
        let mut facts = open.state.found();
        for keys in in_turn(request.keys, open.tokens.is_empty()) {
            if open.tokens.is_empty() && !keys.iter().all(is_of_credential) {
                // Answering may take long, and nothing has verified the token yet.
                open.count(None)?;
            }
            // The policy asks for more, so it has accepted the token.
            let now = open.state.now();
            let account = verified_account(gateway, &facts, now).map(String::as_str);
            open.state.charge(proxy, path, account)?;
            let needed = Needed {
                keys,
                stage: request.stage,
                first,
            };
            facts = open
                .state
                .find(proxy, method, &headers, needed)
                .await?
                .facts;
            first = false;
            // A gateway may forward a read without waiting for this service, so such a request is
            // charged here if its token is of the account in its path. The pass of a write may end
            // while its gateway waits for the body, and another pass asks for the token again.
            let account = verified_account(gateway, &facts, now)
                .filter(|account| is_read(method) && is_scim_of(proxy, account, path));
            open.state
                .charge(proxy, path, account.map(String::as_str))?;
            for token in good_tokens(gateway, &facts, now) {
                if !open.tokens.contains(&token) {
                    open.tokens.push(token);
                }
            }
            let account = open.tokens.first().map(|token| token.account.clone());
            open.count(account.as_deref())?;
        }
        let (now, facts) = (open.state.now(), open.state.found());
        // Only a read is reported without what it settles.
        let account = open.tokens.first().filter(|_| is_read(method));
        let unsettled = match account.map(|token| &token.account) {
            Some(account) => proxy.store.has_open_creates(account).unwrap_or(true),
            None => true,
        };
        Ok(FactsResponse {
            now,
            unsettled,
            pass: self.passes.keep(open),
            facts: facts.iter().map(|fact| gateway.visible(fact)).collect(),
        })
    }
}

/// The keys in the order in which they are answered: those of an unverified credential come first, so
/// that a request with a good one counts against its account before anything else is looked up.
fn in_turn(keys: Vec<Key>, is_unverified: bool) -> Vec<Vec<Key>> {
    let (credential, others): (Vec<Key>, Vec<Key>) = match is_unverified {
        true => keys.into_iter().partition(is_of_credential),
        false => (Vec::new(), keys),
    };
    match (credential.is_empty(), others.is_empty()) {
        (false, false) => vec![credential, others],
        (_, true) => vec![credential],
        (true, false) => vec![others],
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
