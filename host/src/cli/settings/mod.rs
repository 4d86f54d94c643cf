//! What to enter in an identity provider, according to the policy in use.

pub(super) mod entra;
pub(super) mod okta;

use std::fmt::{self, Display};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, anyhow, ensure};
use scimguard_core::Guard;
use serde::Serialize;
use serde_json::Value;

use super::config_file;
use crate::config::{Config, policy_file, public_url};
use crate::engine::LoadError;

/// Placeholder for an unknown address of the guard, which no browser takes for one.
const UNKNOWN: &str = "<the guard's public address>";

/// The arguments of both commands.
#[derive(clap::Args)]
pub(super) struct Given {
    /// The account's id
    #[arg(long, value_name = "ID")]
    account: String,
    /// The configuration file of `serve`, which names the policy and may have the public URL
    /// [default: with --policy none, otherwise that of SCIMGUARD_CONFIG, or scimguard.toml if there
    /// is one]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The policy document [default: that of --config, else the default policy]
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// The guard's address as the identity provider reaches it [default: `public_url` of --config]
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// The account's SCIM address for its provider.
struct Connector {
    base_url: String,
    provider: String,
    /// Whether the policy is for the product that the preset `harness` is named after.
    is_harness: bool,
}

/// Prints what to enter in this identity provider; for one that has no command of its own, the address.
pub(super) fn of(provider: &str, config: &Path, account: &str) -> anyhow::Result<()> {
    let given = Given {
        account: account.to_owned(),
        config: Some(config.to_owned()),
        policy: None,
        public_url: None,
        json: false,
    };
    match provider {
        "okta" => okta::print(given),
        "entra" => entra::run(&entra::Args { given }),
        _ => {
            let connector = given.connector()?;
            anstream::println!("SCIM base URL: {}", connector.base_url);
            Ok(ExitCode::SUCCESS)
        }
    }
    .map(drop)
}

impl Given {
    fn connector(&self) -> anyhow::Result<Connector> {
        let account = &self.account;
        check_account(account).map_err(|why| {
            anyhow!("--account: {why}, as the application's account settings show it")
        })?;
        let file = match (&self.config, &self.policy) {
            (Some(file), _) => Some(file.clone()),
            (None, Some(_)) => None,
            (None, None) => config_file::usual_if_any(),
        };
        let config = file.as_deref().map(Config::read).transpose()?;
        let policy = match (&self.policy, &config) {
            (Some(file), _) => policy_file(file)?,
            (None, Some(config)) => config.policy_text()?,
            (None, None) => String::new(),
        };
        let guard = Guard::configure(&policy)
            .map_err(LoadError::Policy)
            .context("in the policy")?;
        let settings = guard.settings();
        if let Some(only) = &settings.scim_account {
            ensure!(
                only == account,
                "--account: the policy has the one account {only:?} (`scim.account`)"
            );
        }
        let public = match (&self.public_url, &config) {
            (Some(text), _) => {
                Some(public_url(text).map_err(|why| anyhow!("--public-url: {why}"))?)
            }
            (None, Some(config)) => config.public_url.clone(),
            (None, None) => None,
        };
        let public = match public {
            Some(url) => url.to_string(),
            None => {
                anstream::eprintln!(
                    "note: give --public-url, or `public_url` in the configuration: the address where the \
                     identity provider reaches the guard"
                );
                UNKNOWN.to_owned()
            }
        };
        let document: Value = serde_json::from_str(&policy).unwrap_or_default();
        Ok(Connector {
            base_url: format!(
                "{public}{}",
                settings.scim_base.replace("{account}", account)
            ),
            provider: guard.provider(account).to_owned(),
            is_harness: matches!(document["preset"].as_str(), None | Some("harness")),
        })
    }
}

impl Given {
    fn show(&self, settings: &(impl Display + Serialize)) -> anyhow::Result<ExitCode> {
        if self.json {
            anstream::println!("{}", serde_json::to_string_pretty(settings)?);
        } else {
            anstream::print!("{settings}");
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Connector {
    /// Notes that the policy expects another provider than the one being set up.
    fn expect(&self, provider: &str, account: &str) {
        if self.provider != provider {
            anstream::eprintln!(
                "note: the policy says that {} is the provider of account {account}; set it there to \
                 {provider}, or make the token with --provider {}",
                self.provider,
                self.provider
            );
        }
    }
}

/// Refuses an account's id that cannot stand in a URL path.
///
/// # Errors
/// Why, and what can.
pub(super) fn check_account(account: &str) -> Result<(), String> {
    match stands_in_a_path(account) {
        true => Ok(()),
        false => Err(format!(
            "{account:?} cannot stand in a URL path; give an id of letters, digits, `-`, `_`, `.` and `~`"
        )),
    }
}

/// Characters that are unreserved in URLs (RFC 3986 §2.3).
fn stands_in_a_path(account: &str) -> bool {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    !matches!(account, "" | "." | "..") && account.bytes().all(unreserved)
}

fn line(f: &mut fmt::Formatter<'_>, name: &str, value: impl Display) -> fmt::Result {
    writeln!(f, "  {name:30}  {value}")
}
