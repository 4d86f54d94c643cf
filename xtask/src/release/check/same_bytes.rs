//! The plugin and the filter are the same bytes wherever they are built, so that anyone can check that
//! the released ones are made of these sources.

use std::fs;

use anyhow::{Context, Result, ensure};

use super::super::{Release, emptied, output, sha256};
use crate::envoy;
use crate::project::Project;
use crate::steps::Steps;

/// Builds both again from a copy of the checkout.
pub(super) fn check(release: &Release, steps: &mut Steps) -> Result<()> {
    let folder = emptied(release.trees.join("elsewhere"))?;
    let project = release.project;
    let files = output(project.command("git").args(["ls-files", "-z"]))?;
    for file in files.split_terminator('\0') {
        let place = folder.join("checkout").join(file);
        fs::create_dir_all(place.parent().context("a file without a folder")?)?;
        fs::copy(project.file(file), &place).with_context(|| format!("cannot copy {file}"))?;
    }
    let elsewhere = Project::at(folder.join("checkout"), folder.join("built"));
    let again = envoy::filter_and_plugin(&elsewhere, steps)?;
    steps.step("the same modules in another folder", |_| {
        let pairs = [
            (&release.built.component, &again.component),
            (&release.built.filter, &again.filter),
        ];
        for (one, other) in pairs {
            ensure!(
                sha256(one)? == sha256(other)?,
                "{} and {} differ",
                one.display(),
                other.display()
            );
        }
        Ok(())
    })
}
