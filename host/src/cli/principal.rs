//! `scimguard principal`.

use std::process::ExitCode;

use clap::Subcommand;
use scimguard_core::nearest;

use super::store_args::{self, Named};
use crate::config::Config;
use crate::tokens;
use scimguard_store::now;
use scimguard_store::{PrincipalKind, PrincipalRow};

/// Manage users and service accounts, whose rights tokens have
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Create a principal
    #[command(
        after_help = "Example:\n  scimguard principal create --config scimguard.toml --account ACC1 --id svc-okta --kind service-account --permissions all"
    )]
    Create(Create),
    /// Show the principals
    #[command(
        after_help = "Example:\n  scimguard principal list --config scimguard.toml --account ACC1"
    )]
    List(store_args::List),
    /// Disable a principal and all its tokens
    #[command(
        after_help = "Example:\n  scimguard principal disable --config scimguard.toml --account ACC1 --id svc-okta"
    )]
    Disable(Named),
    /// Enable a disabled principal
    #[command(
        after_help = "Example:\n  scimguard principal enable --config scimguard.toml --account ACC1 --id svc-okta"
    )]
    Enable(Named),
    /// Replace the permissions of a principal and all its tokens
    #[command(
        after_help = "Example:\n  scimguard principal permissions --config scimguard.toml --account ACC1 --id svc-okta --set core_user_view,core_user_manage"
    )]
    Permissions(Permissions),
}

#[derive(clap::Args)]
struct Create {
    #[command(flatten)]
    named: Named,
    /// Its kind
    #[arg(long, value_enum)]
    kind: PrincipalKind,
    /// Permission ids, or `all` that the policy document requires
    #[arg(long, value_delimiter = ',', required = true)]
    permissions: Vec<String>,
}

#[derive(clap::Args)]
struct Permissions {
    #[command(flatten)]
    named: Named,
    /// Permission ids that replace its present ones, or `all` that the policy document requires
    #[arg(long, value_name = "IDS", value_delimiter = ',', required = true)]
    set: Vec<String>,
}

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.command {
        Command::Create(args) => create(args),
        Command::List(args) => list(args),
        Command::Disable(args) => set_active(args, false),
        Command::Enable(args) => set_active(args, true),
        Command::Permissions(args) => set_permissions(args),
    }
}

fn create(args: Create) -> anyhow::Result<ExitCode> {
    let Named {
        config,
        account,
        id,
    } = args.named;
    tokens::check_name("--account", &account)?;
    tokens::check_name("--id", &id)?;
    let created = store_args::with_store(&config, async |store, config| {
        let permissions = permissions(args.permissions, config, &account)?;
        let principal = PrincipalRow {
            account,
            id,
            kind: args.kind,
            active: true,
            permissions,
            created: now(),
        };
        store.create_principal(&principal).await?;
        Ok(principal)
    })?;
    let kind = match created.kind {
        PrincipalKind::User => "user",
        PrincipalKind::ServiceAccount => "service account",
    };
    anstream::eprintln!(
        "Account {} has the new {kind} {}, with the permissions {}.",
        created.account,
        created.id,
        created.permissions.join(", ")
    );
    Ok(ExitCode::SUCCESS)
}

fn list(args: store_args::List) -> anyhow::Result<ExitCode> {
    let principals = store_args::with_store(&args.config, async |store, _| {
        Ok(store.principals(args.account.as_deref()).await?)
    })?;
    if args.json {
        return store_args::print_json(&principals);
    }
    let mut rows = vec![["ACCOUNT", "ID", "KIND", "STATE", "PERMISSIONS"].map(str::to_owned)];
    rows.extend(principals.into_iter().map(|principal| {
        [
            principal.account,
            principal.id,
            principal.kind.as_str().to_owned(),
            if principal.active {
                "active"
            } else {
                "disabled"
            }
            .to_owned(),
            principal.permissions.join(","),
        ]
    }));
    store_args::print_table(&rows);
    Ok(ExitCode::SUCCESS)
}

fn set_active(args: Named, active: bool) -> anyhow::Result<ExitCode> {
    store_args::with_store(&args.config, async |store, _| {
        let changed = store.set_principal_active(&args.account, &args.id, active);
        Ok(changed.await?)
    })?;
    let now = match active {
        true => "enabled: its valid tokens are accepted again",
        false => "disabled: its tokens are refused",
    };
    anstream::eprintln!("{} of account {} is {now}.", args.id, args.account);
    Ok(ExitCode::SUCCESS)
}

fn set_permissions(args: Permissions) -> anyhow::Result<ExitCode> {
    let Named {
        config,
        account,
        id,
    } = args.named;
    let permissions = store_args::with_store(&config, async |store, config| {
        let permissions = permissions(args.set, config, &account)?;
        store.set_permissions(&account, &id, &permissions).await?;
        Ok(permissions)
    })?;
    anstream::eprintln!(
        "{id} of account {account} has the permissions {}.",
        permissions.join(", ")
    );
    Ok(ExitCode::SUCCESS)
}

/// Resolves `all` on the command line, and notes permissions that the policy does not require.
fn permissions(words: Vec<String>, config: &Config, account: &str) -> anyhow::Result<Vec<String>> {
    let required = config
        .policy_text()
        .and_then(|policy| tokens::all_permissions(&policy, account));
    match words.as_slice() {
        [all] if all == "all" => required,
        _ => {
            // What the policy cannot tell must not keep a right from being taken away.
            for word in not_required(&words, &required.unwrap_or_else(|_| words.clone())) {
                anstream::eprintln!("note: {word}");
            }
            Ok(words)
        }
    }
}

fn not_required(words: &[String], required: &[String]) -> Vec<String> {
    let unknown = words.iter().filter(|word| !required.contains(word));
    unknown
        .map(|word| {
            let known = required.iter().map(String::as_str);
            let meant = match nearest(word, known) {
                Some(meant) => format!("did you mean {meant:?}?"),
                None => format!("it requires {}", required.join(", ")),
            };
            format!("the policy requires no permission {word:?}; {meant}")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permission_that_no_route_needs_is_noted() {
        let required = ["core_user_view", "core_user_manage"].map(str::to_owned);
        let words = ["core_user_view", "core_user_mange", "foo"].map(str::to_owned);
        assert_eq!(
            not_required(&words, &required),
            [
                r#"the policy requires no permission "core_user_mange"; did you mean "core_user_manage"?"#,
                r#"the policy requires no permission "foo"; it requires core_user_view, core_user_manage"#,
            ]
        );
    }
}
