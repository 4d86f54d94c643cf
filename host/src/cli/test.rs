//! `scimguard test`.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};
use scimguard_cases::{self as cases, Failure, Suite};
use scimguard_core::hide_secrets;

use super::USAGE;
use super::engine_args::{EngineArgs, Source};
use crate::causes::with_causes;
use crate::config::policy_file;
use crate::engine::Engine;

const EXAMPLE: &str = "\
Examples:
  scimguard test tests/cases
  scimguard test --engine wasm tests/cases/okta-only group-rename.json
  scimguard test --transcript cases.jsonl tests/cases

Exit status: 0 all cases passed, 1 one failed, 2 a suite is malformed.";

const FAILED: Style = AnsiColor::Red.on_default();

/// Run case suites
#[derive(clap::Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Args {
    /// Write every call of the policy with its result, and the decisions, to this file: JSON, one
    /// case per line
    #[arg(long, value_name = "FILE")]
    transcript: Option<PathBuf>,
    /// A policy document instead of that of each suite
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    #[command(flatten)]
    engine: EngineArgs,
    /// Suites, or folders of them
    #[arg(required = true, value_name = "DIR_OR_FILE")]
    suites: Vec<PathBuf>,
}

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let policy = args.policy.map(|path| policy_file(&path)).transpose()?;
    let source = args.engine.source()?;
    let mut engines = BTreeMap::new();
    let mut suites = Vec::new();
    let mut malformed = false;
    for path in cases::find(&args.suites)? {
        match prepare(&path, policy.as_deref(), &source, &mut engines) {
            Ok((suite, policy)) => suites.push((path, suite, policy)),
            Err(error) => {
                let told = with_causes(error.as_ref());
                anstream::eprintln!("scimguard: {}", hide_secrets(&told));
                malformed = true;
            }
        }
    }
    if malformed {
        return Ok(ExitCode::from(USAGE));
    }

    let mut transcript = args
        .transcript
        .map(|path| File::create(&path).with_context(|| path.display().to_string()))
        .transpose()?
        .map(BufWriter::new);
    let total: usize = suites.iter().map(|(_, suite, _)| suite.cases.len()).sum();
    let progress = ProgressBar::new(u64::try_from(total)?).with_style(
        ProgressStyle::with_template("{bar:30} {pos}/{len} {wide_msg}")?,
    );
    let (mut passed, mut failed) = (0, 0);
    for (path, suite, policy) in &suites {
        let mut named = false;
        progress.set_message(path.display().to_string());
        for case in &suite.cases {
            progress.inc(1);
            let engine = &engines[policy];
            let session = engine.session().map_err(|fault| Failure::begin(&fault));
            let outcome = session.and_then(|session| match &mut transcript {
                None => cases::run(session, case).map(|()| None),
                Some(_) => {
                    let name = path.display().to_string();
                    cases::record(session, &name, policy, suite, case).map(Some)
                }
            });
            let failure = match outcome {
                Ok(line) => {
                    if let (Some(file), Some(line)) = (&mut transcript, line) {
                        writeln!(file, "{line}")?;
                    }
                    passed += 1;
                    continue;
                }
                Err(failure) => failure,
            };
            failed += 1;
            progress.suspend(|| {
                if !named {
                    anstream::println!("{}", path.display());
                }
                anstream::println!("  {FAILED}{}{FAILED:#}\n{failure}", case.name);
            });
            named = true;
        }
    }
    if let Some(mut file) = transcript {
        file.flush()?;
    }
    progress.finish_and_clear();
    anstream::println!("{passed} passed, {failed} failed");
    Ok(if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Reads a suite, and makes the engine of its policy unless another suite has the same.
fn prepare(
    path: &std::path::Path,
    policy: Option<&str>,
    source: &Source,
    engines: &mut BTreeMap<String, Engine>,
) -> anyhow::Result<(Suite, String)> {
    let suite = Suite::read(path)?;
    let policy = policy.unwrap_or(&suite.policy).to_owned();
    if !engines.contains_key(&policy) {
        let engine = source
            .engine(&policy)
            .with_context(|| path.display().to_string())?;
        engines.insert(policy.clone(), engine);
    }
    Ok((suite, policy))
}
