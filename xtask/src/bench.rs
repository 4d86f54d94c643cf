//! `cargo xtask bench`: benchmarks of the host with the released plugin, of gateways, and of the browser
//! module.

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};

use crate::project::Project;
use crate::steps::Steps;
use crate::{component, envoy, host, nginx, node, python, web};

/// Builds the browser module and measures it beside other packages, in Chromium.
pub(crate) fn web(project: &Project, steps: &mut Steps) -> Result<ExitCode> {
    let peers = node::modules(project, steps)?;
    let package = web::build(project, steps)?;
    let chromium = web::chromium(steps)?;
    let status = project
        .command("node")
        .arg(project.file("plugin/web/bench/measure.mjs"))
        .arg(&package.folder)
        .arg(&peers)
        .env("SCIMGUARD_CHROMIUM", &chromium)
        .status()
        .context("cannot run node")?;
    ensure!(status.success(), "the benchmark failed ({status})");
    Ok(ExitCode::SUCCESS)
}

/// Builds the guard and the filter, and measures them beside other gateways.
pub(crate) fn gateways(
    project: &Project,
    steps: &mut Steps,
    parts: &[OsString],
) -> Result<ExitCode> {
    let python = python::environment(project, steps)?;
    let envoy::Built { component, filter } = envoy::filter_and_plugin(project, steps)?;
    let program = host::build(project, steps, &component)?;
    let empty = envoy::empty_filter(project, steps)?;
    let nginx = nginx::program(steps)?;
    let bench = || {
        let mut cargo = project.cargo();
        cargo.arg("bench").args(host::PROFILE).args([
            "--quiet",
            "--package",
            "scimguard-tests",
            "--bench",
            "gateways",
        ]);
        cargo
    };
    steps.step("benchmark", |step| step.run(bench().arg("--no-run")))?;
    let status = bench()
        .arg("--")
        .args(parts)
        .env("SCIMGUARD_BIN", &program)
        .env("SCIMGUARD_COMPONENT", &component)
        .env("SCIMGUARD_ENVOY", envoy::program(&python)?)
        .env("SCIMGUARD_FILTER", &filter)
        .env("SCIMGUARD_EMPTY_FILTER", &empty)
        .env("SCIMGUARD_NGINX", &nginx)
        .status()
        .context("cannot run cargo")?;
    ensure!(status.success(), "the benchmark failed ({status})");
    Ok(ExitCode::SUCCESS)
}

/// Builds the plugin and the benchmarks, and runs all of them or the one named by the first argument.
pub(crate) fn run(
    project: &Project,
    steps: &mut Steps,
    mut arguments: Vec<OsString>,
) -> Result<ExitCode> {
    let named = arguments.first().and_then(|first| first.to_str());
    let named = named.filter(|name| project.file(&format!("host/benches/{name}.rs")).is_file());
    let named = named.map(str::to_owned);
    if named.is_some() {
        arguments.remove(0);
    }
    let python = python::environment(project, steps)?;
    let node_modules = node::modules(project, steps)?;
    let component = component::build(project, steps)?;
    let bench = || {
        let mut cargo = project.cargo();
        cargo.arg("bench").args(host::PROFILE).args([
            "--quiet",
            "--package",
            "scimguard",
            "--bench",
            named.as_deref().unwrap_or("*"),
        ]);
        cargo
    };
    steps.step("benchmarks", |step| {
        host::need_c_compiler()?;
        step.run(bench().arg("--no-run"))
    })?;
    let status = bench()
        .env("SCIMGUARD_COMPONENT", &component)
        .env("SCIMGUARD_NODE_MODULES", &node_modules)
        .env("SCIMGUARD_PYTHON", &python)
        .arg("--")
        .args(arguments)
        .status()
        .context("cannot run cargo")?;
    ensure!(status.success(), "the benchmarks failed ({status})");
    Ok(ExitCode::SUCCESS)
}
