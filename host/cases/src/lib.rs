//! Case suites: requests with their expected decisions, in JSON. In a case with several steps, the
//! facts evolve with the backend's answers.

#[cfg(test)]
mod coverage;
mod expect;
mod run;
mod suite;
mod transcript;

pub use self::run::{Failure, run};
pub use self::suite::{Case, Suite, milliseconds};
pub use self::transcript::record;

use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// The suites named on a command line: files as they are, folders with every `*.json` below.
///
/// # Errors
/// A folder cannot be read, or holds none.
pub fn find(paths: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for path in paths {
        if path.is_dir() {
            let before = found.len();
            walk(path, &mut found)?;
            anyhow::ensure!(
                found.len() > before,
                "{}: no *.json below this folder",
                path.display()
            );
        } else {
            found.push(path.clone());
        }
    }
    Ok(found)
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let mut entries: Vec<_> = std::fs::read_dir(folder)
        .and_then(|entries| {
            entries
                .map(|entry| entry.map(|entry| entry.path()))
                .collect()
        })
        .with_context(|| format!("{}", folder.display()))?;
    entries.sort();
    for path in entries {
        if path.is_dir() {
            walk(&path, found)?;
        } else if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            found.push(path);
        }
    }
    Ok(())
}
