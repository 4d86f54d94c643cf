//! Builds the pages: folders of static files, for any file server and for the guard's admin address.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::json;

use crate::node;
use crate::project::Project;
use crate::steps::Steps;
use crate::web::Package;

/// Builds each page into a folder of its name in `target/web`, where the program in `target/host` finds
/// them, too.
pub(crate) fn build(project: &Project, steps: &mut Steps, package: &Package) -> Result<PathBuf> {
    node::web_modules(project, steps)?;
    let folder = project.built("web");
    steps.step("pages", |step| {
        step.run(
            project
                .command("node")
                .arg(project.file("plugin/web/build.mjs"))
                .arg(&package.folder)
                .arg(&folder),
        )?;
        beside_program(project, &folder)
    })?;
    Ok(folder)
}

/// Links the pages beside the program, where the host looks for them.
fn beside_program(project: &Project, pages: &Path) -> Result<()> {
    let place = project.built("host/pages");
    if place.is_symlink() {
        return Ok(());
    }
    fs::create_dir_all(project.built("host"))?;
    symlink(pages, &place).with_context(|| format!("cannot make {}", place.display()))
}

/// Type-checks the pages' sources against the package that they import.
pub(crate) fn check(project: &Project, steps: &mut Steps, package: &Package) -> Result<()> {
    let modules = node::web_modules(project, steps)?;
    let sources = project.file("plugin/web");
    // Only this program knows cargo's target folder, which contains the package.
    let configuration = json!({
        "extends": sources.join("tsconfig.json"),
        "compilerOptions": {"paths": {"scimguard": [&package.folder]}},
        "include": [&sources],
        "exclude": [sources.join("node_modules"), sources.join("package")],
    });
    let file = project.built("web/tsconfig.json");
    steps.step("types of the pages", |step| {
        fs::write(&file, configuration.to_string())?;
        step.run(
            project
                .command("node")
                .arg(modules.join("typescript/bin/tsc"))
                .arg("--project")
                .arg(&file),
        )
    })
}
