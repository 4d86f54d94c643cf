//! `scimguard facts`.

use std::process::ExitCode;

use anyhow::bail;

use super::config_file::ConfigFile;
use super::serve;
use crate::config::Config;

const EXAMPLE: &str = "\
Example:
  scimguard facts --config scimguard.toml";

/// Answer gateways that run the policy themselves, and keep the record for them
///
/// `serve` does it too if the configuration has `[facts]`; this command is for a set-up in which
/// gateways decide all requests, and does not use `listen`. Only one process may use a store: several gateways share one
/// service, and a guard in front of the same application runs as `serve` with `[facts]`.
#[derive(clap::Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Args {
    #[command(flatten)]
    config: ConfigFile,
}

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let config = Config::read(&args.config)?;
    if config.facts.is_none() {
        bail!(
            "the configuration has no `[facts]`, where gateways connect; `scimguard serve --help` \
             shows every key"
        );
    }
    serve::start(&config, None)
}
