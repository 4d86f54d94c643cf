//! Installs Node packages: those that tests run against (SCIM implementations and an OpenID provider of other
//! projects, the JSON test suite, definitions of Kubernetes resources), which are not part of scimguard; and
//! those that build and test the pages and the browser module.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::debian;
use crate::project::Project;
use crate::steps::Steps;

/// The files that name the packages and pin their versions.
const FILES: [&str; 2] = ["package.json", "package-lock.json"];

/// Checks for the oldest Node that the packages support.
const CHECK: &str = "process.exit(process.versions.node.split('.')[0] < 20 ? 1 : 0)";

const ADVICE: &str = "Node 20 or newer with npm is needed as `node` and `npm` (Debian: `apt-get \
    install nodejs npm`; Fedora: `dnf install nodejs-npm`; macOS: `brew install node`)";

/// Installs the packages of `tests/peers/package.json`; returns the `node_modules` of `target/node`.
pub(crate) fn modules(project: &Project, steps: &mut Steps) -> Result<PathBuf> {
    let folder = project.built("node");
    install(project, steps, "Node tools", "tests/peers", &folder)
}

/// Installs the packages of `plugin/web`; returns its `node_modules`, where bundlers look for imports.
pub(crate) fn web_modules(project: &Project, steps: &mut Steps) -> Result<PathBuf> {
    let folder = project.file("plugin/web");
    install(
        project,
        steps,
        "Node tools of the pages",
        "plugin/web",
        &folder,
    )
}

/// Installs the packages that `source` names into `folder`, if they are missing.
fn install(
    project: &Project,
    steps: &mut Steps,
    name: &'static str,
    source: &str,
    folder: &Path,
) -> Result<PathBuf> {
    let modules = folder.join("node_modules");
    let stamp = modules.join("installed.txt");
    let wanted = project.contents(FILES.map(|file| format!("{source}/{file}")))?;
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(modules);
    }
    steps.step(name, |step| {
        debian::need(step, is_usable, &["nodejs", "npm"], ADVICE)?;
        let source = project.file(source);
        if source != folder {
            fs::create_dir_all(folder)?;
            for file in FILES {
                fs::copy(source.join(file), folder.join(file))?;
            }
        }
        step.run(
            project
                .command("npm")
                .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
                .arg("--prefix")
                .arg(folder),
        )?;
        fs::write(&stamp, &wanted)?;
        Ok(())
    })?;
    Ok(modules)
}

fn is_usable() -> bool {
    let succeeds = |program: &str, arguments: &[&str]| {
        Command::new(program)
            .args(arguments)
            .output()
            .is_ok_and(|output| output.status.success())
    };
    succeeds("node", &["--eval", CHECK]) && succeeds("npm", &["--version"])
}
