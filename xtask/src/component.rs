//! Builds the plugin: a core module for wasm32, turned into a component.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use wit_component::ComponentEncoder;

use crate::imports;
use crate::project::Project;
use crate::steps::Steps;
use crate::toolchain::{self, Toolchain};

/// The plugin's crate.
const PACKAGE: &str = "scimguard-component";

/// Builds `target/scimguard.wasm` and checks that it imports nothing.
pub(crate) fn build(project: &Project, steps: &mut Steps) -> Result<PathBuf> {
    let module = module(project, steps, "plugin", PACKAGE, &RELEASE)?;
    made(project, steps, &module)
}

fn made(project: &Project, steps: &mut Steps, module: &Path) -> Result<PathBuf> {
    let component = project.built("scimguard.wasm");
    steps.step("plugin imports nothing", |_| {
        let bytes = encode(module, &component)?;
        imports::refuse(&bytes)
    })?;
    Ok(component)
}

/// The options to compile a core module with.
pub(crate) struct Profile {
    /// The Cargo profile.
    pub(crate) name: &'static str,
    /// Unstable flags of the compiler.
    pub(crate) flags: &'static [&'static str],
}

/// The profile of released plugins.
pub(crate) const RELEASE: Profile = Profile {
    name: "release",
    flags: &[],
};

/// Builds the plugin together with another package's core module, whose path it returns, because linking
/// each keeps only one processor busy.
pub(crate) fn build_with(
    project: &Project,
    steps: &mut Steps,
    name: &'static str,
    other: &str,
) -> Result<(PathBuf, PathBuf)> {
    let packages = ["--package", PACKAGE, "--package", other];
    let folder = built(project, steps, name, &packages, &RELEASE)?;
    let component = made(project, steps, &folder.join(file(PACKAGE)))?;
    Ok((component, folder.join(file(other))))
}

/// Builds a package's core module, in a step of this name.
pub(crate) fn module(
    project: &Project,
    steps: &mut Steps,
    name: &'static str,
    package: &str,
    profile: &Profile,
) -> Result<PathBuf> {
    let folder = built(project, steps, name, &["--package", package], profile)?;
    Ok(folder.join(file(package)))
}

/// Builds an example of a package as a core module, in a step of this name.
pub(crate) fn example(
    project: &Project,
    steps: &mut Steps,
    name: &'static str,
    package: &str,
    example: &str,
) -> Result<PathBuf> {
    let what = ["--package", package, "--example", example];
    let folder = built(project, steps, name, &what, &RELEASE)?;
    Ok(folder.join("examples").join(format!("{example}.wasm")))
}

/// Builds for wasm32 and returns the output folder.
fn built(
    project: &Project,
    steps: &mut Steps,
    name: &'static str,
    what: &[&str],
    profile: &Profile,
) -> Result<PathBuf> {
    let toolchain = toolchain::wasm32(steps)?;
    // A separate folder, since the host build must not see the getrandom backend, and a change of flags
    // in one folder would rebuild everything.
    let folder = project.built("wasm");
    let flags = ["--cfg", "getrandom_backend=\"custom\""];
    let flags = [&flags, profile.flags].concat().join("\u{1f}");
    let mut build = toolchain.build(project, profile.name);
    build
        .args(what)
        .env("CARGO_TARGET_DIR", &folder)
        .env("CARGO_ENCODED_RUSTFLAGS", flags);
    if !profile.flags.is_empty() {
        build.env("RUSTC_BOOTSTRAP", "1");
    }
    steps.step(name, |step| step.run(&mut build))?;
    Ok(folder.join(Toolchain::output(profile.name)))
}

/// The file name of a package's core module.
fn file(package: &str) -> String {
    format!("{}.wasm", package.replace('-', "_"))
}

/// Turns the module into a component if it is out of date; returns the component's bytes.
fn encode(module: &Path, component: &Path) -> Result<Vec<u8>> {
    let encoder = std::env::current_exe()?;
    if newer(component, module)? && newer(component, &encoder)? {
        return Ok(fs::read(component)?);
    }
    let core = fs::read(module).with_context(|| format!("cannot read {}", module.display()))?;
    let bytes = ComponentEncoder::default()
        .module(&core)?
        .validate(true)
        .encode()?;
    // A running guard may have the old file open, so it is replaced, not overwritten.
    let written = component.with_extension("wasm.new");
    fs::write(&written, &bytes)?;
    fs::rename(&written, component)?;
    Ok(bytes)
}

fn newer(made: &Path, source: &Path) -> Result<bool> {
    let Ok(made) = fs::metadata(made) else {
        return Ok(false);
    };
    let source =
        fs::metadata(source).with_context(|| format!("cannot read {}", source.display()))?;
    Ok(made.modified()? >= source.modified()?)
}
