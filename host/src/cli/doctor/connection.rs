//! Tries a token at a running guard: what Okta's Test Connection would show, and what to do about it.

use std::io::Read as _;
use std::time::Duration;

use anyhow::{Context as _, bail};
use scimguard_core::facts::{Answer, Key, Token};
use scimguard_core::{Guard, sha256_hex};
use secrecy::{ExposeSecret, SecretString};

use super::Args;
use super::advice::advice;
use super::asking::{WRONG_PLACE, answered};
use super::findings::Findings;
use super::target::Target;
use super::tokens::needed_permissions;
use crate::causes::with_causes;
use crate::cli::times;
use crate::config::{Config, Credential, policy_file};
use crate::proxy::{Probe, Reply};
use scimguard_store::Store;
use scimguard_store::now;

const GUARD: &str = "guard";
const TOKEN: &str = "token";
const APPLICATION: &str = "application";

const TIME_LIMIT: Duration = Duration::from_secs(30);

/// Queries the guard as an identity provider does.
pub(super) async fn examine(args: Args, findings: &mut Findings) -> anyhow::Result<()> {
    let config = args.config.as_deref().map(Config::read).transpose()?;
    let policy = match (&args.policy, &config) {
        (Some(file), _) => policy_file(file)?,
        (None, Some(config)) => config.policy_text()?,
        (None, None) => String::new(),
    };
    let mut target = Target::new(&args, &policy)?;
    let token = token(&args)?;
    let credential = Credential::bearer(&token)?;
    if let Some(config) = &config {
        target.principal =
            recorded(config, &policy, &token, target.account.as_deref(), findings).await?;
    }

    let guard = Probe::new(target.server.clone(), TIME_LIMIT)?;
    let points = format!("{}/ServiceProviderConfig", target.base);
    let anonymous = match guard.get(&points, None).await {
        Ok(reply) => reply,
        Err(error) => {
            let detail = format!("{} does not answer: {}", guard.url(""), with_causes(&error));
            let advice = "Check the address and port, and whether `scimguard serve` runs and logs \"ready\".";
            findings.problem(GUARD, detail, advice);
            return Ok(());
        }
    };
    if anonymous.rule.is_none() {
        let detail = format!(
            "{} without a token, not as a guard does",
            answered(&guard.url(&points), &anonymous)
        );
        let advice = "Something else is at this address, or the path is not the guard's SCIM base (--policy).";
        findings.problem(GUARD, detail, advice);
        return Ok(());
    }
    findings.fine(GUARD, format!("a guard answers at {}", guard.url("")));

    let users = format!("{}/Users?startIndex=1&count=1", target.base);
    for (path, asked) in [
        (points, Requested::Configuration),
        (users, Requested::Users),
    ] {
        let url = guard.url(&path);
        match guard.get(&path, Some(&credential)).await {
            Ok(reply) => {
                if !judge(&url, asked, reply, &target, findings) {
                    return Ok(());
                }
            }
            Err(error) => {
                let detail = format!("GET {url}: no answer: {}", with_causes(&error));
                findings.problem(GUARD, detail, "Repeat it; the guard's log says more.");
                return Ok(());
            }
        }
    }
    Ok(())
}

/// What is requested.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Requested {
    /// Some applications do without it.
    Configuration,
    /// Identity providers test a connection with it.
    Users,
}

/// Reports an answer, and returns whether to continue.
fn judge(
    url: &str,
    asked: Requested,
    reply: Reply,
    target: &Target,
    findings: &mut Findings,
) -> bool {
    if let Some(rule) = &reply.rule {
        let detail = reply.detail.clone().unwrap_or_default();
        let advice = advice(rule, &reply, target, findings);
        let about = if rule.starts_with("token.") || rule == "rate.limited" {
            TOKEN
        } else if rule.starts_with("upstream.") {
            APPLICATION
        } else {
            GUARD
        };
        // The detail is the guard's own, so the description of the answer omits it.
        let asked = format!("GET {url} answered {}", reply.status);
        findings.refused(about, rule, format!("{detail} ({asked})"), advice);
        return false;
    }
    let answered = answered(url, &reply);
    if reply.status.is_success() && (reply.is_list || asked == Requested::Configuration) {
        findings.fine(TOKEN, answered);
        return true;
    }
    let detail = format!("the token is good; {answered}");
    match (reply.status.as_u16(), asked) {
        (404 | 501, Requested::Configuration) => findings.note(
            APPLICATION,
            format!("{detail}: identity providers can do without it"),
        ),
        (404, Requested::Users) => findings.problem(
            APPLICATION,
            format!("{detail}: the application has no SCIM at this path"),
            WRONG_PLACE,
        ),
        (200..=399 | 501, _) => findings.problem(
            APPLICATION,
            format!("{detail}: expected a SCIM list"),
            WRONG_PLACE,
        ),
        (401 | 403, _) => findings.problem(
            APPLICATION,
            detail,
            "The application does not accept the credential that the guard sends: give the guard its own \
             (`backend_credential`), or use one that both know.",
        ),
        _ => findings.problem(APPLICATION, detail, "Look at the application's log."),
    }
    true
}

/// The recorded token, which the guard reveals to nobody, and its owner.
async fn recorded(
    config: &Config,
    policy: &str,
    token: &SecretString,
    account: Option<&str>,
    findings: &mut Findings,
) -> anyhow::Result<Option<String>> {
    // Opening would create the store.
    if !config.store.exists() {
        let detail = format!("the store {} does not exist yet", config.store.display());
        findings.note(TOKEN, detail);
        return Ok(None);
    }
    let store = Store::open(&config.store)
        .await
        .with_context(|| format!("in the store {}", config.store.display()))?;
    let key = Key::Token(sha256_hex(token.expose_secret().as_bytes()));
    let answers = store.answer(&[key]).await;
    store.close().await;
    match answers?.pop() {
        Some(Answer::Token(token)) => {
            let account = account.unwrap_or(&token.account);
            let needed = needed_permissions(policy, account)?;
            for what in explain(&token, account, &needed, now()) {
                findings.note(TOKEN, what);
            }
            whose(&token, account, policy, findings);
            Ok(token.principal.map(|principal| principal.id))
        }
        _ => {
            findings.note(TOKEN, "this store has no such token");
            Ok(None)
        }
    }
}

/// Whether what is created with a token belongs to the account's identity provider.
fn whose(token: &Token, account: &str, policy: &str, findings: &mut Findings) {
    let Ok(guard) = Guard::configure(policy) else {
        return;
    };
    let own = guard.provider(account);
    let detail = match token.provider.as_deref() {
        Some(provider) if provider == own => {
            findings.fine(TOKEN, format!("it is {own}'s, the provider of account {account}"));
            return;
        }
        Some(provider) => format!(
            "it is {provider}'s, and the provider of account {account} is {own}: what is created with it \
             has no owner, and everybody may change it"
        ),
        None => "it is an operator's, of no identity provider: what is created with it has no owner, and everybody \
                 may change it"
            .to_owned(),
    };
    let principal = token.principal.as_ref();
    let principal = principal.map_or("PRINCIPAL", |principal| &principal.id);
    let create = findings.new_token(account, principal, Some(own));
    let advice = format!(
        "For an identity provider make one with {create}, or correct `provider` in the policy."
    );
    findings.problem(TOKEN, detail, advice);
}

/// Everything that is wrong with a token.
fn explain(token: &Token, account: &str, needed: &[String], now: u64) -> Vec<String> {
    let id = token.id.as_deref().unwrap_or("without an id");
    let mut said = vec![format!("it is the token {id} of account {}", token.account)];
    if token.account != account {
        said.push(format!("it is not for account {account}"));
    }
    if token.revoked {
        said.push("it was revoked".to_owned());
    }
    match token.expires {
        Some(at) if at <= now => said.push(format!("it expired {}", times::relative(at, now))),
        Some(at) => said.push(format!("it expires {}", times::relative(at, now))),
        None => {}
    }
    match &token.principal {
        None => said.push("its principal does not exist any more".to_owned()),
        Some(principal) => {
            if !principal.active {
                said.push(format!("its principal {} is disabled", principal.id));
            }
            let lacking: Vec<&str> = needed
                .iter()
                .filter(|permission| !principal.permissions.contains(permission))
                .map(String::as_str)
                .collect();
            if !lacking.is_empty() {
                let lacking = lacking.join(", ");
                said.push(format!("its principal {} lacks {lacking}", principal.id));
            }
        }
    }
    said
}

fn token(args: &Args) -> anyhow::Result<SecretString> {
    let text: SecretString = match (&args.token, &args.token_file) {
        (Some(dash), _) if dash == "-" => {
            let mut text = String::new();
            std::io::stdin()
                .read_to_string(&mut text)
                .context("cannot read the token from standard input")?;
            text
        }
        (Some(token), _) => token.clone(),
        (None, Some(file)) => {
            std::fs::read_to_string(file).with_context(|| file.display().to_string())?
        }
        (None, None) => bail!("give a token to try: --token or --token-file"),
    }
    .into();
    Ok(text.expose_secret().trim().to_owned().into())
}

#[cfg(test)]
mod tests {
    use scimguard_core::facts::Principal;

    use super::*;

    #[test]
    fn a_token_is_explained_in_words() {
        let day = 86_400_000;
        let token = Token {
            id: Some("t1".to_owned()),
            account: "ACC2".to_owned(),
            provider: None,
            expires: Some(day),
            revoked: true,
            principal: Some(Principal {
                account: "ACC2".to_owned(),
                id: "svc".to_owned(),
                active: false,
                permissions: vec!["core_user_view".to_owned()],
            }),
        };
        let needed = ["core_user_view", "core_usergroup_manage"].map(str::to_owned);
        assert_eq!(
            explain(&token, "ACC1", &needed, 3 * day),
            [
                "it is the token t1 of account ACC2",
                "it is not for account ACC1",
                "it was revoked",
                "it expired 2 days ago",
                "its principal svc is disabled",
                "its principal svc lacks core_usergroup_manage",
            ]
        );
    }
}
