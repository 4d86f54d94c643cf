//! What a gateway says of a request, held against what it may speak of and what it was told. Each field
//! of a message is one that a gateway could make up; `tests/facts_service/lies.rs` has them all.

use scimguard_core::facts::{Answer, Fact, Key};
use scimguard_core::{Guard, NamedAccount, Settings, sha256_hex};
use scimguard_exchange::{account_of_key, account_of_record};
use scimguard_wire::{DecisionReport, FactsRequest, Head, RecordsRequest};

use super::access::Gateway;
use super::failure::Failure;

/// No rule of any policy has a longer id.
const LONGEST_RULE: usize = 64;

/// Reads the paths that gateways tell of.
pub(in crate::proxy) struct Paths(Option<Guard>);

/// A client's request, as the gateway has always to tell it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct HeadHash(String);

/// A token that a pass was told to be good: its account and, unless that is for the policy to find out
/// from its claims, its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct GoodToken {
    pub(super) account: String,
    id: Option<String>,
}

// === impl Paths ===

impl Paths {
    /// By the document that the policy runs with. A policy of another project may have one that only it
    /// reads: of that, what its settings say about SCIM.
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

    /// Refuses a question that is not for the gateway, or about another account than its request is.
    pub(super) fn check_ask(&self, gateway: &Gateway, ask: &FactsRequest) -> Result<(), Failure> {
        let accounts = ask.keys.iter().filter_map(account_of_key);
        self.check(gateway, &ask.head, accounts)
    }

    /// Refuses records and decisions that are not the gateway's, or of another account than their
    /// request.
    pub(super) fn check_tell(
        &self,
        gateway: &Gateway,
        tell: &RecordsRequest,
    ) -> Result<(), Failure> {
        if !tell.records.is_empty() {
            gateway.check_record()?;
        }
        let told = tell.verdict.as_ref().and_then(|it| it.account.as_deref());
        let accounts = tell.records.iter().map(account_of_record).chain(told);
        self.check(gateway, &tell.head, accounts)?;
        if tell.pass.is_none() && !tell.records.is_empty() {
            // Nothing is leased: another write may be under way.
            return Err(Failure::malformed("Records belong to a pass."));
        }
        tell.verdict.as_ref().map_or(Ok(()), check_form)
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
                    "it speaks of another account than the path of its request",
                ));
            }
        }
        Ok(())
    }
}

/// Refuses what no decision looks like.
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

/// The good tokens that these facts tell the gateway of.
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
    /// Without the credentials themselves, which need not stay in memory.
    pub(super) fn of(head: &Head) -> Self {
        // A head that cannot be written came from no message.
        let text = serde_json::to_vec(head).unwrap_or_default();
        Self(sha256_hex(&text))
    }
}
