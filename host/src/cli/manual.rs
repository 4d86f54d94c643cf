//! `scimguard manual`, with which packages make the manual pages.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Command, CommandFactory as _};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

use super::Cli;

/// Write the manual pages into a folder
#[derive(clap::Args)]
#[command(hide = true)]
pub(super) struct Args {
    /// The folder
    folder: PathBuf,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    write(&command, &args.folder)
        .with_context(|| format!("cannot write into {}", args.folder.display()))?;
    Ok(ExitCode::SUCCESS)
}

/// Writes the page of a command, and those of its subcommands.
fn write(command: &Command, folder: &Path) -> io::Result<()> {
    for subcommand in command.get_subcommands().filter(|it| !it.is_hide_set()) {
        write(subcommand, folder)?;
    }
    // `Man` would join the lines of examples and of the configuration file.
    let examples = command.get_after_long_help();
    let examples = examples.or_else(|| command.get_after_help());
    let bare = command.clone().after_help(None::<&str>);
    let man = Man::new(bare.after_long_help(None::<&str>));
    let mut file = File::create(folder.join(man.get_filename()))?;
    man.render(&mut file)?;
    if let Some(examples) = examples {
        unfilled(&examples.to_string()).to_writer(&mut file)?;
    }
    file.flush()
}

fn unfilled(text: &str) -> Roff {
    let mut section = Roff::new();
    section.control("SH", ["NOTES"]).control("nf", []);
    for line in text.lines() {
        section.text([roman(line)]);
    }
    section.control("fi", []);
    section
}
