//! `cargo xtask test`: runs every check and every test, static checks first.

use std::process::ExitCode;

use anyhow::Result;

use crate::project::Project;
use crate::steps::Steps;
use crate::{envoy, host, monitoring, node, page, python, web};

/// Runs everything and stops at the first failure.
pub(crate) fn run(project: &Project, steps: &mut Steps) -> Result<ExitCode> {
    steps.step("format", |step| {
        step.run(project.cargo().args(["fmt", "--all", "--check"]))
    })?;
    steps.step("lints", |step| {
        step.run(
            project
                .cargo()
                .args(["clippy", "--workspace", "--all-targets"])
                .args(host::PROFILE)
                .args(["--", "--deny", "warnings"]),
        )
    })?;
    steps.step("documentation", |step| {
        step.run(
            project
                .cargo()
                .args(["doc", "--workspace", "--no-deps"])
                .args(host::PROFILE)
                .env("RUSTDOCFLAGS", "--deny warnings"),
        )
    })?;
    monitoring::check(project, steps)?;
    let python = python::environment(project, steps)?;
    let modules = node::modules(project, steps)?;
    let envoy::Built { component, filter } = envoy::filter_and_plugin(project, steps)?;
    let envoy = envoy::program(&python)?;
    let package = web::build(project, steps)?;
    let pages = page::build(project, steps, &package)?;
    page::check(project, steps, &package)?;
    let chromium = web::chromium(steps)?;

    // The core's tests use the profile `dev`, which checks arithmetic for overflow.
    steps.step("tests of the core and the build", |step| {
        step.run(project.cargo().args([
            "test",
            "--package",
            "scimguard-core",
            "--package",
            "scimguard-exchange",
            "--package",
            "scimguard-wire",
            "--package",
            "scimguard-fuzz",
            "--package",
            "scimguard-mutants",
            "--package",
            "xtask",
        ]))
    })?;

    // All in one build: a package that is built with others has other features.
    let packages = [
        "scimguard",
        "scimguard-cases",
        "scimguard-exploration",
        "scimguard-knowledge",
        "scimguard-store",
        "scimguard-tests",
    ];
    let tests = || {
        let mut cargo = project.cargo();
        cargo.arg("test").args(host::PROFILE);
        cargo.args(packages.iter().flat_map(|package| ["--package", package]));
        cargo
    };
    let program = host::build_by(project, steps, &component, tests().arg("--no-run"))?;
    steps.step("cases, through the plugin", |step| {
        step.run(
            project
                .command(&program)
                .args(["test", "--engine", "wasm", "tests/cases"]),
        )
    })?;
    steps.step("tests of the host, exploration, end to end", |step| {
        step.run(
            tests()
                .env("SCIMGUARD_BIN", &program)
                .env("SCIMGUARD_COMPONENT", &component)
                .env("SCIMGUARD_PYTHON", &python)
                .env("SCIMGUARD_ENVOY", &envoy)
                .env("SCIMGUARD_FILTER", &filter)
                .env("SCIMGUARD_NODE_MODULES", &modules)
                .env("SCIMGUARD_WEB_PACKAGE", &package.tarball)
                .env("SCIMGUARD_WEB_MODULES", &package.modules)
                .env("SCIMGUARD_PAGES", &pages)
                .env("SCIMGUARD_CHROMIUM", &chromium),
        )
    })?;

    anstream::println!("{}", steps.summary());
    Ok(ExitCode::SUCCESS)
}
