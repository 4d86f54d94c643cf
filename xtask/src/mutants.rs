//! `cargo xtask mutants`: changes the policy in small ways, and checks that a test notices each change.

use std::process::ExitCode;

use anyhow::{Context, Result, ensure};

use crate::cargo_tool::CargoTool;
use crate::project::Project;
use crate::steps::Steps;

/// What finds the mutants.
const FINDER: CargoTool = CargoTool {
    name: "cargo-mutants",
    version: "27.1.0",
};

/// Where mutants are looked for by default: what decides, and what the record becomes.
const FILES: [&str; 6] = [
    "plugin/core/src/act/",
    "plugin/core/src/permit/",
    "plugin/core/src/plan/",
    "plugin/core/src/record/",
    "plugin/core/src/rules/",
    "plugin/exchange/src/",
];

pub(crate) const EXAMPLES: &str = "\
cargo-mutants finds the mutants. All of them are built into one copy of the tests, each behind a switch,
so that a run takes minutes and not days. A mutant that no test notices is an error, unless
tests/mutants/unchanged.toml tells why it changes nothing.

Examples:
  cargo xtask mutants
  cargo xtask mutants plugin/core/src/permit/
  cargo xtask mutants --every 10 --seconds 20";

/// Builds the mutants and tries every n-th of those in files whose path begins so.
pub(crate) fn run(
    project: &Project,
    steps: &mut Steps,
    files: &[String],
    every: usize,
    seconds: Option<u64>,
) -> Result<ExitCode> {
    let finder = FINDER.path(project, steps)?;
    let work = project.built("mutants");
    std::fs::create_dir_all(&work)?;
    let list = work.join("list.json");
    let files: Vec<&str> = match files {
        [] => FILES.to_vec(),
        named => named.iter().map(String::as_str).collect(),
    };
    let mut find = project.command(&finder);
    find.args(["mutants", "--list", "--json"]);
    find.args([
        "--package",
        "scimguard-core",
        "--package",
        "scimguard-exchange",
    ]);
    find.args(
        files
            .iter()
            .flat_map(|file| ["--file".to_owned(), pattern(file)]),
    );
    let found = find.output().with_context(|| FINDER.name)?;
    ensure!(
        found.status.success(),
        "{}",
        String::from_utf8_lossy(&found.stderr)
    );
    std::fs::write(&list, found.stdout)?;

    let mutants = |verb: &str| {
        let mut cargo = project.cargo();
        cargo.args([verb, "--package", "scimguard-mutants"]);
        cargo
    };
    steps.step("the program that switches", |step| {
        step.run(&mut mutants("build"))
    })?;
    let status = mutants("run")
        .args(["--quiet", "--", "--project"])
        .arg(project.file("."))
        .arg("--list")
        .arg(&list)
        .arg("--work")
        .arg(&work)
        .args(["--every", &every.to_string()])
        .args(seconds.map(|seconds| format!("--seconds={seconds}")))
        .status()?;
    Ok(match status.success() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// A folder stands for all files in it.
fn pattern(file: &str) -> String {
    match file.strip_suffix('/') {
        Some(folder) => format!("{folder}/**"),
        None => file.to_owned(),
    }
}
