//! A miniature face for credential tests: a record of tokens and principals, and issuers that give
//! the same answer about a token in every account.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use scimguard_core::facts::{Answer, Fact, Key, Table};
use scimguard_core::{Body, Forward, Guard, Reject, Request, Verdict};
use serde_json::{Value, json};

use crate::fixtures;

/// 2026-06-01T00:00:00Z.
pub(crate) const NOW: u64 = 1_780_272_000_000;

/// The facts that the face has.
pub(crate) struct Record {
    table: Table,
    claims: BTreeMap<String, String>,
    /// Issuers that do not answer and principals that cannot be read.
    pub(crate) silent: Vec<&'static str>,
}

/// A decision and the keys it needed.
pub(crate) struct Decided {
    pub(crate) verdict: Verdict,
    pub(crate) asked: Vec<Key>,
}

/// A configured policy.
pub(crate) fn guard(policy: &Value) -> Guard {
    fixtures::guard(&policy.to_string())
}

/// A JWT with this payload.
pub(crate) fn jwt(payload: &str) -> String {
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    format!(
        "{}.{}.{}",
        part(r#"{"alg":"RS256"}"#),
        part(payload),
        part("signature")
    )
}

/// Acts as a face until there is a decision.
pub(crate) fn decide(guard: &Guard, record: &Record, request: &Request) -> Decided {
    let mut request = request.clone();
    let body = std::mem::replace(&mut request.body, Body::Unread);
    let mut facts: Vec<Fact> = Vec::new();
    for _ in 0..=guard.settings().rounds {
        match guard.evaluate(&request, &facts, NOW) {
            Verdict::Need(need) => {
                if need.body_limit.is_some() {
                    request.body = body.clone();
                }
                facts.extend(need.keys.into_iter().map(|key| Fact {
                    answer: record.answer(&key),
                    key,
                }));
            }
            verdict => {
                let asked = facts.into_iter().map(|fact| fact.key).collect();
                return Decided { verdict, asked };
            }
        }
    }
    panic!("more rounds than the settings allow");
}

// === impl Record ===

impl Record {
    /// Creates one token and one principal in each of two accounts.
    pub(crate) fn new() -> Self {
        let table = fixtures::table(json!({
            "tokens": [{"token": "pat.ACC2.tok2.s3cret", "account": "ACC2", "principal": "svc", "provider": "okta"}],
            "principals": [{"account": "ACC2", "id": "svc", "permissions": fixtures::PERMISSIONS}],
        }));
        Self {
            table,
            claims: BTreeMap::new(),
            silent: Vec::new(),
        }
    }

    /// Makes every issuer answer this about the token.
    pub(crate) fn vouch(&mut self, token: &str, claims: Value) {
        self.claims.insert(token.to_owned(), claims.to_string());
    }

    fn answer(&self, key: &Key) -> Answer {
        match key {
            Key::Verified(asked) if self.silent.contains(&asked.issuer.as_str()) => {
                Answer::Unavailable
            }
            Key::Verified(asked) => match self.claims.get(asked.token.expose()) {
                Some(claims) => Answer::Claims(claims.clone()),
                None => Answer::Absent,
            },
            Key::Principal(asked) if self.silent.contains(&asked.id.as_str()) => {
                Answer::Unavailable
            }
            key => self.table.answer(key),
        }
    }
}

// === impl Decided ===

impl Decided {
    /// Returns what is sent to the backend.
    pub(crate) fn forwarded(&self) -> Option<&Forward> {
        match &self.verdict {
            Verdict::Forward(forward) => Some(forward),
            _ => None,
        }
    }

    /// Returns what the client is told.
    pub(crate) fn refused(&self) -> Option<&Reject> {
        match &self.verdict {
            Verdict::Reject(reject) => Some(reject),
            _ => None,
        }
    }
}
