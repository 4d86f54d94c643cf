//! `scimguard owners`.

mod words;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail, ensure};
use clap::Subcommand;
use serde::Serialize;

use self::words::Lines;
use super::{config_file, provider, store_args};
use crate::owners::{account_report, group_report, user_report};
use scimguard_store::now;

const EXAMPLE: &str = "\
Examples:
  scimguard owners --config scimguard.toml --account ACC1
  scimguard owners --config scimguard.toml --account ACC1 --user ann@example.com
  scimguard owners --config scimguard.toml --account ACC1 --group example_group --json
  scimguard owners set --config scimguard.toml --account ACC1 --user u1 --managed-by none \\
    --reason \"left over from a test\"

Exit status: 0 it is on record, 1 it is not, 2 wrong usage.";

const SET_EXAMPLE: &str = "\
Examples:
  scimguard owners set --config scimguard.toml --account ACC1 --user u1 --managed-by none \\
    --reason \"left over from a test\"
  scimguard owners set --config scimguard.toml --account ACC1 --group example_group --managed-by okta \\
    --reason \"pushed before the guard was installed\"";

/// Show who owns a user or group and why, or what is recorded of an account
#[derive(clap::Args)]
#[command(after_help = EXAMPLE, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    named: Option<Named>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Correct the owner of a user or group; the reason is recorded
    #[command(after_help = SET_EXAMPLE)]
    Set(Set),
}

#[derive(clap::Args)]
struct Named {
    /// The configuration file; `scimguard serve --help` shows every key [default: that of
    /// SCIMGUARD_CONFIG, else scimguard.toml]
    // An optional group of arguments is not noticed if it has a group in it.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The account
    #[arg(long)]
    account: String,
    /// A user, by id or user name
    #[arg(long, value_name = "ID|NAME", conflicts_with = "group")]
    user: Option<String>,
    /// A group, by id
    #[arg(long, value_name = "ID")]
    group: Option<String>,
    /// The group's scope: an organisation, or organisation/project [default: the account itself]
    #[arg(
        long,
        default_value = "",
        hide_default_value = true,
        requires = "group"
    )]
    scope: String,
}

impl Named {
    fn config(&self) -> PathBuf {
        self.config.clone().unwrap_or_else(config_file::usual)
    }
}

#[derive(clap::Args)]
struct Set {
    #[command(flatten)]
    named: Named,
    /// The provider, or `none`
    #[arg(long, value_name = "PROVIDER|none")]
    managed_by: String,
    /// Why the record was wrong
    #[arg(long)]
    reason: String,
}

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    match (args.command, args.named) {
        (Some(Command::Set(set)), _) => correct(set),
        (None, Some(named)) => report(named, args.json),
        (None, None) => bail!("--account is missing; see `scimguard owners --help`"),
    }
}

/// The command that records what the application has.
fn importing(named: &Named) -> String {
    let import = store_args::command(
        &named.config(),
        "import",
        &format!("--account {}", named.account),
    );
    format!("{import} records what the application has")
}

fn report(named: Named, json: bool) -> anyhow::Result<ExitCode> {
    let recorded = store_args::with_store(&named.config(), async |store, _| {
        let account = &named.account;
        Ok(match (&named.user, &named.group) {
            (Some(user), _) => {
                let report = user_report(store, account, user).await?;
                show(
                    &report,
                    json,
                    &format!("user {user:?} of account {account}"),
                )?;
                report.recorded
            }
            (None, Some(group)) => {
                let report = group_report(store, account, &named.scope, group).await?;
                show(
                    &report,
                    json,
                    &format!("group {group:?} of account {account}"),
                )?;
                report.recorded
            }
            (None, None) => {
                let report = account_report(store, account).await?;
                show(&report, json, &format!("account {account}"))?;
                report.recorded
            }
        })
    })?;
    if !recorded && !json {
        anstream::println!("next     {}", importing(&named));
    }
    Ok(match recorded {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

fn show<T: Serialize + Lines>(report: &T, json: bool, name: &str) -> anyhow::Result<()> {
    if json {
        anstream::println!("{}", serde_json::to_string_pretty(report)?);
    } else {
        for line in report.lines(name) {
            anstream::println!("{line}");
        }
    }
    Ok(())
}

fn correct(args: Set) -> anyhow::Result<ExitCode> {
    let Set {
        named,
        managed_by,
        reason,
    } = args;
    ensure!(
        !reason.trim().is_empty(),
        "--reason: give the reason, for later readers"
    );
    let owner = match managed_by.as_str() {
        "" => bail!("--managed-by: give a provider, or `none`"),
        "none" => None,
        provider => Some(provider),
    };
    let missing = format!("not on record; {}", importing(&named));
    let (what, before) = store_args::with_store(&named.config(), async |store, config| {
        let account = &named.account;
        if let Some(owner) = owner {
            provider::check(config, "--managed-by", account, owner)?;
        }
        Ok(match (&named.user, &named.group) {
            (Some(reference), _) => {
                let user = store.user(account, reference).await?;
                let user = user.with_context(|| format!("--user {reference:?}: {missing}"))?;
                let before = user.managed_by.clone();
                store.correct_user(user, owner, &reason, now()).await?;
                (format!("user {reference}"), before)
            }
            (None, Some(id)) => {
                let group = store.group(account, &named.scope, id).await?;
                let group = group.with_context(|| format!("--group {id:?}: {missing}"))?;
                let before = group.managed_by.clone();
                store.correct_group(group, owner, &reason, now()).await?;
                (format!("group {id}"), before)
            }
            (None, None) => bail!("give --user or --group"),
        })
    })?;
    anstream::eprintln!(
        "The owner of {what} is {}; before, it was {}.",
        owner.unwrap_or("nobody"),
        before.as_deref().unwrap_or("nobody")
    );
    Ok(ExitCode::SUCCESS)
}
