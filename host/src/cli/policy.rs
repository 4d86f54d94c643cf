//! `scimguard policy`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;
use scimguard_core::{POLICY_SCHEMA, complete_policy};

use crate::config::policy_file;
use crate::engine::LoadError;

const EXAMPLE: &str = "\
Examples:
  scimguard policy schema > policy.schema.json
  scimguard policy show --policy policy.json
  scimguard policy show --policy policy.json --account ACC2";

/// Print the JSON Schema of policy documents, or a policy with every field
#[derive(clap::Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Print the JSON Schema of policy documents, for editors
    Schema,
    /// Print a policy with every field, as the document and its preset give it
    Show {
        /// The policy document [default: the default policy]
        #[arg(long, value_name = "FILE")]
        policy: Option<PathBuf>,
        /// As it is for this account
        #[arg(long)]
        account: Option<String>,
    },
}

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.command {
        Command::Schema => anstream::print!("{POLICY_SCHEMA}"),
        Command::Show { policy, account } => {
            let text = policy.as_deref().map(policy_file).transpose()?;
            match complete_policy(&text.unwrap_or_default(), account.as_deref()) {
                Ok(complete) => anstream::println!("{}", serde_json::to_string_pretty(&complete)?),
                Err(faults) => bail!("{}", LoadError::Policy(faults)),
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
