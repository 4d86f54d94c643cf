//! Authenticates the client: one credential, known by its hash or confirmed by its issuer, with its
//! principal's current rights.

mod claims;
mod credential;
mod expiry;

use crate::facts::{Key, Token, TokenText, VerifiedKey};

use crate::hash::sha256_hex;
use crate::inputs::Inputs;
use crate::jwt::{self, Form};
use crate::message::Request;
use crate::policy::{Account, Issuer, IssuerKind, Policy};
use crate::rules::{Refusal, Stage, token as rules};
use claims::{Stated, expired};
use credential::{Credential, credential, malformed};

/// The actor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Actor {
    /// The account's identity provider, by its own token on a SCIM route.
    Provisioner(String),
    /// Anyone else.
    Operator,
}

/// A verified credential.
#[derive(Clone, Debug)]
pub(crate) struct Authorised {
    pub(crate) actor: Actor,
    /// For logs.
    pub(crate) token_id: String,
    /// The one header that carried the credential.
    pub(crate) header: (String, Vec<u8>),
}

/// The number of rounds that the token stage may need after the first one.
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
pub(crate) async fn authorise_scim(
    request: &Request,
    account_name: &str,
    policy: &Policy,
    inputs: &mut Inputs,
) -> Result<Authorised, Refusal> {
    inputs.facts.budget().enter(Stage::Token);
    let account = policy.account(account_name);
    let credential = credential(&request.headers, &account.token_headers, &account.provider)?;
    let mut lookup = TokenLookup {
        token: credential.token,
        account: Some(account_name),
        policy,
        inputs,
    };
    let token = lookup.known().await?;
    belongs(&token, account_name)?;
    if policy.is_other_account(account_name) {
        return Err(wrong_account());
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
            )));
    }
    let actor = match &token.provider {
        Some(provider) if *provider == account.provider => Actor::Provisioner(provider.clone()),
        _ => Actor::Operator,
    };
    Ok(Authorised::new(&credential, &token, actor))
}

/// Judges the credential of a management call, where the policy asks for one.
pub(crate) async fn authorise_management(
    request: &Request,
    account_name: Option<&str>,
    policy: &Policy,
    inputs: &mut Inputs,
) -> Result<Authorised, Refusal> {
    inputs.facts.budget().enter(Stage::Token);
    let account = settings(policy, account_name);
    let credential = credential(&request.headers, &account.token_headers, &account.provider)?;
    let mut lookup = TokenLookup {
        token: credential.token,
        account: account_name,
        policy,
        inputs,
    };
    let token = lookup.known().await?;
    belongs(&token, account_name.unwrap_or(&token.account))?;
    Ok(Authorised::new(&credential, &token, Actor::Operator))
}

fn settings<'p>(policy: &'p Policy, account_name: Option<&str>) -> &'p Account {
    account_name.map_or(policy.default_account(), |name| policy.account(name))
}

/// Looks up a token in the record or at its issuer.
struct TokenLookup<'a> {
    token: &'a str,
    /// The account of the request; `None` for a management request that names none.
    account: Option<&'a str>,
    policy: &'a Policy,
    inputs: &'a mut Inputs,
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

// === impl TokenLookup ===

impl TokenLookup<'_> {
    /// Returns the token and its principal, if it is currently valid.
    async fn known(&mut self) -> Result<Token, Refusal> {
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
                let issuer = issuer.ok_or_else(unknown)?;
                self.issued_by(issuer).await?.ok_or_else(unknown)?
            }
            Form::Opaque => match self.own().await? {
                Some(token) => token,
                None => self.introspected(issuers).await?,
            },
        };
        if !token.principal.as_ref().is_some_and(|owner| owner.active) {
            return Err(rules::INACTIVE_PRINCIPAL.because(
                "The user or service account that the token belongs to is disabled or gone.",
            ));
        }
        Ok(token)
    }

    /// Finds a token in the guard's own store.
    async fn own(&mut self) -> Result<Option<Token>, Refusal> {
        let key = Key::Token(sha256_hex(self.token.as_bytes()));
        let token = self.inputs.until(|facts| Ok(facts.token(&key)?.cloned()));
        let Some(token) = token.await? else {
            return Ok(None);
        };
        let now = self.inputs.facts.now();
        if let Some(expires) = token.expires
            && expires <= now
        {
            return Err(expired(expires, now));
        }
        if token.revoked {
            return Err(rules::REVOKED.because(
                "The token was revoked. Create a new one and enter it in the identity provider.",
            ));
        }
        Ok(Some(token))
    }

    /// Finds a token that one of these issuers knows. They are asked in sequence, so that none sees
    /// more of the others' tokens than necessary.
    async fn introspected(&mut self, issuers: &[Issuer]) -> Result<Token, Refusal> {
        for issuer in issuers {
            if issuer.kind == IssuerKind::Introspection
                && let Some(token) = self.issued_by(issuer).await?
            {
                return Ok(token);
            }
        }
        Err(unknown())
    }

    /// Returns the token if this issuer confirms it.
    async fn issued_by(&mut self, issuer: &Issuer) -> Result<Option<Token>, Refusal> {
        let key = Key::Verified(VerifiedKey {
            account: self.account.unwrap_or_default().to_owned(),
            issuer: issuer.issuer.clone(),
            token: TokenText::new(self.token),
        });
        let Some(claims) = self.inputs.until(|facts| facts.claims(&key)).await? else {
            return Ok(None);
        };
        let now = self.inputs.facts.now();
        let stated = claims::stated(&claims, issuer, self.token, now).ok_or_else(unknown)?;
        if self.account.is_some_and(|name| name != stated.account()) {
            return Err(wrong_account());
        }
        if !self.vouches(issuer, &stated) {
            return Err(unknown());
        }
        stated.into_token(issuer, self.inputs).await.map(Some)
    }

    /// Whether the token's account accepts this issuer.
    fn vouches(&self, issuer: &Issuer, stated: &Stated) -> bool {
        let account = self.policy.account(stated.account());
        account.issuers.contains(issuer)
    }
}

/// One refusal for every unknown token, so that guessing reveals nothing.
fn unknown() -> Refusal {
    rules::UNKNOWN
        .because("The token is not known. Create one and enter it in the identity provider.")
}

/// Requires that the token, its principal and the path have the same account.
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
