//! `scimguard owners`.

mod words;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail, ensure};
use clap::Subcommand;
use scimguard_core::facts::{Group, ResourceKind, User};
use serde::Serialize;

use self::words::{Lines, Owned, not_recorded, why};
use super::ledger;
use crate::proxy::now;
use crate::store::{CorrectionRow, Counts, MemberCounts, MembershipRow, RetryRow, Store};

const EXAMPLE: &str = "\
Examples:
  scimguard owners --config scimguard.toml --account ACC1
  scimguard owners --config scimguard.toml --account ACC1 --user ann@example.com
  scimguard owners --config scimguard.toml --account ACC1 --group example_group --json
  scimguard owners set --config scimguard.toml --account ACC1 --user u1 --managed-by none \\
    --reason \"left over from a test\"";

/// Show who owns a user or group and why, or what an account has on record
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
    /// Correct who owns a user or group; the reason is kept
    Set(Set),
}

#[derive(clap::Args)]
struct Named {
    /// The configuration file of `serve`
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The account
    #[arg(long)]
    account: String,
    /// A user, by id or user name
    #[arg(long, value_name = "ID|NAME", conflicts_with = "group")]
    user: Option<String>,
    /// A group, by id
    #[arg(long, value_name = "ID")]
    group: Option<String>,
    /// Where the group is: an organisation, or organisation/project [default: the account itself]
    #[arg(
        long,
        default_value = "",
        hide_default_value = true,
        requires = "group"
    )]
    scope: String,
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
        (None, None) => bail!("--config and --account are missing; see `scimguard owners --help`"),
    }
}

/// What is told of a user.
#[derive(Serialize)]
struct UserReport {
    kind: &'static str,
    recorded: bool,
    #[serde(flatten)]
    user: Option<User>,
    state: &'static str,
    why: String,
    groups: Vec<MembershipRow>,
    retries: Vec<RetryRow>,
    corrections: Vec<CorrectionRow>,
}

/// What is told of a group.
#[derive(Serialize)]
struct GroupReport {
    kind: &'static str,
    recorded: bool,
    #[serde(flatten)]
    group: Option<Group>,
    state: &'static str,
    why: String,
    members: MemberCounts,
    retries: Vec<RetryRow>,
    corrections: Vec<CorrectionRow>,
}

/// What is told of an account.
#[derive(Serialize)]
struct AccountReport {
    kind: &'static str,
    account: String,
    #[serde(flatten)]
    counts: Counts,
}

fn report(named: Named, json: bool) -> anyhow::Result<ExitCode> {
    ledger::with_store(&named.config, async |store, _| {
        match (&named.user, &named.group) {
            (Some(user), _) => show(&user_report(store, &named.account, user).await?, json),
            (None, Some(group)) => show(
                &group_report(store, &named.account, &named.scope, group).await?,
                json,
            ),
            (None, None) => show(
                &AccountReport {
                    kind: "account",
                    account: named.account.clone(),
                    counts: store.counts(&named.account).await?,
                },
                json,
            ),
        }
    })?;
    Ok(ExitCode::SUCCESS)
}

fn show<T: Serialize + Lines>(report: &T, json: bool) -> anyhow::Result<()> {
    if json {
        anstream::println!("{}", serde_json::to_string_pretty(report)?);
    } else {
        for line in report.lines() {
            anstream::println!("{line}");
        }
    }
    Ok(())
}

async fn user_report(store: &Store, account: &str, user: &str) -> anyhow::Result<UserReport> {
    let Some(user) = store.user(account, user).await? else {
        return Ok(UserReport {
            kind: "user",
            recorded: false,
            user: None,
            state: "native",
            why: not_recorded(),
            groups: Vec::new(),
            retries: Vec::new(),
            corrections: Vec::new(),
        });
    };
    let id = user.id.as_deref().unwrap_or_default();
    Ok(UserReport {
        kind: "user",
        recorded: true,
        state: match (&user.managed_by, user.in_managed_group) {
            (None, _) => "native",
            (Some(_), true) => "group-provisioned",
            (Some(_), false) => "direct",
        },
        why: why(&Owned::from(&user)),
        groups: store.memberships(&user).await?,
        retries: store.retries(Some(account), Some(id), None).await?,
        corrections: store
            .corrections(ResourceKind::User, account, "", id)
            .await?,
        user: Some(user),
    })
}

async fn group_report(
    store: &Store,
    account: &str,
    scope: &str,
    id: &str,
) -> anyhow::Result<GroupReport> {
    let Some(group) = store.group(account, scope, id).await? else {
        return Ok(GroupReport {
            kind: "group",
            recorded: false,
            group: None,
            state: "native",
            why: not_recorded(),
            members: MemberCounts::default(),
            retries: Vec::new(),
            corrections: Vec::new(),
        });
    };
    let id = group.id.as_deref().unwrap_or_default();
    Ok(GroupReport {
        kind: "group",
        recorded: true,
        state: match group.managed_by {
            None => "native",
            Some(_) => "managed",
        },
        why: why(&Owned::from(&group)),
        members: store.member_counts(&group).await?,
        retries: store
            .retries(Some(account), None, Some((scope, id)))
            .await?,
        corrections: store
            .corrections(ResourceKind::Group, account, scope, id)
            .await?,
        group: Some(group),
    })
}

fn correct(args: Set) -> anyhow::Result<ExitCode> {
    let Set {
        named,
        managed_by,
        reason,
    } = args;
    ensure!(
        !reason.trim().is_empty(),
        "--reason: say why, for those who read it later"
    );
    let owner = match managed_by.as_str() {
        "" => bail!("--managed-by: a provider, or `none`"),
        "none" => None,
        provider => Some(provider),
    };
    let missing = "not on record; `scimguard import` records what the application has";
    ledger::with_store(&named.config, async |store, _| {
        let account = &named.account;
        match (&named.user, &named.group) {
            (Some(reference), _) => {
                let user = store.user(account, reference).await?;
                let user = user.with_context(|| format!("--user {reference:?}: {missing}"))?;
                store.correct_user(user, owner, &reason, now()).await?;
            }
            (None, Some(id)) => {
                let group = store.group(account, &named.scope, id).await?;
                let group = group.with_context(|| format!("--group {id:?}: {missing}"))?;
                store.correct_group(group, owner, &reason, now()).await?;
            }
            (None, None) => bail!("give --user or --group"),
        }
        Ok(())
    })?;
    Ok(ExitCode::SUCCESS)
}
