//! Who asks: one credential, known by its hash or vouched for by its issuer, with the rights that its
//! principal has now.

mod claims;
mod credential;
mod expiry;

use std::borrow::Cow;

use crate::facts::{Key, Token, TokenText, VerifiedKey};

use crate::hash::sha256_hex;
use crate::jwt::{self, Form};
use crate::known::{Facts, Stop};
use crate::message::Request;
use crate::policy::{Account, Issuer, IssuerKind, Policy};
use crate::rules::{Refusal, token as rules};
use claims::{Stated, expired};
use credential::{Credential, credential, malformed};

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

/// How often the token stage may have to ask before its last fact is there, beside the first time.
pub(crate) fn more_rounds(account: &Account) -> u32 {
    if account.issuers.is_empty() {
        return 0;
    }
    let asked = account
        .issuers
        .iter()
        .filter(|issuer| issuer.kind == IssuerKind::Introspection);
    // The principal is known only from the claims.
    u32::try_from(asked.count())
        .unwrap_or(u32::MAX)
        .saturating_add(1)
}

/// Judges the credential of a SCIM call.
pub(crate) fn authorise_scim(
    request: &Request,
    account_name: &str,
    policy: &Policy,
    facts: &Facts<'_>,
    now: u64,
) -> Result<Authorised, Stop> {
    let account = policy.account(account_name);
    let credential = credential(&request.headers, &account.token_headers, &account.provider)?;
    let asked = Asked {
        token: credential.token,
        account: Some(account_name),
        policy,
        facts,
        now,
    };
    let token = asked.known()?;
    belongs(&token, account_name)?;
    let only = policy.scim_account.as_deref();
    if only.is_some_and(|only| only != account_name) {
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
    Ok(Authorised::new(&credential, &token, actor))
}

/// Judges the credential of a management call, where the policy asks for one.
pub(crate) fn authorise_management(
    request: &Request,
    account_name: Option<&str>,
    policy: &Policy,
    facts: &Facts<'_>,
    now: u64,
) -> Result<Authorised, Stop> {
    let account = settings(policy, account_name);
    let credential = credential(&request.headers, &account.token_headers, &account.provider)?;
    let asked = Asked {
        token: credential.token,
        account: account_name,
        policy,
        facts,
        now,
    };
    let token = asked.known()?;
    belongs(&token, account_name.unwrap_or(&token.account))?;
    Ok(Authorised::new(&credential, &token, Actor::Operator))
}

fn settings<'p>(policy: &'p Policy, account_name: Option<&str>) -> &'p Account {
    account_name.map_or(policy.default_account(), |name| policy.account(name))
}

/// A token that somebody has to say something about.
struct Asked<'a> {
    token: &'a str,
    /// The account in whose name it is used; `None` for a management request that names none.
    account: Option<&'a str>,
    policy: &'a Policy,
    facts: &'a Facts<'a>,
    now: u64,
}

// === impl Authorised ===

impl Authorised {
    fn new(credential: &Credential<'_>, token: &Token, actor: Actor) -> Self {
        let (name, value) = credential.header;
        Self {
            actor,
            token_id: token.id.clone().unwrap_or_default(),
            header: (name.to_ascii_lowercase(), value.to_vec()),
        }
    }
}

// === impl Asked ===

impl<'a> Asked<'a> {
    /// The token and its principal, if it is good now.
    fn known(&self) -> Result<Cow<'a, Token>, Stop> {
        let issuers = &settings(self.policy, self.account).issuers;
        let token = match jwt::read(self.token).map_err(|_| malformed())? {
            Form::Jwt(token) => {
                let issuer = issuers.iter().find(|issuer| {
                    let may_sign = |algorithm| issuer.algorithms.iter().any(|a| a == algorithm);
                    token.issuer() == Some(&issuer.issuer)
                        && token.is_plain()
                        && (issuer.kind == IssuerKind::Introspection
                            || token.algorithm().is_some_and(may_sign))
                });
                let issued = issuer.map(|issuer| self.issued_by(issuer)).transpose()?;
                Cow::Owned(issued.flatten().ok_or_else(unknown)?)
            }
            Form::Opaque => match self.own()? {
                Some(token) => Cow::Borrowed(token),
                None => Cow::Owned(self.introspected(issuers)?),
            },
        };
        if !token.principal.as_ref().is_some_and(|owner| owner.active) {
            return Err(rules::INACTIVE_PRINCIPAL
                .because(
                    "The user or service account that the token belongs to is disabled or gone.",
                )
                .into());
        }
        Ok(token)
    }

    /// A token of the guard's own store.
    fn own(&self) -> Result<Option<&'a Token>, Stop> {
        let key = Key::Token(sha256_hex(self.token.as_bytes()));
        let Some(token) = self.facts.token(&key)? else {
            return Ok(None);
        };
        if let Some(expires) = token.expires
            && expires <= self.now
        {
            return Err(expired(expires, self.now).into());
        }
        if token.revoked {
            return Err(rules::REVOKED
                .because(
                    "The token was revoked. Create a new one and enter it in the identity provider.",
                )
                .into());
        }
        Ok(Some(token))
    }

    /// A token that one of these issuers knows; they are asked one after the other, so that none sees
    /// more of the others' tokens than it has to.
    fn introspected(&self, issuers: &[Issuer]) -> Result<Token, Stop> {
        for issuer in issuers {
            if issuer.kind == IssuerKind::Introspection
                && let Some(token) = self.issued_by(issuer)?
            {
                return Ok(token);
            }
        }
        Err(unknown().into())
    }

    /// The token, if this issuer vouches for it.
    fn issued_by(&self, issuer: &Issuer) -> Result<Option<Token>, Stop> {
        let key = Key::Verified(VerifiedKey {
            account: self.account.unwrap_or_default().to_owned(),
            issuer: issuer.issuer.clone(),
            token: TokenText::new(self.token),
        });
        let Some(claims) = self.facts.claims(&key)? else {
            return Ok(None);
        };
        let stated = claims::stated(&claims, issuer, self.token, self.now).ok_or_else(unknown)?;
        if self.account.is_some_and(|name| name != stated.account()) {
            return Err(wrong_account().into());
        }
        if !self.vouches(issuer, &stated) {
            return Err(unknown().into());
        }
        stated.into_token(issuer, self.facts, self.now).map(Some)
    }

    /// Whether the issuer is one of the account that its token is for.
    fn vouches(&self, issuer: &Issuer, stated: &Stated) -> bool {
        let account = self.policy.account(stated.account());
        account.issuers.contains(issuer)
    }
}

/// One answer for all that is not known, so that nobody learns by trying.
fn unknown() -> Refusal {
    rules::UNKNOWN
        .because("The token is not known. Create one and enter it in the identity provider.")
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
