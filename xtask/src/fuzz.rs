//! `cargo xtask fuzz`: fuzzes the guard for panics, hangs and overflows. It starts from the requests of the
//! case suites and the inputs in tests/fuzz/__fuzz__, and keeps its findings in target/fuzz for the next
//! run.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::cargo_tool::CargoTool;
use crate::project::Project;
use crate::steps::Steps;

/// The fuzzing runner.
const RUNNER: CargoTool = CargoTool {
    name: "cargo-bolero",
    version: "0.13.5",
};

/// The targets of tests/fuzz.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Target {
    /// The body of a create
    Body,
    /// The body of a PATCH
    Patch,
    /// The path of an operation
    Path,
    /// A filter
    Filter,
    /// Method, path and body
    WholeRequest,
    /// The work per byte of a request
    Work,
    /// Requests in a row, through the whole exchange
    Exchange,
    /// The canonical form of requests of every kind
    Canonical,
    /// Policy documents
    Policy,
    /// The work for longer lists in requests of every kind
    Growth,
}

/// Fuzzes each target for some seconds. A failure keeps its input and names the folder.
pub(crate) fn run(
    project: &Project,
    steps: &mut Steps,
    targets: &[Target],
    seconds: u64,
) -> Result<ExitCode> {
    let runner = RUNNER.path(project, steps)?;
    let targets = match targets {
        [] => Target::value_variants(),
        named => named,
    };
    for target in targets {
        let corpus = project.built("fuzz").join(target.name());
        let crashes = project.built("fuzz").join("crashes").join(target.name());
        fs::create_dir_all(&corpus)?;
        fs::create_dir_all(&crashes)?;
        seed(&project.file("tests/cases"), *target, &corpus)?;
        let kept = format!("tests/fuzz/__fuzz__/{}/corpus", target.name());
        start_from(&project.file(&kept), &corpus)?;
        steps.step(target.name(), |step| {
            let ran = step.run(
                project
                    .command(&runner)
                    .args(["bolero", "test", "--package", "scimguard-fuzz"])
                    // Stable Rust has no flags for the engine's counters.
                    .args(["--rustc-bootstrap", "--sanitizer", "NONE"])
                    .arg("--target-dir")
                    .arg(project.built("fuzz/build"))
                    .arg("--corpus-dir")
                    .arg(&corpus)
                    .arg("--crashes-dir")
                    .arg(&crashes)
                    .args(["-T", &format!("{seconds}s"), target.name()]),
            );
            if fs::read_dir(&crashes)?.next().is_some() {
                bail!("the failing input is in {}", crashes.display());
            }
            ran
        })?;
    }
    anstream::println!("{}", steps.summary());
    Ok(ExitCode::SUCCESS)
}

/// Fills a target's corpus from the case suites.
fn seed(cases: &Path, target: Target, corpus: &Path) -> Result<()> {
    let mut seeds = Vec::new();
    collect(cases, target, &mut seeds)?;
    for (index, seed) in seeds.iter().enumerate() {
        fs::write(corpus.join(format!("case-{index}")), seed)?;
    }
    Ok(())
}

/// Adds the inputs that the repository keeps for a target, if any.
fn start_from(kept: &Path, corpus: &Path) -> Result<()> {
    if !kept.is_dir() {
        return Ok(());
    }
    for entry in fs::read_dir(kept).with_context(|| format!("cannot read {}", kept.display()))? {
        let entry = entry?;
        let mut name = OsString::from("kept-");
        name.push(entry.file_name());
        fs::copy(entry.path(), corpus.join(name))?;
    }
    Ok(())
}

fn collect(folder: &Path, target: Target, seeds: &mut Vec<String>) -> Result<()> {
    for entry in
        fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?
    {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, target, seeds)?;
        } else {
            let suite: Value = serde_json::from_str(&fs::read_to_string(&path)?)
                .with_context(|| path.display().to_string())?;
            requests(&suite, &mut |request| target.seeds(request, seeds));
        }
    }
    Ok(())
}

/// Every `request` of a suite.
fn requests(value: &Value, found: &mut impl FnMut(&Value)) {
    match value {
        Value::Array(elements) => elements.iter().for_each(|inner| requests(inner, found)),
        Value::Object(members) => {
            for (name, inner) in members {
                if name == "request" {
                    found(inner);
                } else {
                    requests(inner, found);
                }
            }
        }
        _ => {}
    }
}

// === impl Target ===

impl Target {
    /// The name of its test.
    fn name(self) -> &'static str {
        match self {
            Self::Body => "body",
            Self::Patch => "patch",
            Self::Path => "path",
            Self::Filter => "filter",
            Self::WholeRequest => "whole_request",
            Self::Work => "work",
            Self::Exchange => "exchange",
            Self::Canonical => "canonical",
            Self::Policy => "policy",
            Self::Growth => "growth",
        }
    }

    /// The seeds that a request provides for it.
    fn seeds(self, request: &Value, seeds: &mut Vec<String>) {
        let method = request["method"].as_str().unwrap_or_default();
        let path = request["path"].as_str().unwrap_or_default();
        let body = match (request.get("body"), request.get("body_text")) {
            (Some(body), _) => body.to_string(),
            (None, text) => text.and_then(Value::as_str).unwrap_or_default().to_owned(),
        };
        match self {
            Self::Body if method == "POST" && !body.is_empty() => seeds.push(body),
            Self::Patch if method == "PATCH" && !body.is_empty() => seeds.push(body),
            Self::Path => {
                let operations = request["body"]["Operations"].as_array();
                let paths = operations.into_iter().flatten();
                seeds.extend(paths.filter_map(|one| Some(one["path"].as_str()?.to_owned())));
            }
            Self::Filter => {
                let parameters = path
                    .split_once('?')
                    .map_or("", |(_, query)| query)
                    .split('&');
                let filters = parameters.filter_map(|pair| pair.strip_prefix("filter="));
                seeds.extend(
                    filters.map(|text| percent_decode_str(text).decode_utf8_lossy().into_owned()),
                );
            }
            Self::WholeRequest | Self::Work => seeds.push(format!("{method} {path}\n{body}")),
            Self::Body | Self::Patch => {}
            // Their bytes are choices, not text.
            Self::Exchange | Self::Canonical | Self::Policy | Self::Growth => {}
        }
    }
}
