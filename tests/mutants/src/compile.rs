//! Builds the tests of the copy, and finds the mutants that do not compile.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Result, bail, ensure};
use serde::Deserialize;

use crate::tree::Tree;

/// The packages whose tests look for mutants.
const TESTS: [&str; 6] = [
    "scimguard-cases",
    "scimguard-core",
    "scimguard-exchange",
    "scimguard-exploration",
    "scimguard-interface",
    "scimguard-knowledge",
];

/// A test program.
pub(crate) struct Suite {
    /// `core/cost`, say.
    pub(crate) name: String,
    pub(crate) program: PathBuf,
    /// Where it runs.
    pub(crate) folder: PathBuf,
}

/// What cargo prints, a line each.
#[derive(Deserialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
enum Line {
    CompilerMessage {
        message: Diagnostic,
    },
    CompilerArtifact {
        executable: Option<PathBuf>,
        manifest_path: PathBuf,
        target: Target,
        profile: Profile,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

#[derive(Deserialize)]
struct Profile {
    test: bool,
}

/// Builds the tests, and leaves out the mutants that do not compile.
pub(crate) fn tests(tree: &mut Tree<'_>, built: &Path) -> Result<Vec<Suite>> {
    // Checking is cheaper than building, and finds nearly all that does not compile.
    for verb in ["check", "test"] {
        loop {
            let (lines, is_built) = cargo(tree, built, verb)?;
            let errors: Vec<&Diagnostic> = lines.iter().filter_map(error).collect();
            if errors.is_empty() {
                ensure!(is_built, "cargo {verb} failed");
                if verb == "test" {
                    tree.remember()?;
                    return suites(lines);
                }
                break;
            }
            if !tree.leave_out(&errors)? {
                let told: Vec<&str> = errors.iter().map(|error| &*error.rendered).collect();
                bail!("the copy does not compile:\n{}", told.join("\n"));
            }
        }
    }
    bail!("no tests were built")
}

/// A place that the compiler names.
#[derive(Deserialize)]
pub(crate) struct Span {
    pub(crate) file_name: String,
    pub(crate) byte_start: usize,
    pub(crate) byte_end: usize,
    pub(crate) is_primary: bool,
}

/// What the compiler says.
#[derive(Deserialize)]
pub(crate) struct Diagnostic {
    level: String,
    code: Option<Code>,
    rendered: String,
    pub(crate) spans: Vec<Span>,
}

#[derive(Deserialize)]
struct Code {
    code: String,
}

/// What cargo prints, and whether it succeeds.
fn cargo(tree: &Tree<'_>, built: &Path, verb: &str) -> Result<(Vec<Line>, bool)> {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(&tree.root).arg(verb);
    if verb == "test" {
        cargo.arg("--no-run");
    }
    cargo.args(["--tests", "--profile", "host", "--message-format", "json"]);
    cargo.args(TESTS.iter().flat_map(|package| ["--package", package]));
    let output = cargo
        .env("CARGO_TARGET_DIR", built)
        .stderr(Stdio::inherit())
        .output()?;
    let lines = serde_json::Deserializer::from_slice(&output.stdout).into_iter();
    Ok((lines.collect::<Result<_, _>>()?, output.status.success()))
}

fn error(line: &Line) -> Option<&Diagnostic> {
    match line {
        // The summary at the end has no place.
        Line::CompilerMessage { message }
            if message.level == "error" && !message.spans.is_empty() =>
        {
            Some(message)
        }
        _ => None,
    }
}

impl Diagnostic {
    /// A match has not enough arms.
    pub(crate) fn is_of_arms(&self) -> bool {
        self.code.as_ref().is_some_and(|code| code.code == "E0004")
    }
}

fn suites(lines: Vec<Line>) -> Result<Vec<Suite>> {
    let mut suites = Vec::new();
    for line in lines {
        if let Line::CompilerArtifact {
            executable: Some(program),
            manifest_path,
            target,
            profile: Profile { test: true },
        } = line
            && let Some(folder) = manifest_path.parent()
        {
            let package = folder.file_name().unwrap_or_default().display();
            suites.push(Suite {
                name: format!("{package}/{}", target.name),
                program,
                folder: folder.to_owned(),
            });
        }
    }
    Ok(suites)
}
