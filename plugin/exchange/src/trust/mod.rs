//! Is what a policy says of this request? A policy may be anybody's component, and what it returns is
//! believed only as far as the host can see for itself: the account of every question and record, where a
//! request goes, and whose token it came with.

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

/// What a policy had to go by.
#[derive(Clone, Copy)]
pub(crate) struct Seen<'a> {
    /// Where SCIM is.
    pub(crate) paths: &'a ScimPaths,
    /// The client's request.
    pub(crate) request: &'a Request,
    /// What was looked up for it.
    pub(crate) facts: &'a [Fact],
    /// Milliseconds since 1970.
    pub(crate) now: u64,
}

/// What the host has found out about one request.
#[derive(Default)]
pub(crate) struct Trust {
    /// The account of the decision.
    account: Option<String>,
    verified: Option<Verified>,
    /// Accounts that the request or its token names.
    named: BTreeSet<String>,
}

/// A token that the request carried, and that was good when the host was asked for it.
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
    /// Whether the guard's own credential may go where this request goes: there is a verified token,
    /// and the request calls nothing an account but the token's.
    #[must_use]
    pub(crate) fn lends(&self, paths: &ScimPaths, request: &Request) -> bool {
        let Some(verified) = &self.verified else {
            return false;
        };
        // A token is proved for the account of a SCIM path.
        paths.is_scim(&request.path)
            || named::all_are(request, verified.of.as_deref().unwrap_or_default())
    }

    /// Checks a decision.
    ///
    /// # Errors
    /// What the policy may not do.
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
    /// What the policy may not do.
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

/// Why facts are not looked up.
const OTHERS_FACTS: &str = "it asks for facts of another account than the request's";

/// One answer of the policy, with what it had to go by.
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

    /// A question about a token is one about the request's own: no policy finds out whether there is
    /// another.
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
            .ok_or("it says that a token is good which the request does not have")?;
        self.trust.verified = Some(Verified {
            account: used_for.map(str::to_owned),
            token: token.to_owned(),
            of: of.or(used_for).map(str::to_owned),
        });
        Ok(())
    }

    /// The account of the token of this id, if the facts say that the request carries it, and that it is
    /// good for the account that it is used for.
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

    /// Whether the request is of this account, as far as can be seen without the policy's routes: a SCIM
    /// path has one; another request, or its token, has to name it somewhere.
    fn is_of_request(&mut self, account: &str) -> bool {
        let request = self.seen.request;
        if let Some(own) = self.seen.paths.account(&request.path) {
            return account == own;
        }
        if account.is_empty() || self.trust.named.contains(account) {
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

/// The tokens of the guard's own store that the facts tell of as good, with their hashes.
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

/// Whether a token with these claims is called so: by its `jti`, or by a principal in them.
fn is_id_of(id: &str, claims: &Value) -> bool {
    match id.split_once(':') {
        Some(("jti", id)) => claims.get("jti").and_then(Value::as_str) == Some(id),
        Some(("sub", principal)) => named::holds(claims, principal),
        _ => false,
    }
}

/// Whether the time of these claims is not over, by the most lenient policy (RFC 7519 §4.1.4).
fn is_now(claims: &Value, now: u64) -> bool {
    match claims.get("exp") {
        None | Some(Value::Null) => true,
        Some(time) => time
            .as_f64()
            .is_some_and(|seconds| seconds * 1000.0 + MAX_SKEW as f64 > now as f64),
    }
}
