//! `scimguard token`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Subcommand;
use jiff::Timestamp;
use secrecy::ExposeSecret;

use super::ledger;
use crate::proxy::now;
use crate::store::NewToken;
use crate::tokens;

/// Make, list and revoke the guard's own API tokens
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make a token and print it: this once, since the store keeps its hash alone
    #[command(
        after_help = "Example:\n  scimguard token create --config scimguard.toml --account ACC1 --principal svc-okta --provider okta --expires 90d"
    )]
    Create(Create),
    /// Show the tokens, without their secrets
    #[command(
        after_help = "Example:\n  scimguard token list --config scimguard.toml --account ACC1"
    )]
    List(ledger::List),
    /// Take a token back: from the next request on it is refused
    #[command(
        after_help = "Example:\n  scimguard token revoke --config scimguard.toml --account ACC1 --id b9462b27c624d671"
    )]
    Revoke(Revoke),
}

#[derive(clap::Args)]
struct Create {
    /// The configuration file of `serve`
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The account that the token is for
    #[arg(long)]
    account: String,
    /// The user or service account whose rights it has
    #[arg(long)]
    principal: String,
    /// The identity provider that it is given to; without one its bearer is an operator
    #[arg(long)]
    provider: Option<String>,
    /// `90d`, `12h`, a time such as 2027-01-01T00:00:00Z, or `never`
    #[arg(long)]
    expires: String,
    /// Its name in lists and logs [default: a random one]
    #[arg(long)]
    id: Option<String>,
}

#[derive(clap::Args)]
struct Revoke {
    /// The configuration file of `serve`
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The account that the token is for
    #[arg(long)]
    account: String,
    /// The token's id, as `token list` shows it
    #[arg(long)]
    id: String,
}

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.command {
        Command::Create(args) => create(args),
        Command::List(args) => list(args),
        Command::Revoke(args) => revoke(args),
    }
}

fn create(args: Create) -> anyhow::Result<ExitCode> {
    tokens::check_name("--account", &args.account)?;
    let now = now();
    let expires = expiry(&args.expires, now)?;
    let id = match args.id {
        Some(id) => id,
        None => tokens::random_id()?,
    };
    tokens::check_name("the token's id", &id)?;
    let text = ledger::with_store(&args.config, async |store, _| {
        let principal = store.principal(&args.account, &args.principal).await?;
        let prefix = principal.kind.token_prefix();
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
            })
            .await?;
        Ok(minted.text)
    })?;
    anstream::println!("{}", text.expose_secret());
    Ok(ExitCode::SUCCESS)
}

fn list(args: ledger::List) -> anyhow::Result<ExitCode> {
    let tokens = ledger::with_store(&args.config, async |store, _| {
        Ok(store.tokens(args.account.as_deref()).await?)
    })?;
    if args.json {
        return ledger::print_json(&tokens);
    }
    let mut rows = vec![
        [
            "ACCOUNT",
            "ID",
            "PRINCIPAL",
            "PROVIDER",
            "EXPIRES",
            "LAST USED",
            "STATE",
        ]
        .map(str::to_owned),
    ];
    let now = now();
    rows.extend(tokens.into_iter().map(|token| {
        let state = match token.expires {
            _ if token.revoked => "revoked",
            Some(expires) if expires <= now => "expired",
            _ => "valid",
        };
        [
            token.account,
            token.id,
            token.principal,
            token.provider.unwrap_or_else(|| "-".to_owned()),
            ledger::time(token.expires),
            ledger::time(token.last_used),
            state.to_owned(),
        ]
    }));
    ledger::print_table(&rows);
    Ok(ExitCode::SUCCESS)
}

fn revoke(args: Revoke) -> anyhow::Result<ExitCode> {
    ledger::with_store(&args.config, async |store, _| {
        Ok(store.revoke_token(&args.account, &args.id).await?)
    })?;
    Ok(ExitCode::SUCCESS)
}

/// `--expires` in milliseconds since 1970.
fn expiry(text: &str, now: u64) -> anyhow::Result<Option<u64>> {
    if text == "never" {
        return Ok(None);
    }
    let at = match text.parse::<Timestamp>() {
        Ok(time) => u64::try_from(time.as_millisecond()).unwrap_or_default(),
        Err(_) => now.saturating_add(period(text).with_context(|| {
            format!("--expires {text:?} is not a period (`90d`), a time (2027-01-01T00:00:00Z) or `never`")
        })?),
    };
    if at <= now {
        bail!("--expires {text:?} is in the past");
    }
    Ok(Some(at))
}

/// A period such as `90d` in milliseconds; a day has 24 hours.
fn period(text: &str) -> Option<u64> {
    let span: jiff::Span = text.parse().ok()?;
    let days_are_24_hours = jiff::SpanRelativeTo::days_are_24_hours();
    let millis = span
        .total((jiff::Unit::Millisecond, days_are_24_hours))
        .ok()?;
    let duration = std::time::Duration::try_from_secs_f64(millis / 1000.0).ok()?;
    u64::try_from(duration.as_millis()).ok()
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
