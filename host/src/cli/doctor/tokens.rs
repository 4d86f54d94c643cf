//! Checks the recorded tokens and principals.

use std::collections::BTreeSet;

use anyhow::Context as _;
use scimguard_core::Guard;

use super::findings::Findings;
use super::issuers;
use crate::cli::times;
use crate::tokens::all_permissions;
use scimguard_store::{PrincipalRow, Store, TokenRow};

const TOKENS: &str = "tokens";
const PRINCIPALS: &str = "principals";

/// How many tokens are named at most.
const NAMED: usize = 20;

/// A token should be replaced this long before it expires, in milliseconds.
const SOON: u64 = 14 * 24 * 60 * 60 * 1000;

pub(super) async fn examine(
    store: &Store,
    policy: &str,
    now: u64,
    findings: &mut Findings,
) -> anyhow::Result<()> {
    let tokens = store.tokens(None).await?;
    let principals = store.principals(None).await?;
    let good: Vec<&TokenRow> = tokens
        .iter()
        .filter(|token| !token.revoked && token.expires.is_none_or(|expires| expires > now))
        .collect();
    match good.len() {
        0 if issuers::any(policy) => findings.note(
            TOKENS,
            "the guard has no good one of its own: all come from issuers",
        ),
        0 => findings.problem(
            TOKENS,
            "there is no good token, so no identity provider can connect",
            first_token(&principals, policy, findings),
        ),
        count => findings.fine(TOKENS, format!("good ones: {count}")),
    }
    owners(&good, policy, findings);
    for token in &tokens {
        ending(token, &good, now, findings);
    }
    rights(&principals, &good, policy, findings)
}

/// The commands that create a token where there is none.
fn first_token(principals: &[PrincipalRow], policy: &str, findings: &Findings) -> String {
    let active = principals.iter().find(|principal| principal.active);
    let account = active.map_or("ACCOUNT", |principal| &principal.account);
    let id = active.map_or("svc-scim", |principal| &principal.id);
    let guard = Guard::configure(policy).ok();
    let provider = guard.map(|guard| guard.provider(account).to_owned());
    let provider = provider.as_deref().unwrap_or("PROVIDER");
    let token = findings.new_token(account, id, Some(provider));
    match active {
        Some(_) => format!("Make one with {token}."),
        None => format!(
            "Make a principal and a token: {}, {token}.",
            findings.new_principal(account, id)
        ),
    }
}

/// Reports who owns the good tokens. If an account only has operators' tokens, its identity
/// provider has none, and what that pushes with one of them has no owner.
fn owners(good: &[&TokenRow], policy: &str, findings: &mut Findings) {
    for token in good.iter().take(NAMED) {
        let which = format!("{} of account {}", token.id, token.account);
        let whose = match &token.provider {
            Some(provider) => format!("{which} is {provider}'s"),
            None => format!("{which} is an operator's: what is created with it has no owner"),
        };
        findings.note(TOKENS, whose);
    }
    let Ok(guard) = Guard::configure(policy) else {
        return;
    };
    let accounts: BTreeSet<&str> = good.iter().map(|token| token.account.as_str()).collect();
    for account in accounts {
        let own = guard.provider(account);
        let is_own =
            |token: &&&TokenRow| token.account == account && token.provider.as_deref() == Some(own);
        if good.iter().any(|token| is_own(&token)) || issuers::any(policy) {
            continue;
        }
        findings.problem(
            TOKENS,
            format!(
                "account {account} has no token of {own}, its provider: what an identity provider creates with \
                 the others has no owner, and everybody may change it"
            ),
            format!(
                "{}, and enter the token in {own}; or correct `provider` in the policy.",
                findings.new_token(account, principal_of(good, account), Some(own))
            ),
        );
    }
}

/// A principal of the account that already has a token.
fn principal_of<'a>(good: &[&'a TokenRow], account: &str) -> &'a str {
    let token = good.iter().find(|token| token.account == account);
    token.map_or("svc-scim", |token| &token.principal)
}

/// Reports a token that expires soon, or that expired as the only one of its kind.
fn ending(token: &TokenRow, good: &[&TokenRow], now: u64, findings: &mut Findings) {
    let Some(expires) = token.expires.filter(|at| *at <= now.saturating_add(SOON)) else {
        return;
    };
    if token.revoked {
        return;
    }
    let replaced = good.iter().any(|other| {
        let same = other.account == token.account
            && other.principal == token.principal
            && other.provider == token.provider;
        same && other.expires.is_none_or(|at| at > now.saturating_add(SOON))
    });
    let when = times::relative(expires, now);
    let which = format!("{} of account {}", token.id, token.account);
    if token.provider.is_none() {
        if expires > now {
            findings.note(TOKENS, format!("{which}, an operator's, expires {when}"));
        }
    } else if replaced {
        if expires > now {
            findings.note(
                TOKENS,
                format!("{which} expires {when}, and has a successor"),
            );
        }
    } else if expires > now {
        findings.problem(
            TOKENS,
            format!("{which} expires {when}"),
            format!(
                "{}, and enter the new one in the identity provider.",
                findings.command(
                    "token rotate",
                    &format!(
                        "--account {} --id {} --expires 90d",
                        token.account, token.id
                    )
                )
            ),
        );
    } else {
        findings.problem(
            TOKENS,
            format!("{which} expired {when}, and nothing replaces it"),
            format!(
                "{}, or {} if it is not needed.",
                findings.new_token(&token.account, &token.principal, token.provider.as_deref()),
                findings.command(
                    "token revoke",
                    &format!("--account {} --id {}", token.account, token.id)
                )
            ),
        );
    }
}

/// Reports principals whose tokens are refused for their missing rights.
fn rights(
    principals: &[PrincipalRow],
    good: &[&TokenRow],
    policy: &str,
    findings: &mut Findings,
) -> anyhow::Result<()> {
    // Without a provider a token may be for management routes alone, which need no permission.
    let used: BTreeSet<(&str, &str)> = good
        .iter()
        .filter(|token| token.provider.is_some())
        .map(|token| (token.account.as_str(), token.principal.as_str()))
        .collect();
    let mut complete = true;
    for (account, id) in used {
        let found = principals
            .iter()
            .find(|principal| principal.account == account && principal.id == id);
        let which = format!("{id} of account {account}");
        let (detail, advice) = match found {
            None => (
                format!("{which} no longer exists, but has tokens"),
                findings.new_principal(account, id),
            ),
            Some(principal) if !principal.active => (
                format!("{which} is disabled, so its tokens are refused"),
                findings.command(
                    "principal enable",
                    &format!("--account {account} --id {id}"),
                ),
            ),
            Some(principal) => {
                let lacking: Vec<String> = needed_permissions(policy, account)?
                    .into_iter()
                    .filter(|permission| !principal.permissions.contains(permission))
                    .collect();
                if lacking.is_empty() {
                    continue;
                }
                (
                    format!("{which} lacks {}", lacking.join(", ")),
                    findings.command(
                        "principal permissions",
                        &format!("--account {account} --id {id} --set all"),
                    ),
                )
            }
        };
        complete = false;
        findings.problem(PRINCIPALS, detail, advice);
    }
    if complete && !good.is_empty() {
        findings.fine(
            PRINCIPALS,
            "those with a provider's token have the permissions that SCIM needs",
        );
    }
    Ok(())
}

/// The permissions that SCIM routes of an account need: its own in the policy, else the general ones.
pub(super) fn needed_permissions(policy: &str, account: &str) -> anyhow::Result<Vec<String>> {
    let document: serde_json::Value = match policy.trim() {
        "" => serde_json::Value::Null,
        text => serde_json::from_str(text).context("the policy document is not JSON")?,
    };
    let own = &document["accounts"][account]["tokens"]["permissions"];
    let general = &document["tokens"]["permissions"];
    let listed = [own, general]
        .into_iter()
        .find_map(serde_json::Value::as_array);
    match listed {
        Some(names) => Ok(names
            .iter()
            .filter_map(|name| name.as_str().map(str::to_owned))
            .collect()),
        None => all_permissions("", account),
    }
}
