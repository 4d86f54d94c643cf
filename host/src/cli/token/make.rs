//! `scimguard token create` and `rotate`.

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::ArgGroup;

use super::shown;
use crate::cli::config_file::ConfigFile;
use crate::cli::store_args::{self, Named};
use crate::cli::{provider, times};
use crate::config::Config;
use crate::text::printable;
use crate::tokens::{
    self,
    permissions::{Lookup, Permissions},
};
use scimguard_store::now;
use scimguard_store::{self as store, NewToken, PrincipalKind, Store};

#[derive(clap::Args)]
#[command(group(ArgGroup::new("whose").args(["provider", "operator"]).required(true)))]
pub(super) struct Create {
    #[command(flatten)]
    config: ConfigFile,
    /// The account of the token
    #[arg(long)]
    account: String,
    /// The user or service account whose rights the token has
    #[arg(long)]
    principal: String,
    /// The identity provider that uses it, as named in the policy: it owns what is created with the token
    #[arg(long, value_name = "NAME")]
    provider: Option<String>,
    /// For a script or an administrator: what is created with it has no owner, and it cannot change
    /// what a provider owns
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
    /// As JSON, for programs: the token with its id and expiry
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
pub(super) struct Rotate {
    #[command(flatten)]
    old: Named,
    /// How long the old one stays valid, such as `24h` or `0s`; never longer than before
    #[arg(long, value_name = "PERIOD", default_value = "24h")]
    overlap: String,
    /// When the new one expires: `90d`, `12h`, a time such as 2027-01-01T00:00:00Z, or `never`
    #[arg(long)]
    expires: String,
    /// The new one's name in lists and logs [default: a random one]
    #[arg(long)]
    new_id: Option<String>,
    #[command(flatten)]
    author: Author,
    /// As JSON, for programs: the token with its id and expiry
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
struct Author {
    /// Who creates it, for lists [default: the name of the user on this system]
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
    let (token, text, own) = store_args::with_store(&args.config, async |store, config| {
        let own = match &args.provider {
            Some(provider) => provider::check(config, "--provider", &args.account, provider)?,
            None => None,
        };
        let prefix = prefix(store, config, &args.account, &args.principal).await?;
        let minted = tokens::mint(prefix, &args.account, &id)?;
        let token = NewToken {
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
        };
        store.create_token(&token).await?;
        Ok((token, minted.text, own))
    })?;
    shown::about(&token, own.as_deref());
    shown::text(&token, &text, args.json)
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
    let (token, text, own) = store_args::with_store(&config, async |store, config| {
        let replaced = store.token(&account, &old).await?;
        let prefix = prefix(store, config, &account, &replaced.principal).await?;
        let minted = tokens::mint(prefix, &account, &id)?;
        let token = NewToken {
            sha256: minted.sha256,
            prefix,
            account: account.clone(),
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
        Ok((token, minted.text, provider::of(config, &account)))
    })?;
    shown::about(&token, own.as_deref());
    shown::replaced(&old, overlap, &args.overlap);
    shown::text(&token, &text, args.json)
}

/// The prefix of a principal's tokens. Principals that the store does not have are programs:
/// people's tokens are created where their accounts are.
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
                Lookup::Found(_) => Ok(PrincipalKind::ServiceAccount.token_prefix()),
                Lookup::Missing => bail!(
                    "account {account} has no principal {principal}, neither in the store nor in \
                     `permissions` of the configuration"
                ),
                Lookup::Unavailable => bail!(
                    "the store has no principal {principal} of account {account}, and \
                     `permissions` of the configuration does not answer now"
                ),
            }
        }
        (Err(error), _) => Err(error.into()),
    }
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
