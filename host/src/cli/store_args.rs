//! Shared by `token` and `principal`: the configured store, and lists of it.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use serde::Serialize;

use super::config_file::ConfigFile;
use crate::config::Config;
use scimguard_store::{self as store, Store};

pub(super) use crate::times::shown as time;

/// One entry of an account.
#[derive(clap::Args)]
pub(super) struct Named {
    #[command(flatten)]
    pub(super) config: ConfigFile,
    /// The account that it belongs to
    #[arg(long)]
    pub(super) account: String,
    /// Its id, as `list` shows it
    #[arg(long)]
    pub(super) id: String,
}

/// Arguments of a list.
#[derive(clap::Args)]
pub(super) struct List {
    #[command(flatten)]
    pub(super) config: ConfigFile,
    /// Only this account's
    #[arg(long)]
    pub(super) account: Option<String>,
    /// As JSON, for programs
    #[arg(long)]
    pub(super) json: bool,
}

/// Runs an action on the configured store.
pub(super) fn with_store<T>(
    config: &Path,
    act: impl AsyncFnOnce(&Store, &Config) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let config = Config::read(config)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let store = Store::open(&config.store)
            .await
            .with_context(|| format!("in the store {}", config.store.display()))?;
        let done = act(&store, &config).await;
        store.close().await;
        done.map_err(|error| with_next_step(error, &config.file))
    })
}

/// A command of this program with the configuration in use, ready to paste into a shell.
pub(super) fn command(config: &Path, command: &str, arguments: &str) -> String {
    let config = shell_word(&config.display().to_string());
    let command = format!("scimguard {command} --config {config} {arguments}");
    format!("`{}`", command.trim_end())
}

/// Quotes a word for a shell, if it needs that.
pub(super) fn shell_word(word: &str) -> String {
    let is_plain = word
        .chars()
        .all(|letter| letter.is_ascii_alphanumeric() || "./_-".contains(letter));
    match is_plain {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

/// The command that creates a principal for an identity provider's tokens.
pub(super) fn new_principal(config: &Path, account: &str, id: &str) -> String {
    let arguments =
        format!("--account {account} --id {id} --kind service-account --permissions all");
    command(config, "principal create", &arguments)
}

/// The command that creates a token: a provider's, or an operator's.
pub(super) fn new_token(
    config: &Path,
    account: &str,
    principal: &str,
    provider: Option<&str>,
) -> String {
    let whose = match provider {
        Some(provider) => format!("--provider {provider}"),
        None => "--operator".to_owned(),
    };
    let arguments = format!("--account {account} --principal {principal} {whose} --expires 90d");
    command(config, "token create", &arguments)
}

/// Suggests to create what is not in the store, or to look up its name.
fn with_next_step(error: anyhow::Error, config: &Path) -> anyhow::Error {
    let next = match error.downcast_ref::<store::Error>() {
        Some(store::Error::NoPrincipal { account, id }) => {
            format!("create it with {}", new_principal(config, account, id))
        }
        Some(store::Error::NoToken { account, .. } | store::Error::NoGoodToken { account, .. }) => {
            let list = command(config, "token list", &format!("--account {account}"));
            format!("{list} lists the existing ones")
        }
        _ => return error,
    };
    anyhow::anyhow!("{error}; {next}")
}

pub(super) fn print_json<T: Serialize>(rows: &[T]) -> anyhow::Result<ExitCode> {
    anstream::println!("{}", serde_json::to_string_pretty(rows)?);
    Ok(ExitCode::SUCCESS)
}

/// Prints columns as wide as their widest cell.
pub(super) fn print_table<const N: usize>(rows: &[[String; N]]) {
    let widths: [usize; N] = std::array::from_fn(|column| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.max().unwrap_or_default()
    });
    for row in rows {
        let cells: Vec<String> = row
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        anstream::println!("{}", cells.join("  ").trim_end());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_can_be_pasted() {
        for (file, arguments, told) in [
            (
                "a/scimguard.toml",
                "--account A",
                "`scimguard import --config a/scimguard.toml --account A`",
            ),
            ("s.toml", "", "`scimguard import --config s.toml`"),
            (
                "my files/it's.toml",
                "",
                r"`scimguard import --config 'my files/it'\''s.toml'`",
            ),
        ] {
            assert_eq!(command(Path::new(file), "import", arguments), told);
        }
    }

    #[test]
    fn what_is_not_there_comes_with_the_next_step() {
        let (account, id) = ("A".to_owned(), "x".to_owned());
        let told =
            |error: store::Error| with_next_step(error.into(), Path::new("s.toml")).to_string();
        assert_eq!(
            told(store::Error::NoPrincipal {
                account: account.clone(),
                id: id.clone()
            }),
            "account A has no principal x; create it with `scimguard principal create --config s.toml --account A \
             --id x --kind service-account --permissions all`"
        );
        for error in [
            store::Error::NoToken {
                account: account.clone(),
                id: id.clone(),
            },
            store::Error::NoGoodToken { account, id },
        ] {
            let what = error.to_string();
            let shows =
                "`scimguard token list --config s.toml --account A` lists the existing ones";
            assert_eq!(told(error), format!("{what}; {shows}"));
        }
        assert_eq!(
            told(store::Error::Unsettled),
            store::Error::Unsettled.to_string()
        );
    }
}
