//! Checks that the policy's answers concern this request. A policy may be anyone's component, so the host
//! checks for itself the account of every question and record, the target of the request, and the token's
//! owner.

mod carried;
mod named;

use std::collections::BTreeSet;

use scimguard_core::facts::{Answer, Fact, Key, Token};
use scimguard_core::record::Record;
use scimguard_core::{Forward, Outcome, Request, Verdict};
use serde_json::Value;

use self::carried::Carried;
pub(crate) use self::carried::opaque_token;
use crate::{ScimPaths, account_of_key, account_of_record};

/// What the policy has seen.
#[derive(Clone, Copy)]
pub(crate) struct Seen<'a> {
    /// The paths of SCIM.
    pub(crate) paths: &'a ScimPaths,
    /// The client's request.
    pub(crate) request: &'a Request,
    /// The facts looked up for it.
    pub(crate) facts: &'a [Fact],
    /// Milliseconds since 1970.
    pub(crate) now: u64,
}

/// What the host has verified about one request.
#[derive(Default)]
pub(crate) struct Trust {
    /// The account of the decision.
    account: Option<String>,
    verified: Option<Verified>,
    /// Accounts that the request or its token names.
    named: BTreeSet<String>,
}

/// A token that the request carries and that the facts show to be good.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Verified {
    /// The account that it is used for; `None` for a management request that names none.
    account: Option<String>,
    /// Its id.
    token: String,
    /// The account that it is for, as far as the host knows.
    of: Option<String>,
}

type Checked = Result<(), &'static str>;

/// The largest difference between an issuer's clock and this one that a policy can allow, in
/// milliseconds.
const MAX_SKEW: u64 = 600_000;

// === impl Trust ===

impl Trust {
    /// Whether this request may be sent with the guard's own credential: it has a verified token and names
    /// no account except the token's.
    #[must_use]
    pub(crate) fn lends(&self, paths: &ScimPaths, request: &Request) -> bool {
        let Some(verified) = &self.verified else {
            return false;
        };
        // For a SCIM path the token has been verified for the path's account.
        paths.is_scim(&request.path)
            || named::all_are(request, verified.of.as_deref().unwrap_or_default())
    }

    /// Checks a decision.
    ///
    /// # Errors
    /// Why the policy may not decide this.
    pub(crate) fn decided(&mut self, seen: &Seen<'_>, verdict: &Verdict) -> Checked {
        let mut look = Look { trust: self, seen };
        match verdict {
            Verdict::Need(need) => look.keys(&need.keys),
            Verdict::Forward(forward) => look.forward(forward),
            Verdict::Proceed(it) => look.next(&it.account, &it.verified_token, &it.records),
            Verdict::Reject(it) => look.claims(it.account.as_deref(), it.verified_token.as_deref()),
        }
    }

    /// Checks a judgement of the backend's answer, or a later part of the request.
    ///
    /// # Errors
    /// Why the policy may not judge so.
    pub(crate) fn observed(&mut self, seen: &Seen<'_>, outcome: &Outcome) -> Checked {
        let mut look = Look { trust: self, seen };
        match outcome {
            Outcome::Need(need) => look.keys(&need.keys),
            Outcome::Forward(forward) => look.forward(forward),
            Outcome::Proceed(it) => look.next(&it.account, &it.verified_token, &it.records),
            Outcome::Respond(respond) => look.records(&respond.records),
        }
    }
}

/// Why no facts are looked up for another account.
const OTHERS_FACTS: &str = "it asks for facts of another account than the request's";

/// Checks one answer of the policy.
struct Look<'a> {
    trust: &'a mut Trust,
    seen: &'a Seen<'a>,
}

// === impl Look ===

impl Look<'_> {
    fn forward(&mut self, forward: &Forward) -> Checked {
        if let Some(fault) = self.seen.paths.fault(self.seen.request, forward) {
            return Err(fault);
        }
        self.next(&forward.account, &forward.verified_token, &forward.records)
    }

    fn next(
        &mut self,
        account: &Option<String>,
        token: &Option<String>,
        records: &[Record],
    ) -> Checked {
        self.claims(account.as_deref(), token.as_deref())?;
        self.records(records)
    }

    /// Checks the keys of a question. A policy may only ask about the request's own token, so that it cannot
    /// probe for others.
    fn keys(&mut self, keys: &[Key]) -> Checked {
        let carried = Carried::by(self.seen.request);
        for key in keys {
            let own = match key {
                Key::Token(sha256) => carried.has_hash(sha256),
                Key::Verified(key) => carried.has(key.token.expose()),
                _ => true,
            };
            if !own {
                return Err("it asks for a token that the request does not have");
            }
            let account = account_of_key(key);
            if !account.is_none_or(|account| self.is_of_request(account)) {
                return Err(OTHERS_FACTS);
            }
        }
        Ok(())
    }

    fn records(&mut self, records: &[Record]) -> Checked {
        let scim = self.seen.paths.account(&self.seen.request.path);
        let own = scim.as_deref().or(self.trust.account.as_deref());
        let same = records
            .iter()
            .all(|record| account_of_record(record) == own.unwrap_or_default());
        same.then_some(())
            .ok_or("it records something of another account than the request's")
    }

    fn claims(&mut self, account: Option<&str>, token: Option<&str>) -> Checked {
        if let Some(account) = account {
            if !self.is_of_request(account) {
                return Err("it names another account than the request's");
            }
            let before = self.trust.account.get_or_insert_with(|| account.to_owned());
            if before != account {
                return Err("it names another account than before");
            }
        }
        let Some(token) = token else {
            return Ok(());
        };
        let scim = self.seen.paths.account(&self.seen.request.path);
        let used_for = scim.as_deref().or(account);
        if let Some(verified) = &self.trust.verified {
            let same = verified.token == token && verified.account.as_deref() == used_for;
            return same
                .then_some(())
                .ok_or("it names another token than before");
        }
        let of = self
            .proved(used_for, token)
            .ok_or("it accepts a token that the request does not have")?;
        self.trust.verified = Some(Verified {
            account: used_for.map(str::to_owned),
            token: token.to_owned(),
            of: of.or(used_for).map(str::to_owned),
        });
        Ok(())
    }

    /// The account of the token with this id, if the request carries it and the facts show that it is good
    /// for the account it is used for.
    fn proved(&self, used_for: Option<&str>, id: &str) -> Option<Option<&str>> {
        let carried = Carried::by(self.seen.request);
        self.seen
            .facts
            .iter()
            .find_map(|fact| match (&fact.key, &fact.answer) {
                (Key::Token(sha256), Answer::Token(token)) => {
                    let same = token.id.as_deref().unwrap_or_default() == id
                        && used_for.is_none_or(|account| account == token.account)
                        && is_good(token, self.seen.now)
                        && carried.has_hash(sha256);
                    same.then_some(Some(token.account.as_str()))
                }
                (Key::Verified(key), Answer::Claims(claims)) => {
                    let claims: Value = serde_json::from_str(claims).ok()?;
                    let same = used_for.is_none_or(|account| account == key.account)
                        && carried.has(key.token.expose())
                        && is_id_of(id, &claims)
                        && is_now(&claims, self.seen.now);
                    same.then_some(None)
                }
                _ => None,
            })
    }

    /// Whether the request belongs to this account, as far as can be seen without the policy's routes: a
    /// SCIM path contains the account; any other request, or its token, must name it somewhere, unless
    /// there is no other.
    fn is_of_request(&mut self, account: &str) -> bool {
        let request = self.seen.request;
        if let Some(own) = self.seen.paths.account(&request.path) {
            return account == own;
        }
        let is_clear = account.is_empty() || self.seen.paths.is_only_account(account);
        if is_clear || self.trust.named.contains(account) {
            return true;
        }
        let named = named::names(request, account) || self.token_names(account);
        if named {
            self.trust.named.insert(account.to_owned());
        }
        named
    }

    fn token_names(&self, account: &str) -> bool {
        let carried = Carried::by(self.seen.request);
        self.seen
            .facts
            .iter()
            .any(|fact| match (&fact.key, &fact.answer) {
                (Key::Token(sha256), Answer::Token(token)) => {
                    token.account == account && carried.has_hash(sha256)
                }
                (Key::Verified(key), Answer::Claims(claims)) => {
                    carried.has(key.token.expose())
                        && serde_json::from_str(claims)
                            .is_ok_and(|claims: Value| named::holds(&claims, account))
                }
                _ => false,
            })
    }
}

/// The account of the first good token of the guard's own store that the request carries.
#[must_use]
pub fn account_of_token<'f>(request: &Request, facts: &'f [Fact], now: u64) -> Option<&'f String> {
    let carried = Carried::by(request);
    let mut good = good_tokens(facts, now);
    let found = good.find(|(sha256, _)| carried.has_hash(sha256));
    found.map(|(_, token)| &token.account)
}

/// The good tokens of the guard's own store among the facts, with their hashes.
pub fn good_tokens(facts: &[Fact], now: u64) -> impl Iterator<Item = (&String, &Token)> {
    let tokens = facts
        .iter()
        .filter_map(|fact| match (&fact.key, &fact.answer) {
            (Key::Token(sha256), Answer::Token(token)) => Some((sha256, token)),
            _ => None,
        });
    tokens.filter(move |(_, token)| is_good(token, now))
}

fn is_good(token: &Token, now: u64) -> bool {
    let owner = token.principal.as_ref();
    owner.is_some_and(|owner| owner.active && owner.account == token.account)
        && !token.revoked
        && token.expires.is_none_or(|expires| now < expires)
}

/// Whether this is the id of a token with these claims: its `jti`, or a principal in them.
fn is_id_of(id: &str, claims: &Value) -> bool {
    match id.split_once(':') {
        Some(("jti", id)) => claims.get("jti").and_then(Value::as_str) == Some(id),
        Some(("sub", principal)) => named::holds(claims, principal),
        _ => false,
    }
}

/// Whether these claims have not expired, even by the most lenient policy (RFC 7519 §4.1.4).
fn is_now(claims: &Value, now: u64) -> bool {
    match claims.get("exp") {
        None | Some(Value::Null) => true,
        Some(time) => time
            .as_f64()
            .is_some_and(|seconds| seconds * 1000.0 + MAX_SKEW as f64 > now as f64),
    }
}
