//! `scimguard doctor`: finds what is wrong, and says what to do.

mod advice;
mod application;
mod asking;
mod certificates;
mod connection;
mod facts;
mod findings;
mod issuers;
mod secrets;
mod setup;
mod target;
mod tokens;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use self::findings::Findings;
use super::config_file;

const EXAMPLE: &str = "\
Examples:
  scimguard doctor --config scimguard.toml
  scimguard doctor --token-file okta.token --url https://guard.example.com --account ACC1
  scimguard doctor --token - --url https://guard.example.com/gateway/ng/api/scim/account/ACC1 < okta.token

Exit status: 0 nothing is wrong, 1 something is, 2 wrong usage.";

/// Find what is wrong with a set-up, or with a token at a running guard
///
/// Without a token it checks the configuration, the policy, the store, the plugin, the
/// application and the record. With a token it queries a running guard as Okta's Test Connection
/// does; with --config too, it also reports what the store knows of the token.
#[derive(clap::Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Args {
    /// The configuration file of `serve` [default: with a token none, otherwise that of
    /// SCIMGUARD_CONFIG, else scimguard.toml]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// A token to try; `-` reads it from standard input, where other users of this machine do not see it
    #[arg(long, requires = "url", conflicts_with = "token_file")]
    token: Option<String>,
    /// A file with the token to try
    #[arg(long, value_name = "FILE", requires = "url")]
    token_file: Option<PathBuf>,
    /// The guard's address, or the SCIM connector base URL as it is entered in the identity provider
    #[arg(long)]
    url: Option<String>,
    /// The account, where the URL is the guard's address alone
    #[arg(long)]
    account: Option<String>,
    /// The policy document of that guard, for its SCIM base [default: that of --config, else the
    /// default policy]
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// As JSON, for programs
    #[arg(long)]
    json: bool,
}

/// Checks a set-up, and prints what was found.
pub(super) fn of_set_up(config: &Path) -> anyhow::Result<ExitCode> {
    run(Args {
        config: Some(config.to_owned()),
        token: None,
        token_file: None,
        url: None,
        account: None,
        policy: None,
        json: false,
    })
}

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let json = args.json;
    let config = args.config.clone().unwrap_or_else(config_file::usual);
    let mut findings = Findings::of(config.clone());
    runtime.block_on(async {
        match &args.url {
            Some(_) => connection::examine(args, &mut findings).await,
            None => {
                setup::examine(&config, &mut findings).await;
                Ok(())
            }
        }
    })?;
    findings.print(json)
}
