//! `scimguard demo`, as `cargo xtask demo` runs it.

use std::process::Stdio;

use anyhow::{Context as _, ensure};
use scimguard_tests::client::Client;
use scimguard_tests::environment::{self, PAGES, PROGRAM, PYTHON};
use scimguard_tests::process::{self, TIME_LIMIT};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;
use tokio::time::timeout;

#[tokio::test]
async fn the_demo_goes_as_told_and_is_plain_in_a_pipe() -> anyhow::Result<()> {
    let told = process::output(demo().args(["--application", &application()])).await?;
    ensure!(told.contains("Everything went as expected"), "{told}");
    ensure!(!told.contains('\u{1b}'), "colours in a pipe:\n{told}");
    Ok(())
}

#[tokio::test]
async fn with_pages_the_guard_serves_them_after_the_story() -> anyhow::Result<()> {
    let mut demo = demo()
        .args(["--application", &application(), "--pages"])
        .arg(environment::file(PAGES))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let output = demo.stdout.take().context("standard output is a pipe")?;
    let mut lines = BufReader::new(output).lines();
    let told = async {
        let mut is_told = false;
        while let Some(line) = lines.next_line().await? {
            is_told |= line.contains("Everything went as expected");
            if let Some(place) = line.trim().strip_suffix("/explain/") {
                ensure!(is_told, "the story has not ended");
                return Ok(place.to_owned());
            }
        }
        anyhow::bail!("no page is named")
    };
    let served = async {
        let place = timeout(TIME_LIMIT, told).await??;
        Client::new(&place).get("/explain/").await?.status(200)
    };
    let page = served.await;
    // Only a demo that ends by itself ends its servers too.
    ensure!(process::terminate(&mut demo).await?.success());
    let page = page?;
    let policy = page.headers.get("content-security-policy");
    ensure!(policy.is_some_and(|policy| policy.as_bytes().starts_with(b"default-src 'none'")));
    Ok(())
}

#[tokio::test]
async fn without_an_application_it_says_what_to_run() -> anyhow::Result<()> {
    let output = process::run(&mut demo()).await?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(
        !output.status.success() && said.contains("cargo xtask demo"),
        "{output:?}"
    );
    Ok(())
}

fn demo() -> Command {
    let mut command = Command::new(environment::file(PROGRAM));
    command.arg("demo");
    command
}

/// The command line of the example application.
fn application() -> String {
    format!(
        "'{}' '{}'",
        environment::file(PYTHON).display(),
        process::example_application().display()
    )
}
