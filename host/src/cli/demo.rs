//! `scimguard demo`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;

use crate::demo;

/// Run the demo on this machine: an application, the guard, Okta, an administrator
///
/// Starts the application, puts a guard with its own store in front of it, plays Okta's requests and an
/// administrator's edits, and reports the result of each. Exits with 1 if one did not go as expected.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  scimguard demo --application 'python demo/application.py'")]
pub(super) struct Args {
    /// Command line of the application, which prints `listening on URL` when it is ready
    #[arg(long, value_name = "COMMAND")]
    application: Option<String>,
    /// The folder of the pages: after the demo, the guard keeps serving them until Ctrl-C
    #[arg(long, value_name = "FOLDER")]
    pages: Option<PathBuf>,
    /// A stock Envoy for clients to connect to, with the guard as its facts service
    #[arg(long, value_name = "PROGRAM", requires = "filter")]
    envoy: Option<PathBuf>,
    /// The filter for Envoy, scimguard-envoy.wasm, which `cargo xtask build` makes
    #[arg(long, value_name = "FILE", requires = "envoy")]
    filter: Option<PathBuf>,
}

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let application = args.application.context(
        "no application to protect: run `cargo xtask demo`, which prepares the example \
         application, or give the command line of one with --application",
    )?;
    let parts = args.envoy.zip(args.filter);
    let parts = parts.map(|(program, filter)| demo::Parts { program, filter });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let as_expected = runtime.block_on(demo::play(
        &application,
        args.pages.as_deref(),
        parts.as_ref(),
    ))?;
    Ok(ExitCode::from(u8::from(!as_expected)))
}
