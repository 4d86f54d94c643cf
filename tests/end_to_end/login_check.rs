//! Which app integration signs a user in, as the guarded product's documentation has it: asked of
//! the program and of the plugin.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use scimguard_tests::environment::{self, COMPONENT, PROGRAM};
use scimguard_tests::process;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;

/// An integration that does not exist.
const NONE: Option<&str> = None;

/// FirstGen's and NextGen's e-mails, who signs in, the integration that authenticates, and what the
/// explanation says if they do not get in.
type Case<'a> = (
    &'a str,
    Option<&'a str>,
    Option<&'a str>,
    &'a str,
    Option<&'a str>,
    Result<(), &'a str>,
);

const FIRSTGEN: Option<&str> = Some("user1@example.com\nuser2@example.com\n");
const NEXTGEN: Option<&str> = Some("user1@example.com\nuser_2@example.com\n");
const EMPTY: Option<&str> = Some("");

const BY_FIRSTGEN: Option<&str> = Some("firstgen");
const BY_NEXTGEN: Option<&str> = Some("nextgen");

#[rustfmt::skip]
const CASES: [Case; 12] = [
    ("the documented example: a user of both gets in",
        FIRSTGEN, NEXTGEN, "user1@example.com", BY_FIRSTGEN, Ok(())),
    ("the documented example: a user of NextGen's alone does not",
        FIRSTGEN, NEXTGEN, "user_2@example.com", BY_FIRSTGEN, Err("add the user to the FirstGen")),
    ("a user of FirstGen's alone gets in",
        FIRSTGEN, NEXTGEN, "user2@example.com", BY_FIRSTGEN, Ok(())),
    ("a user of neither does not",
        FIRSTGEN, NEXTGEN, "user3@example.com", BY_FIRSTGEN, Err("is not assigned to the FirstGen")),
    ("FirstGen's without anybody authenticates all the same",
        EMPTY, NEXTGEN, "user1@example.com", BY_FIRSTGEN, Err("add the user to the FirstGen")),
    ("without FirstGen's, NextGen's authenticates",
        NONE, NEXTGEN, "user_2@example.com", BY_NEXTGEN, Ok(())),
    ("and lets nobody else in",
        NONE, NEXTGEN, "user2@example.com", BY_NEXTGEN, Err("is not assigned to the NextGen")),
    ("FirstGen's alone",
        FIRSTGEN, NONE, "user2@example.com", BY_FIRSTGEN, Ok(())),
    ("without any integration nobody gets in",
        NONE, NONE, "user1@example.com", None, Err("no app integration")),
    ("case does not matter",
        Some("User1@Example.com"), NONE, "USER1@example.COM", BY_FIRSTGEN, Ok(())),
    ("case does not matter beyond ASCII",
        Some("STRASSE@example.com"), NONE, "straße@example.com", BY_FIRSTGEN, Ok(())),
    ("files may come from other systems",
        Some("\u{feff}a@example.com\r\n\r\n \tuser1@example.com \r\n"), NONE, "user1@example.com", BY_FIRSTGEN, Ok(())),
];

#[tokio::test]
async fn the_program_and_the_plugin_tell_who_gets_in() -> anyhow::Result<()> {
    let folder = TempDir::with_prefix("scimguard-tests-")?;
    for (name, firstgen, nextgen, email, integration, outcome) in CASES {
        let firstgen = file(folder.path(), "firstgen.txt", firstgen)?;
        let nextgen = file(folder.path(), "nextgen.txt", nextgen)?;
        let mut answers = Vec::new();
        for engine in ["native", "wasm"] {
            let (code, answer) = ask(engine, &firstgen, &nextgen, email)
                .await
                .context(name)?;
            ensure!(
                code == Some(i32::from(outcome.is_err())),
                "{name}: {code:?}"
            );
            let detail = answer["detail"].as_str().context(name)?.to_owned();
            let explained = outcome.err().is_none_or(|said| detail.contains(said));
            ensure!(explained, "{name}: {detail}");
            let expected = json!({
                "email": email, "integration": integration, "allowed": outcome.is_ok(),
                "detail": detail,
            });
            ensure!(answer == expected, "{name}: {answer}");
            answers.push(answer);
        }
        ensure!(answers[0] == answers[1], "{name}: {answers:?}");
    }
    Ok(())
}

#[tokio::test]
async fn what_is_no_list_of_emails_is_refused_with_its_line() -> anyhow::Result<()> {
    let folder = TempDir::with_prefix("scimguard-tests-")?;
    let table = file(
        folder.path(),
        "table.txt",
        Some("ann@example.com\nbob@example.com,Bob\n"),
    )?;
    let missing = folder.path().join("missing.txt");
    for (file, email, message) in [
        (&table, "ann@example.com", "table.txt: line 2"),
        (&missing, "ann@example.com", "missing.txt"),
        (&PathBuf::from("none"), "ann", "not an e-mail"),
    ] {
        let mut command = command("native", file, Path::new("none"), email);
        let output = process::run(&mut command).await?;
        let complaint = String::from_utf8_lossy(&output.stderr);
        ensure!(
            output.status.code() == Some(2) && output.stdout.is_empty(),
            "{complaint}"
        );
        ensure!(complaint.contains(message), "{complaint}");
    }
    Ok(())
}

/// A file of e-mails, or the word for none.
fn file(folder: &Path, name: &str, emails: Option<&str>) -> anyhow::Result<PathBuf> {
    let Some(emails) = emails else {
        return Ok("none".into());
    };
    let path = folder.join(name);
    std::fs::write(&path, emails)?;
    Ok(path)
}

fn command(engine: &str, firstgen: &Path, nextgen: &Path, email: &str) -> Command {
    let mut command = Command::new(environment::file(PROGRAM));
    command
        .args(["login-check", "--engine", engine, "--firstgen"])
        .arg(firstgen)
        .arg("--nextgen")
        .arg(nextgen)
        .arg(email);
    if engine == "wasm" {
        command.arg("--component").arg(environment::file(COMPONENT));
    }
    command
}

async fn ask(
    engine: &str,
    firstgen: &Path,
    nextgen: &Path,
    email: &str,
) -> anyhow::Result<(Option<i32>, Value)> {
    let output = process::run(&mut command(engine, firstgen, nextgen, email)).await?;
    let answer = serde_json::from_slice(&output.stdout)
        .with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
    Ok((output.status.code(), answer))
}
