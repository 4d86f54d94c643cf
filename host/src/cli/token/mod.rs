//! `scimguard token`.

mod list;
mod make;
mod shown;

use std::process::ExitCode;

use clap::Subcommand;

use super::store_args::{self, Named};

/// Create, list, replace and revoke the guard's own API tokens
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Create a token and print it: only this once, since the store keeps only its hash
    #[command(
        after_help = "Examples:\n  scimguard token create --config scimguard.toml --account ACC1 --principal svc-okta --provider okta --expires 90d\n  scimguard token create --config scimguard.toml --account ACC1 --principal svc-script --operator --expires 30d"
    )]
    Create(make::Create),
    /// List the tokens, without their secrets: who created them, when they expire, when and from
    /// where they were last used
    #[command(
        after_help = "Examples:\n  scimguard token list --config scimguard.toml --account ACC1\n  scimguard token list --config scimguard.toml --expiring 14d --json"
    )]
    List(list::ListTokens),
    /// Replace a token, which stays valid for the overlap, and print the new one: only this once
    #[command(
        after_help = "Example:\n  scimguard token rotate --config scimguard.toml --account ACC1 --id b9462b27c624d671 --overlap 24h --expires 90d"
    )]
    Rotate(make::Rotate),
    /// Revoke a token: every guard on this store refuses it from the next request on
    #[command(
        after_help = "Example:\n  scimguard token revoke --config scimguard.toml --account ACC1 --id b9462b27c624d671"
    )]
    Revoke(Named),
}

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.command {
        Command::Create(args) => make::create(args),
        Command::List(args) => list::list(&args),
        Command::Rotate(args) => make::rotate(args),
        Command::Revoke(args) => revoke(args),
    }
}

fn revoke(args: Named) -> anyhow::Result<ExitCode> {
    store_args::with_store(&args.config, async |store, _| {
        Ok(store.revoke_token(&args.account, &args.id).await?)
    })?;
    anstream::eprintln!(
        "The token {} of account {} is revoked.",
        args.id,
        args.account
    );
    Ok(ExitCode::SUCCESS)
}
