//! What `token` and `principal` share: the store that a configuration names, and lists of it.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use serde::Serialize;

use crate::config::Config;
use crate::store::Store;

pub(super) use crate::times::shown as time;

/// One entry of an account.
#[derive(clap::Args)]
pub(super) struct Named {
    /// The configuration file of `serve`
    #[arg(long, value_name = "FILE")]
    pub(super) config: PathBuf,
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
    /// The configuration file of `serve`
    #[arg(long, value_name = "FILE")]
    pub(super) config: PathBuf,
    /// Only this account's
    #[arg(long)]
    pub(super) account: Option<String>,
    /// As JSON, for programs
    #[arg(long)]
    pub(super) json: bool,
}

/// Does something with the store that a configuration names.
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
        done
    })
}

pub(super) fn print_json<T: Serialize>(rows: &[T]) -> anyhow::Result<ExitCode> {
    anstream::println!("{}", serde_json::to_string_pretty(rows)?);
    Ok(ExitCode::SUCCESS)
}

/// Columns as wide as their widest cell.
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
