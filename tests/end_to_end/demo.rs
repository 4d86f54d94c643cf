//! `scimguard demo`, as `cargo xtask demo` runs it.

use anyhow::ensure;
use scimguard_tests::environment::{self, PROGRAM, PYTHON};
use scimguard_tests::process;
use tokio::process::Command;

#[tokio::test]
async fn the_demo_goes_as_told_and_is_plain_in_a_pipe() -> anyhow::Result<()> {
    let application = format!(
        "'{}' '{}'",
        environment::file(PYTHON).display(),
        process::example_application().display()
    );
    let mut demo = Command::new(environment::file(PROGRAM));
    let told = process::output(demo.args(["demo", "--application", &application])).await?;
    ensure!(told.contains("All as told"), "{told}");
    ensure!(!told.contains('\u{1b}'), "colours in a pipe:\n{told}");
    Ok(())
}

#[tokio::test]
async fn without_an_application_it_says_what_to_run() -> anyhow::Result<()> {
    let output = process::run(Command::new(environment::file(PROGRAM)).arg("demo")).await?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(
        !output.status.success() && said.contains("cargo xtask demo"),
        "{output:?}"
    );
    Ok(())
}
