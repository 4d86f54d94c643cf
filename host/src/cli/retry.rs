//! `scimguard retry`.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::config_file::ConfigFile;
use super::{engine_args, store_args};
use crate::config::Config;
use crate::proxy::Proxy;
use scimguard_store::now;
use scimguard_store::{RetryRow, Store};

const EXAMPLE: &str = "\
Examples:
  scimguard retry --config scimguard.toml --list
  scimguard retry --config scimguard.toml --account ACC1";

/// How often the running guard is polled.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// Repeat membership changes that the application did not make, oldest first
///
/// Each is decided anew with the current record, by the running guard or, if there is none, by this
/// command. Changes that became needless or are no longer allowed are dropped.
#[derive(clap::Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Args {
    #[command(flatten)]
    config: ConfigFile,
    /// Only this account's
    #[arg(long)]
    account: Option<String>,
    /// Only list the changes to repeat
    #[arg(long)]
    list: bool,
    /// As JSON, for programs
    #[arg(long)]
    json: bool,
}

/// The result of the retries.
#[derive(Serialize)]
struct Outcome {
    /// How many were requested.
    asked: u64,
    /// Done, or no longer wanted.
    gone: u64,
    /// Those that failed again.
    left: Vec<RetryRow>,
}

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let account = args.account.as_deref();
    if args.list {
        let rows = store_args::with_store(&args.config, async |store, _| {
            Ok(store.retries(account, None, None).await?)
        })?;
        if args.json {
            return store_args::print_json(&rows);
        }
        if rows.is_empty() {
            anstream::eprintln!("nothing to retry");
        }
        print_rows(&rows);
        return Ok(ExitCode::SUCCESS);
    }
    let outcome = store_args::with_store(&args.config, async |store, config| {
        let asked = store.ask_to_retry(account, now()).await?;
        if asked > 0 {
            repeat(store, config, asked).await?;
        }
        let left = store.retries(account, None, None).await?;
        Ok(Outcome {
            asked,
            gone: asked.saturating_sub(u64::try_from(left.len())?),
            left,
        })
    })?;
    if args.json {
        anstream::println!("{}", serde_json::to_string_pretty(&outcome)?);
    } else {
        match outcome.asked {
            0 => anstream::println!("nothing to retry"),
            asked => anstream::println!(
                "{} of {asked} done or no longer needed, {} left",
                outcome.gone,
                outcome.left.len()
            ),
        }
        print_rows(&outcome.left);
    }
    Ok(match outcome.left.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// Has the running guard repeat the requested changes, or repeats them itself.
async fn repeat(store: &Store, config: &Config, asked: u64) -> anyhow::Result<()> {
    let bar = ProgressBar::new(asked).with_style(style());
    let running = Running::open(&config.store)?;
    let work = async {
        // A running guard does it, and may end meanwhile.
        while !running.is_none()? {
            if store.asked_retries().await? == 0 {
                return Ok(());
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
        let proxy = Proxy::new(engine_args::engine(config)?, store.clone(), config)?;
        proxy.retry_asked().await?;
        anyhow::Ok(())
    };
    let mut work = std::pin::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => {
                bar.finish_and_clear();
                return done;
            }
            () = tokio::time::sleep(POLL_INTERVAL) => {
                bar.set_position(asked.saturating_sub(store.asked_retries().await?));
            }
        }
    }
}

/// A lock beside the store: running guards share it, and a command that repeats changes holds it alone.
pub(super) struct Running {
    file: File,
    path: PathBuf,
}

impl Running {
    /// Opens the lock without taking it.
    fn open(store: &Path) -> anyhow::Result<Self> {
        let mut path = store.as_os_str().to_owned();
        path.push(".lock");
        let path = PathBuf::from(path);
        let mut options = File::options();
        options.write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options
            .open(&path)
            .with_context(|| format!("cannot open {}", path.display()))?;
        Ok(Self { file, path })
    }

    /// Marks that a guard runs, until this is dropped.
    pub(super) fn share(store: &Path) -> anyhow::Result<Self> {
        let running = Self::open(store)?;
        let context = || format!("cannot lock {}", running.path.display());
        match running.is_none()? {
            true => running.file.unlock().with_context(context)?,
            false => tracing::error!(
                store = %store.display(),
                "another process works on this store: writes through one guard do not wait for \
                 those through the other"
            ),
        }
        running.file.lock_shared().with_context(context)?;
        Ok(running)
    }

    /// Whether no guard runs; if so, none can start until this is dropped.
    fn is_none(&self) -> anyhow::Result<bool> {
        match self.file.try_lock() {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("cannot lock {}", self.path.display()))
            }
        }
    }
}

fn print_rows(rows: &[RetryRow]) {
    if rows.is_empty() {
        return;
    }
    let mut table = vec![
        [
            "ACCOUNT", "GROUP", "USER", "CHANGE", "ANSWER", "SINCE", "TRIED",
        ]
        .map(str::to_owned),
    ];
    table.extend(rows.iter().map(|row| {
        [
            row.account.clone(),
            row.group.clone(),
            row.user.clone(),
            if row.present { "add" } else { "remove" }.to_owned(),
            row.status
                .map_or_else(|| "none".to_owned(), |status| status.to_string()),
            store_args::time(u64::try_from(row.first_seen).ok()),
            row.attempts.to_string(),
        ]
    }));
    store_args::print_table(&table);
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template("{wide_bar} {pos}/{len} ({elapsed})")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
}
