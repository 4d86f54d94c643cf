//! Programs from the crate registry that some commands need.

use std::path::PathBuf;

use anyhow::Result;

use crate::project::Project;
use crate::steps::Steps;

/// A program and its version.
pub(crate) struct CargoTool {
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
}

impl CargoTool {
    /// Installs it under target/tools if it is missing. Returns its path.
    pub(crate) fn path(&self, project: &Project, steps: &mut Steps) -> Result<PathBuf> {
        let Self { name, version } = *self;
        let tools = project.built("tools");
        let program = tools.join("bin").join(name);
        if !program.exists() {
            steps.step(name, |step| {
                let mut cargo = project.cargo();
                cargo.args(["install", name, "--version", version, "--locked"]);
                step.run(cargo.arg("--root").arg(&tools))
            })?;
        }
        Ok(program)
    }
}
