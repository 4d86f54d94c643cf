//! Interprets the claims of a verified token (RFC 7519 §4.1, RFC 7662 §2.2) by the policy.

use super::expiry;
use crate::facts::{Key, Principal, PrincipalKey, Token};
use crate::inputs::Inputs;
use crate::json::Json;
use crate::policy::{Claim, Confirmation, Issuer, IssuerKind};
use crate::rules::{Refusal, token as rules};

/// 9999-12-31T23:59:59Z in seconds; no real token is valid longer.
const LATEST: f64 = 253_402_300_799.0;

/// Maximum length of a `jti` that is used as a name in logs.
const MAX_ID: usize = 64;

/// The longest id of a principal, in bytes.
const MAX_PRINCIPAL: usize = 256;

/// The contents of a token's claims.
pub(super) struct Stated {
    /// In milliseconds since 1970.
    expires: Option<u64>,
    account: String,
    principal: String,
    /// `None`: the principal's permissions apply.
    permissions: Option<Vec<String>>,
    provider: Option<String>,
    id: String,
    /// The token is bound to its holder's key, and the policy refuses such tokens.
    is_bound: bool,
}

/// Reads verified claims; nothing read before the verification counts. Returns `None` if any claim
/// is invalid.
pub(super) fn stated(claims: &Json, issuer: &Issuer, token: &str, now: u64) -> Option<Stated> {
    let claims = Claims(claims);
    let is_introspected = issuer.kind == IssuerKind::Introspection;
    if is_introspected && claims.given("active") != Some(&Json::Bool(true)) {
        return None;
    }
    match claims.given("iss") {
        Some(name) if name.as_str() == Some(&issuer.issuer) => {}
        None if is_introspected => {}
        _ => return None,
    }
    let is_for_us = issuer.audience.is_empty() || claims.names_one_of(&issuer.audience);
    let is_bearer = claims.given("token_type").is_none_or(|kind| {
        kind.as_str()
            .is_some_and(|kind| kind.eq_ignore_ascii_case("bearer"))
    });
    if !is_for_us || (is_introspected && !is_bearer) {
        return None;
    }
    for beginning in ["nbf", "iat"] {
        if let Some(time) = claims.given(beginning)
            && milliseconds(time)? > now.saturating_add(issuer.skew)
        {
            return None;
        }
    }
    let expires = match claims.given("exp") {
        Some(time) => Some(milliseconds(time)?),
        None if is_introspected => None,
        None => return None,
    };
    // A signed `cnf` is a binding even if it cannot be read.
    let is_bound = match is_introspected {
        true => claims.given("cnf").is_some(),
        false => claims.0.get("cnf").is_some(),
    };
    let principal = claims
        .text(&issuer.principal)
        .filter(|id| id.len() <= MAX_PRINCIPAL)?;
    Some(Stated {
        expires,
        account: claims.value(&issuer.account)?,
        permissions: match &issuer.permissions {
            Some(pointer) => Some(claims.list(pointer)?),
            None => None,
        },
        provider: match &issuer.provider {
            Some(Claim::At(pointer)) if claims.at(pointer).is_none() => None,
            Some(claim) => Some(claims.value(claim)?),
            None => None,
        },
        id: claims.id(token, &principal),
        principal,
        is_bound: is_bound && issuer.confirmation == Confirmation::Refuse,
    })
}

// === impl Stated ===

impl Stated {
    /// Returns the account that the token is for.
    pub(super) fn account(&self) -> &str {
        &self.account
    }

    /// Returns the token with its current rights.
    pub(super) async fn into_token(
        self,
        issuer: &Issuer,
        inputs: &mut Inputs,
    ) -> Result<Token, Refusal> {
        let now = inputs.facts.now();
        if self.is_bound {
            return Err(bound());
        }
        if let Some(expires) = self.expires
            && expires.saturating_add(issuer.skew) <= now
        {
            return Err(expired(expires, now));
        }
        let key = Key::Principal(PrincipalKey {
            account: self.account.clone(),
            id: self.principal.clone(),
        });
        let recorded = inputs.until(|facts| Ok(facts.principal(&key)?.cloned()));
        let recorded = recorded.await?;
        let principal = match (recorded, self.permissions) {
            (Some(recorded), Some(permissions)) => Some(Principal {
                permissions,
                ..recorded
            }),
            (None, Some(permissions)) => Some(Principal {
                account: self.account.clone(),
                id: self.principal,
                active: true,
                permissions,
            }),
            (recorded, None) => recorded,
        };
        Ok(Token {
            id: Some(self.id),
            account: self.account,
            provider: self.provider,
            expires: self.expires,
            revoked: false,
            principal,
        })
    }
}

/// Refuses an expired token.
pub(super) fn expired(expires: u64, now: u64) -> Refusal {
    rules::EXPIRED.because(format!(
        "The token expired {}. Create a new one and enter it in the identity provider.",
        expiry::words(expires, now)
    ))
}

/// Refuses a token that requires proof of a key, which a Bearer credential does not give.
fn bound() -> Refusal {
    rules::UNKNOWN.because(
        "The token is bound to its holder's key (cnf) and is not a plain Bearer token. Have the issuer \
         issue tokens for the guard without this binding.",
    )
}

/// A JSON object of claims.
struct Claims<'a>(&'a Json);

// === impl Claims ===

impl<'a> Claims<'a> {
    /// Returns a claim that has a value. Some servers send `null` for missing ones.
    fn given(&self, name: &str) -> Option<&'a Json> {
        self.0.get(name).filter(|value| **value != Json::Null)
    }

    fn at(&self, pointer: &[String]) -> Option<&'a Json> {
        self.0.at(pointer).filter(|value| **value != Json::Null)
    }

    /// Whether `aud`, a text or a list, contains one of these (RFC 7519 §4.1.3).
    fn names_one_of(&self, audience: &[String]) -> bool {
        let is_ours = |name: &Json| {
            let name = name.as_str();
            name.is_some_and(|name| audience.iter().any(|own| own == name))
        };
        match self.given("aud") {
            Some(Json::Array(names)) => {
                names.iter().all(|name| name.as_str().is_some()) && names.iter().any(is_ours)
            }
            Some(name) => is_ours(name),
            None => false,
        }
    }

    /// Returns a text that can be the id of a principal.
    fn text(&self, pointer: &[String]) -> Option<String> {
        let text = self.at(pointer)?.as_str()?;
        let is_name = !text.is_empty() && !text.chars().any(char::is_control);
        is_name.then(|| text.to_owned())
    }

    fn value(&self, claim: &Claim) -> Option<String> {
        match claim {
            Claim::Fixed(text) => Some(text.clone()),
            Claim::At(pointer) => self.text(pointer),
        }
    }

    /// Returns the words of a list or of one text (RFC 8693 §4.2); empty if the claim is missing.
    fn list(&self, pointer: &[String]) -> Option<Vec<String>> {
        match self.at(pointer) {
            None => Some(Vec::new()),
            Some(Json::String(words)) => {
                let words = words.split(' ').filter(|word| !word.is_empty());
                Some(words.map(str::to_owned).collect())
            }
            Some(Json::Array(words)) => words
                .iter()
                .map(|word| word.as_str().map(str::to_owned))
                .collect(),
            Some(_) => None,
        }
    }

    /// Returns the token's name in logs and records: its `jti`, unless that could be the token
    /// itself, else its principal. Names of tokens in the guard's own store have no colon.
    fn id(&self, token: &str, principal: &str) -> String {
        let harmless = |id: &&str| {
            (1..=MAX_ID).contains(&id.len())
                && id
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte))
                && !token.contains(*id)
        };
        match self.given("jti").and_then(Json::as_str).filter(harmless) {
            Some(id) => format!("jti:{id}"),
            None => format!("sub:{principal}"),
        }
    }
}

/// A NumericDate (RFC 7519 §2), which may have a fraction.
fn milliseconds(time: &Json) -> Option<u64> {
    let Json::Number(seconds) = time else {
        return None;
    };
    let seconds: f64 = seconds.parse().ok()?;
    (0.0..=LATEST)
        .contains(&seconds)
        .then_some((seconds * 1000.0) as u64)
}
