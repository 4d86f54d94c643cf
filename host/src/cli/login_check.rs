//! `scimguard login-check`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail, ensure};

use super::engine_args::EngineArgs;

const EXAMPLE: &str = "\
Example:
  scimguard login-check --firstgen firstgen.txt --nextgen nextgen.txt ann@example.com

  where each file holds the e-mails that are assigned to the app integration, one a line. If there is
  a FirstGen app integration, it is the one that authenticates.

Exit status: 0 the user can sign in, 1 the user cannot, 2 undecidable.";

/// Show which app integration authenticates a user, and whether the user can sign in
#[derive(clap::Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Args {
    /// The users assigned to the FirstGen app integration; `none` if there is none
    #[arg(long, value_name = "FILE|none")]
    firstgen: PathBuf,
    /// The users assigned to the NextGen app integration; `none` if there is none
    #[arg(long, value_name = "FILE|none")]
    nextgen: PathBuf,
    #[command(flatten)]
    engine: EngineArgs,
    /// The user who signs in
    #[arg(value_name = "EMAIL")]
    email: String,
}

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let email = args.email.trim();
    ensure!(
        is_email(email),
        "{email:?} is not an e-mail address such as ann@example.com"
    );
    let firstgen = assigned(&args.firstgen)?;
    let nextgen = assigned(&args.nextgen)?;
    let source = args.engine.source()?;
    let known = source.sign_on(firstgen.as_deref(), nextgen.as_deref(), email)?;
    anstream::println!("{}", serde_json::to_string_pretty(&known)?);
    Ok(if known.allowed {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn assigned(file: &Path) -> anyhow::Result<Option<Vec<String>>> {
    if file.as_os_str() == "none" {
        return Ok(None);
    }
    let place = file.display();
    let text = std::fs::read_to_string(file).with_context(|| {
        format!("{place}: give a file with one e-mail address per line, or `none`")
    })?;
    emails(&text).with_context(|| place.to_string()).map(Some)
}

/// Reads one e-mail address per line. A line with more, such as a table row, would never match:
/// somebody would be reported as not assigned.
fn emails(text: &str) -> anyhow::Result<Vec<String>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines = text.lines().map(str::trim).enumerate();
    lines
        .filter(|(_, line)| !line.is_empty())
        .map(|(number, line)| {
            if !is_email(line) {
                bail!(
                    "line {}: {line:?} is not an e-mail address such as ann@example.com; write one per line, and \
                     nothing else",
                    number + 1
                );
            }
            Ok(line.to_owned())
        })
        .collect()
}

/// Enough to distinguish an address from a name, a heading or a table row.
fn is_email(text: &str) -> bool {
    let foreign = |c: char| c.is_whitespace() || c.is_control() || ",;<>\"".contains(c);
    let parts = text.rsplit_once('@');
    parts.is_some_and(|(name, domain)| !name.is_empty() && !domain.is_empty())
        && !text.contains(foreign)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_as_editors_write_them() {
        let read = emails("\u{feff}Ann@example.com\r\n\r\n  bob@example.com \n\n").unwrap();
        assert_eq!(read, ["Ann@example.com", "bob@example.com"]);
        assert!(emails("").unwrap().is_empty());
    }

    #[test]
    fn a_line_that_is_no_email_is_named() {
        for line in [
            "email",
            "ann@",
            "@example.com",
            "ann@example.com,Ann",
            "Ann Lee <ann@example.com>",
            "ann@example.com bob@example.com",
        ] {
            let error = emails(&format!("a@example.com\n\n{line}\n")).unwrap_err();
            assert!(error.to_string().starts_with("line 3: "), "{error}");
        }
    }
}
