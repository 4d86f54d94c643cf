//! `cargo xtask mutants`: changes the policy in small ways, and checks that a test notices each change.

mod compile;
mod known;
mod list;
mod report;
mod switch;
mod tree;
mod trial;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};

use crate::known::Known;
use crate::report::Report;
use crate::switch::Number;
use crate::tree::{Tree, numbered};
use crate::trial::Trials;

/// Runs the tests with every mutant.
#[derive(Parser)]
#[command(name = "cargo xtask mutants")]
struct Arguments {
    /// The root of the project.
    #[arg(long)]
    project: PathBuf,
    /// What `cargo mutants --list --json` printed.
    #[arg(long)]
    list: PathBuf,
    /// Where the copy is written and built.
    #[arg(long)]
    work: PathBuf,
    /// Every n-th mutant only.
    #[arg(long, default_value_t = 1)]
    every: usize,
    /// Without the tests that take longer than this.
    #[arg(long)]
    seconds: Option<u64>,
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let name = || arguments.list.display().to_string();
    let mutants = list::read(&std::fs::read(&arguments.list).with_context(name)?)?;
    let known = Known::read(&arguments.project.join("tests/mutants/unchanged.toml"))?;

    let mut tree = Tree::copy(&arguments.project, &arguments.work.join("tree"), &mutants)?;
    let suites = compile::tests(&mut tree, &arguments.work.join("built"))?;
    let longest = arguments.seconds.map(Duration::from_secs);
    let trials = Trials::prepare(suites, longest)?;
    let switched = tree.switched();

    let meant: BTreeSet<Number> = numbered(&mutants)
        .map(|(number, _)| number)
        .step_by(arguments.every)
        .collect();
    let tried: Vec<Number> = meant.intersection(&switched).copied().collect();
    let progress = ProgressBar::new(u64::try_from(tried.len())?).with_style(
        ProgressStyle::with_template("{bar:30} {pos}/{len} mutants, {eta} left")?,
    );
    let caught = trials.run(&tried, &progress)?;
    progress.finish_and_clear();

    let report = Report {
        mutants: &mutants,
        meant: &meant,
        dropped: &tree.dropped,
        caught: &caught,
        reasons: known.reasons(&mutants),
        trials: &trials,
    };
    report.show();
    Ok(match report.is_good() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}
