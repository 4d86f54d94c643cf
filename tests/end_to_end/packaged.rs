//! What packages make with the program: manual pages and completions, from the commands that it has.

use std::collections::BTreeSet;
use std::fs;

use anyhow::ensure;
use scimguard_tests::environment::{self, PROGRAM};
use scimguard_tests::process;
use tokio::process::Command;

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(environment::file(PROGRAM));
    command.args(arguments);
    command
}

#[tokio::test]
async fn every_command_has_a_manual_page() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let mut manual = program(&["manual"]);
    process::output(manual.arg(folder.path())).await?;
    let pages: BTreeSet<_> = fs::read_dir(folder.path())?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<anyhow::Result<_>>()?;
    for page in [
        "scimguard.1",
        "scimguard-serve.1",
        "scimguard-token-create.1",
    ] {
        ensure!(pages.contains(page), "{page} is not one of {pages:?}");
    }
    ensure!(!pages.contains("scimguard-manual.1"), "it is for packages");

    // Its lines are not joined.
    let serve = fs::read_to_string(folder.path().join("scimguard-serve.1"))?;
    ensure!(serve.contains("\n[admin_token]\n") || serve.contains("\n# [admin_token]\n"));
    Ok(())
}

#[tokio::test]
async fn shells_complete_every_command() -> anyhow::Result<()> {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = process::output(&mut program(&["completions", shell])).await?;
        ensure!(script.contains("okta-settings"), "{shell}: {script}");
    }
    Ok(())
}
