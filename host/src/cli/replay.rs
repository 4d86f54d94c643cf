//! `scimguard replay`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use indicatif::{ProgressBar, ProgressStyle};
use scimguard_core::Guard;
use scimguard_store::now;

use super::{USAGE, times};
use crate::audit::{Recording, Selection};
use crate::config::policy_file;
use crate::engine::LoadError;
use crate::replay::replay;

const EXAMPLE: &str = "\
Examples:
  scimguard replay --decisions decisions.db --policy new.json
  scimguard replay --decisions decisions.db --policy new.json --account ACC1 --since 7d

Requests of the management API and Bulk requests are counted and not repeated, since the log does not
have all of them. Exit status: 0 no difference among those that could be compared, 1 differences,
2 nothing could be compared.";

/// Show what another policy would have decided about the recorded requests
#[derive(clap::Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Args {
    /// The decision log: the file that `decisions` in the configuration names
    #[arg(long, value_name = "FILE")]
    decisions: PathBuf,
    /// The other policy document
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// Only decisions of this account
    #[arg(long, value_name = "ID")]
    account: Option<String>,
    /// Only decisions of this period until now, such as `7d` or `12h`
    #[arg(long, value_name = "PERIOD", value_parser = period)]
    since: Option<u64>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let shown = args.policy.display();
    let new = match Guard::configure(&policy_file(&args.policy)?) {
        Ok(guard) => guard,
        Err(faults) => bail!("{shown}: {}", LoadError::Policy(faults)),
    };
    let recording = Recording::open(&args.decisions)?;
    let selection = Selection {
        account: args.account,
        since: args.since.map_or(0, |period| now().saturating_sub(period)),
    };
    let unreadable = || format!("cannot read {}", args.decisions.display());
    let all = recording.count(&selection).with_context(unreadable)?;
    let style = ProgressStyle::with_template("{bar:30} {human_pos}/{human_len} {eta}")?;
    let bar = ProgressBar::new(all).with_style(style);
    let report = replay(&recording, &selection, &new, |done| bar.set_position(done));
    bar.finish_and_clear();
    let report = report.with_context(unreadable)?;
    match args.json {
        true => anstream::println!("{}", report.json()?),
        false => anstream::print!("{}", report.text()),
    }
    Ok(match (report.replayed(), report.differences()) {
        (0, _) => ExitCode::from(USAGE),
        (_, 0) => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}

fn period(text: &str) -> Result<u64, String> {
    times::period(text).ok_or_else(|| format!("{text:?} is not a period such as 7d or 12h"))
}
