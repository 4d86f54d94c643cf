//! Checks a gateway's messages against its accounts and what this service answered it. A gateway
//! could forge each field of a message; `tests/facts_service/lies.rs` covers them all.

use scimguard_core::facts::{Answer, Fact, Key};
use scimguard_core::{Guard, NamedAccount, Settings, sha256_hex};
use scimguard_exchange::{account_of_key, account_of_record};
use scimguard_wire::{DecisionReport, FactsRequest, Head, RecordsRequest};

use super::access::Gateway;
use super::failure::Failure;

/// No rule of any policy has a longer id.
const LONGEST_RULE: usize = 64;

/// Reads the paths in gateways' messages.
pub(in crate::proxy) struct Paths(Option<Guard>);

/// Hash of a client's request head, which the gateway has to repeat unchanged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct HeadHash(String);

/// A token that this service reported as good: its account and its id, unless the policy has to
/// derive the id from the claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct GoodToken {
    pub(super) account: String,
    id: Option<String>,
}

// === impl Paths ===

impl Paths {
    /// Uses the document that the policy runs with. If only a foreign policy can read it, uses its
    /// SCIM settings.
    pub(in crate::proxy) fn new(document: &str, settings: &Settings) -> Self {
        let reads = |guard: &Guard| guard.settings().scim_base == settings.scim_base;
        let own = Guard::configure(document).ok().filter(reads);
        let of_settings = || {
            let scim = serde_json::json!({"base": settings.scim_base});
            let document = serde_json::json!({"version": 1, "preset": "generic", "scim": scim});
            Guard::configure(&document.to_string()).ok()
        };
        Self(own.or_else(of_settings))
    }

    fn named(&self, head: &Head) -> NamedAccount {
        let guard = self.0.as_ref();
        guard.map_or(NamedAccount::Unclear, |guard| {
            guard.named_account(&head.method, &head.path)
        })
    }

    /// Refuses a question that the gateway may not ask, or about another account than its request's.
    pub(super) fn check_facts_request(
        &self,
        gateway: &Gateway,
        request: &FactsRequest,
    ) -> Result<(), Failure> {
        let accounts = request.keys.iter().filter_map(account_of_key);
        self.check(gateway, &request.head, accounts)
    }

    /// Refuses records and decisions that are not the gateway's, or of another account than their
    /// request's.
    pub(super) fn check_records_request(
        &self,
        gateway: &Gateway,
        request: &RecordsRequest,
    ) -> Result<(), Failure> {
        if !request.records.is_empty() {
            gateway.check_record()?;
        }
        let named = request
            .verdict
            .as_ref()
            .and_then(|it| it.account.as_deref());
        let accounts = request.records.iter().map(account_of_record).chain(named);
        self.check(gateway, &request.head, accounts)?;
        if request.pass.is_none() && !request.records.is_empty() {
            // Nothing is leased: another write may be in progress.
            return Err(Failure::malformed("Records belong to a pass."));
        }
        request.verdict.as_ref().map_or(Ok(()), check_form)
    }

    fn check<'a>(
        &self,
        gateway: &Gateway,
        head: &Head,
        accounts: impl IntoIterator<Item = &'a str>,
    ) -> Result<(), Failure> {
        let named = self.named(head);
        match &named {
            NamedAccount::One(account) => gateway.check(account)?,
            NamedAccount::Unclear => gateway.check_every("a path that names no account clearly")?,
            NamedAccount::None => {}
        }
        for account in accounts {
            gateway.check(account)?;
            if matches!(&named, NamedAccount::One(named) if named != account) {
                return Err(Failure::forbidden(
                    "it names another account than the path of its request",
                ));
            }
        }
        Ok(())
    }
}

/// Refuses a report that no decision can produce.
fn check_form(verdict: &DecisionReport) -> Result<(), Failure> {
    let is_id = |rule: &String| {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte == b'-';
        rule.len() <= LONGEST_RULE
            && rule.split_once('.').is_some_and(|(stage, name)| {
                !stage.is_empty()
                    && !name.is_empty()
                    && stage.bytes().chain(name.bytes()).all(plain)
            })
    };
    if !verdict.rule.as_ref().is_none_or(is_id) {
        return Err(Failure::malformed("Its rule is no rule's id."));
    }
    match verdict.status {
        None => Ok(()),
        Some(400..=599) if verdict.rule.is_some() => Ok(()),
        Some(_) => Err(Failure::malformed("Its status is not that of a refusal.")),
    }
}

/// The good tokens that these facts reveal to the gateway.
pub(super) fn good_tokens(gateway: &Gateway, facts: &[Fact], now: u64) -> Vec<GoodToken> {
    let own = scimguard_exchange::good_tokens(facts, now)
        .next()
        .map(|(_, token)| GoodToken {
            account: token.account.clone(),
            id: Some(token.id.clone().unwrap_or_default()),
        });
    let vouched = facts
        .iter()
        .filter_map(|fact| match (&fact.key, &fact.answer) {
            (Key::Verified(key), Answer::Claims(_)) => Some(GoodToken {
                account: key.account.clone(),
                id: None,
            }),
            _ => None,
        });
    let all = own.into_iter().chain(vouched);
    all.filter(|token| gateway.is_for(&token.account)).collect()
}

// === impl GoodToken ===

impl GoodToken {
    /// Whether a decision for this account may name it by this id.
    pub(super) fn is(&self, account: Option<&str>, id: &str) -> bool {
        // A management request may name no account: then its token does.
        let any_account = self.account.is_empty() || account.is_none();
        let same_account = any_account || account == Some(&self.account);
        let same_id = match &self.id {
            Some(own) => own == id,
            None => id.starts_with("jti:") || id.starts_with("sub:"),
        };
        same_account && same_id
    }
}

// === impl HeadHash ===

impl HeadHash {
    /// Keeps no credentials in memory.
    pub(super) fn of(head: &Head) -> Self {
        // A head that cannot be serialised was in no message.
        let text = serde_json::to_vec(head).unwrap_or_default();
        Self(sha256_hex(&text))
    }
}
