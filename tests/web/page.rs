//! Tests the page that explains verdicts. The scripts in the folder `page` type and click like people; the
//! program plays the cases that the page saves.

use std::path::Path;

use anyhow::ensure;
use scimguard_tests::environment::{CHROMIUM, PAGES, PROGRAM, WEB_MODULES, file};
use scimguard_tests::process::output;
use tokio::process::Command;

#[tokio::test]
async fn texts_are_read_secrets_hidden_and_bodies_compared() -> anyhow::Result<()> {
    script("sources.mjs", Path::new("")).await
}

#[tokio::test]
async fn what_is_asked_is_read_and_its_faults_are_marked() -> anyhow::Result<()> {
    script("asking.mjs", Path::new("")).await
}

#[tokio::test]
async fn what_is_said_explains_every_example() -> anyhow::Result<()> {
    script("telling.mjs", Path::new("")).await
}

#[tokio::test]
async fn what_is_shared_holds_no_secret_and_passes_as_a_case() -> anyhow::Result<()> {
    let saved = tempfile::tempdir()?;
    script("sharing.mjs", saved.path()).await?;
    let cases = std::fs::read_dir(saved.path())?.count();
    let mut program = Command::new(file(PROGRAM));
    program
        .args(["test", "--engine", "native"])
        .arg(saved.path());
    let printed = output(&mut program).await?;
    ensure!(cases > 0, "no case was saved");
    ensure!(
        printed.ends_with(&format!("{cases} passed, 0 failed\n")),
        "{printed}"
    );
    Ok(())
}

#[tokio::test]
async fn people_of_all_kinds_can_use_it() -> anyhow::Result<()> {
    script("people.mjs", Path::new("")).await
}

#[tokio::test]
async fn nobody_waits() -> anyhow::Result<()> {
    script("speed.mjs", Path::new("")).await
}

/// Runs the tests of a script.
async fn script(name: &str, saved: &Path) -> anyhow::Result<()> {
    let mut node = Command::new("node");
    node.args(["--test", "--test-force-exit", "--test-reporter=spec"])
        .arg(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/web/page")).join(name))
        .env("SCIMGUARD_WEB_PAGE", file(PAGES).join("page"))
        .env("SCIMGUARD_SAVED", saved)
        .env(WEB_MODULES, file(WEB_MODULES))
        .env(CHROMIUM, file(CHROMIUM));
    output(&mut node).await?;
    Ok(())
}
