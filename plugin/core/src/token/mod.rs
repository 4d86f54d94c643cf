//! Who asks: one credential, looked up by its hash, with the rights that its principal has now.

mod jwt;

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use crate::facts::{Facts, Key, Stop, Token};
use crate::message::{Headers, Request};
use crate::policy::Account;
use crate::refusal::Refusal;
use crate::rules::token as rules;

pub(crate) use jwt::payload_text;

/// Longer than any opaque token or signed JWT that makes sense, in bytes.
const MAX_LENGTH: usize = 8192;

/// Who acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Actor {
    /// A token that was given to the account's identity provider, on a SCIM route.
    Provisioner(String),
    /// Anyone else.
    Operator,
}

/// A credential that was found good.
#[derive(Clone, Debug)]
pub(crate) struct Authorised {
    pub(crate) actor: Actor,
    /// For logs.
    pub(crate) token_id: String,
    /// The one header that carried the credential.
    pub(crate) header: (String, Vec<u8>),
}

/// Judges the credential of a SCIM call.
pub(crate) fn authorise_scim(
    request: &Request,
    account_name: &str,
    backend_account: Option<&str>,
    account: &Account,
    facts: &Facts<'_>,
    now: u64,
) -> Result<Authorised, Stop> {
    let credential = credential(&request.headers, &account.token_headers)?;
    let token = known(&credential, facts, now)?;
    belongs(token, account_name)?;
    if backend_account.is_some_and(|only| only != account_name) {
        return Err(wrong_account().into());
    }
    let held = token
        .principal
        .as_ref()
        .map_or(&[][..], |principal| &principal.permissions);
    let missing: Vec<&str> = account
        .permissions
        .iter()
        .filter(|needed| !held.contains(needed))
        .map(String::as_str)
        .collect();
    if !missing.is_empty() {
        return Err(rules::INSUFFICIENT_PERMISSION
            .because(format!(
                "The token's user or service account lacks {}. Give it all Users and User Groups permissions.",
                missing.join(", ")
            ))
            .into());
    }
    let actor = match &token.provider {
        Some(provider) if *provider == account.provider => Actor::Provisioner(provider.clone()),
        _ => Actor::Operator,
    };
    Ok(credential.authorised(token, actor))
}

/// Judges the credential of a management call, where the policy asks for one.
pub(crate) fn authorise_management(
    request: &Request,
    account_name: Option<&str>,
    account: &Account,
    facts: &Facts<'_>,
    now: u64,
) -> Result<Authorised, Stop> {
    let credential = credential(&request.headers, &account.token_headers)?;
    let token = known(&credential, facts, now)?;
    belongs(token, account_name.unwrap_or(&token.account))?;
    Ok(credential.authorised(token, Actor::Operator))
}

/// Lower-case hex of SHA-256.
#[must_use]
pub fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .fold(String::with_capacity(64), |mut hex, byte| {
            // Writing to a String cannot fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        })
}

struct Credential {
    header: (String, Vec<u8>),
    hash: String,
}

// === impl Credential ===

impl Credential {
    fn authorised(self, token: &Token, actor: Actor) -> Authorised {
        Authorised {
            actor,
            token_id: token.id.clone().unwrap_or_default(),
            header: self.header,
        }
    }
}

/// The one credential of a request, over all headers that may carry one.
fn credential(headers: &Headers, carriers: &[String]) -> Result<Credential, Refusal> {
    let mut found = headers.iter().filter(|(name, _)| {
        carriers
            .iter()
            .any(|carrier| name.eq_ignore_ascii_case(carrier))
    });
    let Some((name, value)) = found.next() else {
        return Err(rules::MISSING.because(
            "The request carries no credential. Send Authorization: Bearer TOKEN; in Okta, choose HTTP Header as authentication mode.",
        ));
    };
    let malformed =
        || rules::MALFORMED.because("The request must carry exactly one Bearer or API-key token.");
    if found.next().is_some() || value.len() > MAX_LENGTH {
        return Err(malformed());
    }
    let text = std::str::from_utf8(value).map_err(|_| malformed())?;
    let token = if name.eq_ignore_ascii_case("authorization") {
        let (scheme, token) = text.trim().split_once(' ').ok_or_else(malformed)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(malformed());
        }
        token.trim_start_matches(' ')
    } else {
        text.trim()
    };
    let is_token = !token.is_empty()
        && token
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte));
    if !is_token {
        return Err(malformed());
    }
    Ok(Credential {
        header: (name.to_ascii_lowercase(), value.clone()),
        hash: sha256_hex(token.as_bytes()),
    })
}

fn known<'f>(credential: &Credential, facts: &Facts<'f>, now: u64) -> Result<&'f Token, Stop> {
    let key = Key::Token(credential.hash.clone());
    let Some(token) = facts.token(&key)? else {
        return Err(rules::UNKNOWN
            .because("The token is not known. Create one and enter it in the identity provider.")
            .into());
    };
    if token.expires.is_some_and(|expires| expires <= now) {
        return Err(rules::EXPIRED
            .because(
                "The token has expired. Create a new one and enter it in the identity provider.",
            )
            .into());
    }
    if token.revoked {
        return Err(rules::REVOKED
            .because(
                "The token was revoked. Create a new one and enter it in the identity provider.",
            )
            .into());
    }
    if !token.principal.as_ref().is_some_and(|owner| owner.active) {
        return Err(rules::INACTIVE_PRINCIPAL
            .because("The user or service account that the token belongs to is disabled or gone.")
            .into());
    }
    Ok(token)
}

/// The account of the token, of its principal and of the path must be one.
fn belongs(token: &Token, account: &str) -> Result<(), Refusal> {
    let principal = token.principal.as_ref().map(|owner| owner.account.as_str());
    if token.account == account && principal == Some(account) {
        Ok(())
    } else {
        Err(wrong_account())
    }
}

fn wrong_account() -> Refusal {
    rules::WRONG_ACCOUNT.because(
        "The token is not for the account in the path. Check the account id in the SCIM connector base URL.",
    )
}
