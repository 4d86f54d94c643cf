//! The Node tools that tests run against: SCIM implementations and an OpenID provider of other
//! projects, and the JSON test suite. They are not part of scimguard.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::debian;
use crate::project::Project;
use crate::steps::Steps;

/// What is wanted, and exactly which versions of it and of what it needs.
const FILES: [&str; 2] = ["package.json", "package-lock.json"];

/// What Node must pass: the oldest that the packages run on.
const CHECK: &str = "process.exit(process.versions.node.split('.')[0] < 20 ? 1 : 0)";

const ADVICE: &str = "Node 20 or newer with npm is needed as `node` and `npm` (Debian: `apt-get \
    install nodejs npm`; Fedora: `dnf install nodejs-npm`; macOS: `brew install node`)";

/// The `node_modules` of `target/node`, with the packages of `tests/peers/package.json` installed.
pub(crate) fn modules(project: &Project, steps: &mut Steps) -> Result<PathBuf> {
    let folder = project.built("node");
    let modules = folder.join("node_modules");
    let stamp = modules.join("installed.txt");
    let wanted = project.contents(FILES.map(|file| format!("tests/peers/{file}")))?;
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(modules);
    }
    steps.step("Node tools", |step| {
        debian::need(step, is_usable, &["nodejs", "npm"], ADVICE)?;
        fs::create_dir_all(&folder)?;
        for file in FILES {
            fs::copy(project.file("tests/peers").join(file), folder.join(file))?;
        }
        step.run(
            project
                .command("npm")
                .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
                .arg("--prefix")
                .arg(&folder),
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
