//! `scimguard token create` and `rotate`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::ArgGroup;
use scimguard_core::Guard;
use secrecy::{ExposeSecret, SecretString};

use crate::cli::store_args::{self, Named};
use crate::cli::times;
use crate::clock::now;
use crate::config::Config;
use crate::engine::LoadError;
use crate::store::{self, NewToken, PrincipalKind, Store};
use crate::text::printable;
use crate::tokens::{
    self,
    permissions::{Permissions, Told},
};

#[derive(clap::Args)]
#[command(group(ArgGroup::new("whose").args(["provider", "operator"]).required(true)))]
pub(super) struct Create {
    /// The configuration file of `serve`
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The account that the token is for
    #[arg(long)]
    account: String,
    /// The user or service account whose rights it has
    #[arg(long)]
    principal: String,
    /// The identity provider that it is given to, as the policy names it: what is made with it is the
    /// provider's
    #[arg(long, value_name = "NAME")]
    provider: Option<String>,
    /// For a script or an administrator: what is made with it is nobody's, and what a provider owns it
    /// cannot change
    #[arg(long)]
    operator: bool,
    /// `90d`, `12h`, a time such as 2027-01-01T00:00:00Z, or `never`
    #[arg(long)]
    expires: String,
    /// Its name in lists and logs [default: a random one]
    #[arg(long)]
    id: Option<String>,
    #[command(flatten)]
    author: Author,
}

#[derive(clap::Args)]
pub(super) struct Rotate {
    #[command(flatten)]
    old: Named,
    /// How long the old one still goes on, such as `24h` or `0s`; never longer than it did anyway
    #[arg(long, value_name = "PERIOD", default_value = "24h")]
    overlap: String,
    /// When the new one ends: `90d`, `12h`, a time such as 2027-01-01T00:00:00Z, or `never`
    #[arg(long)]
    expires: String,
    /// The new one's name in lists and logs [default: a random one]
    #[arg(long)]
    new_id: Option<String>,
    #[command(flatten)]
    author: Author,
}

#[derive(clap::Args)]
struct Author {
    /// Who makes it, for lists [default: the name of the user at this system]
    #[arg(long, value_name = "NAME")]
    created_by: Option<String>,
}

impl Author {
    fn name(self) -> Option<String> {
        let name = self.created_by.or_else(|| whoami::username().ok());
        name.map(|name| printable(&name))
            .filter(|name| !name.is_empty())
    }
}

pub(super) fn create(args: Create) -> anyhow::Result<ExitCode> {
    tokens::check_name("--account", &args.account)?;
    let now = now();
    let expires = expiry(&args.expires, now)?;
    let id = name(args.id)?;
    let text = store_args::with_store(&args.config, async |store, config| {
        if let Some(provider) = &args.provider {
            known(config, &args.account, provider)?;
        }
        let prefix = prefix(store, config, &args.account, &args.principal).await?;
        let minted = tokens::mint(prefix, &args.account, &id)?;
        store
            .create_token(&NewToken {
                sha256: minted.sha256,
                prefix,
                account: args.account,
                id,
                principal: args.principal,
                provider: args.provider,
                expires,
                created: now,
                created_by: args.author.name(),
                rotated_from: None,
            })
            .await?;
        Ok(minted.text)
    })?;
    Ok(print(&text))
}

pub(super) fn rotate(args: Rotate) -> anyhow::Result<ExitCode> {
    let now = now();
    let expires = expiry(&args.expires, now)?;
    let overlap = times::period(&args.overlap)
        .with_context(|| format!("--overlap {:?} is not a period such as `24h`", args.overlap))?;
    let id = name(args.new_id)?;
    let Named {
        config,
        account,
        id: old,
    } = args.old;
    let text = store_args::with_store(&config, async |store, config| {
        let replaced = store.token(&account, &old).await?;
        let prefix = prefix(store, config, &account, &replaced.principal).await?;
        let minted = tokens::mint(prefix, &account, &id)?;
        let token = NewToken {
            sha256: minted.sha256,
            prefix,
            account,
            id,
            principal: replaced.principal,
            provider: replaced.provider,
            expires,
            created: now,
            created_by: args.author.name(),
            rotated_from: Some(old.clone()),
        };
        let until = now.saturating_add(overlap);
        store.rotate_token(&token, &old, until).await?;
        Ok(minted.text)
    })?;
    Ok(print(&text))
}

/// A provider that no account of the policy names owns nothing: its tokens would be operators'.
fn known(config: &Config, account: &str, provider: &str) -> anyhow::Result<()> {
    let policy = match Guard::configure(&config.policy_text()?) {
        Ok(policy) => policy,
        // Only a policy of another project knows its own document.
        Err(_) if config.component.is_some() => return Ok(()),
        Err(faults) => bail!("{}", LoadError::Policy(faults)),
    };
    let providers = policy.providers();
    if !providers.contains(provider) {
        let all: Vec<&str> = providers.into_iter().collect();
        bail!(
            "--provider {provider:?}: the policy knows {}; give one of them, or say in the policy that \
             {provider:?} is the `provider` of account {account}",
            all.join(", ")
        );
    }
    let own = policy.provider(account);
    if own != provider {
        anstream::eprintln!(
            "note: the policy says that {own} is the provider of account {account}; until that is changed, \
             what is made with this token is nobody's"
        );
    }
    Ok(())
}

/// How a principal's tokens begin. Whoever is only known outside of the store is a program: people's
/// tokens are made where their accounts are.
async fn prefix(
    store: &Store,
    config: &Config,
    account: &str,
    principal: &str,
) -> anyhow::Result<&'static str> {
    match (
        store.principal(account, principal).await,
        &config.permissions,
    ) {
        (Ok(principal), _) => Ok(principal.kind.token_prefix()),
        (Err(store::Error::NoPrincipal { .. }), Some(elsewhere)) => {
            match Permissions::new(elsewhere)?.of(account, principal).await {
                Told::Rights(_) => Ok(PrincipalKind::ServiceAccount.token_prefix()),
                Told::Nobody => bail!(
                    "account {account} has no principal {principal}, neither in the store nor where \
                     `permissions` of the configuration says"
                ),
                Told::Unavailable => bail!(
                    "the store has no principal {principal} of account {account}, and what \
                     `permissions` of the configuration names does not tell now"
                ),
            }
        }
        (Err(error), _) => Err(error.into()),
    }
}

/// The one time that the text of a token is seen.
fn print(text: &SecretString) -> ExitCode {
    anstream::println!("{}", text.expose_secret());
    ExitCode::SUCCESS
}

fn name(given: Option<String>) -> anyhow::Result<String> {
    let id = match given {
        Some(id) => id,
        None => tokens::random_id()?,
    };
    tokens::check_name("the token's id", &id)?;
    Ok(id)
}

/// `--expires` in milliseconds since 1970.
fn expiry(text: &str, now: u64) -> anyhow::Result<Option<u64>> {
    if text == "never" {
        return Ok(None);
    }
    let at = times::time(text)
        .or_else(|| Some(now.saturating_add(times::period(text)?)))
        .with_context(|| {
            format!(
                "--expires {text:?} is not a period (`90d`), a time (2027-01-01T00:00:00Z) or `never`"
            )
        })?;
    if at <= now {
        bail!("--expires {text:?} is in the past");
    }
    Ok(Some(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_times_and_never() {
        let day = 86_400_000;
        assert_eq!(expiry("90d", 1000).unwrap(), Some(1000 + 90 * day));
        assert_eq!(expiry("12h", 0).unwrap(), Some(day / 2));
        assert_eq!(expiry("1970-01-02T00:00:00Z", 5).unwrap(), Some(day));
        assert_eq!(expiry("never", 5).unwrap(), None);
        for wrong in ["soon", "", "-3d", "0s", "1969-01-01T00:00:00Z"] {
            assert!(expiry(wrong, 5).is_err(), "{wrong}");
        }
    }
}
