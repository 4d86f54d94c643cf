//! `scimguard demo`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;

use crate::demo;

/// Show the whole story on this machine: an application, the guard, Okta, an administrator
///
/// Starts the application, puts a guard with a store of its own in front of it, plays Okta's
/// requests and an administrator's edits, and tells what became of each. Exits with 1 if one did not
/// go as told.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  scimguard demo --application 'python demo/application.py'")]
pub(super) struct Args {
    /// Command line of the application. It prints `listening on URL` when it is ready
    #[arg(long, value_name = "COMMAND")]
    application: Option<String>,
    /// The folder of the pages: the guard goes on serving them after the story, until Ctrl-C
    #[arg(long, value_name = "FOLDER")]
    pages: Option<PathBuf>,
    /// A stock Envoy, which the callers speak to; the guard is its facts service
    #[arg(long, value_name = "PROGRAM", requires = "filter")]
    envoy: Option<PathBuf>,
    /// The filter for it, which `cargo xtask build` makes: scimguard-envoy.wasm
    #[arg(long, value_name = "FILE", requires = "envoy")]
    filter: Option<PathBuf>,
}

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let application = args.application.context(
        "there is no application to protect: run `cargo xtask demo`, which prepares the example \
         application, or name the command line of one with --application",
    )?;
    let parts = args.envoy.zip(args.filter);
    let parts = parts.map(|(program, filter)| demo::Parts { program, filter });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let as_told = runtime.block_on(demo::play(
        &application,
        args.pages.as_deref(),
        parts.as_ref(),
    ))?;
    Ok(ExitCode::from(u8::from(!as_told)))
}
