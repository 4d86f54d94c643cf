//! A new token: its text on standard output, and what to know about it on standard error.

use std::process::ExitCode;

use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;

use crate::cli::{store_args, times};
use scimguard_store::NewToken;

/// A new token for programs.
#[derive(Serialize)]
struct Created<'a> {
    account: &'a str,
    id: &'a str,
    principal: &'a str,
    provider: Option<&'a str>,
    /// Milliseconds since 1970; `null`: never.
    expires: Option<u64>,
    token: &'a str,
}

/// Prints the text of a token, which is never shown again.
pub(super) fn text(token: &NewToken, text: &SecretString, json: bool) -> anyhow::Result<ExitCode> {
    let text = text.expose_secret();
    if json {
        let created = Created {
            account: &token.account,
            id: &token.id,
            principal: &token.principal,
            provider: token.provider.as_deref(),
            expires: token.expires,
            token: text,
        };
        anstream::println!("{}", serde_json::to_string_pretty(&created)?);
    } else {
        anstream::println!("{text}");
    }
    Ok(ExitCode::SUCCESS)
}

/// Says which token it is and whose. `own`: the provider of its account, if the policy can be read.
pub(super) fn about(token: &NewToken, own: Option<&str>) {
    let NewToken { id, account, .. } = token;
    anstream::eprintln!(
        "The token {id} of account {account} {} and is shown only this once. {}",
        ends(token.expires, token.created),
        whose(account, token.provider.as_deref(), own)
    );
}

/// Says how long the replaced token stays valid.
pub(super) fn replaced(id: &str, overlap: u64, given: &str) {
    match overlap {
        0 => anstream::eprintln!("The token {id} is no longer valid."),
        _ => anstream::eprintln!(
            "The token {id} stays valid for {given}, unless it expires before that."
        ),
    }
}

fn ends(expires: Option<u64>, now: u64) -> String {
    match expires {
        None => "never expires".to_owned(),
        Some(at) => format!(
            "expires {} ({} UTC)",
            times::relative(at, now),
            store_args::time(Some(at))
        ),
    }
}

fn whose(account: &str, provider: Option<&str>, own: Option<&str>) -> String {
    match (provider, own) {
        (None, _) => "It is an operator's: what is created with it has no owner.".to_owned(),
        (Some(provider), Some(own)) if provider != own => format!(
            "It is {provider}'s, but the policy says that {own} is the provider of account {account}: \
             until that is changed, what is created with it has no owner."
        ),
        (Some(provider), _) => {
            format!("It is {provider}'s: what is created with it belongs to {provider}.")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_said_whose_a_token_is() {
        for (provider, own, told) in [
            (None, None, "It is an operator's"),
            (Some("okta"), Some("okta"), "belongs to okta"),
            (Some("okta"), None, "belongs to okta"),
            (
                Some("entra"),
                Some("okta"),
                "okta is the provider of account A",
            ),
        ] {
            let said = whose("A", provider, own);
            assert!(said.contains(told), "{said}");
        }
    }

    #[test]
    fn it_is_said_when_a_token_ends() {
        let day = 86_400_000;
        assert_eq!(ends(None, 0), "never expires");
        assert_eq!(
            ends(Some(90 * day), 0),
            "expires in 90 days (1970-04-01 00:00 UTC)"
        );
    }
}
