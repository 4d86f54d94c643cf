//! The checkout's folders, and how to call cargo in them.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

/// The checkout.
pub(crate) struct Project {
    root: PathBuf,
    target: PathBuf,
}

impl Project {
    /// The checkout that this program was built from, with cargo's target folder.
    pub(crate) fn here() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .context("xtask is not in a workspace")?
            .to_owned();
        let chosen = std::env::var_os("CARGO_TARGET_DIR").filter(|folder| !folder.is_empty());
        let target = match chosen {
            Some(folder) => std::path::absolute(folder)?,
            None => root.join("target"),
        };
        Ok(Self { root, target })
    }

    /// A file of the checkout.
    pub(crate) fn file(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// The concatenated contents of files of the checkout.
    pub(crate) fn contents(
        &self,
        files: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<String> {
        files
            .into_iter()
            .map(|file| {
                let path = self.file(file.as_ref());
                std::fs::read_to_string(&path)
                    .with_context(|| format!("cannot read {}", path.display()))
            })
            .collect()
    }

    /// A file in the target folder.
    pub(crate) fn built(&self, path: &str) -> PathBuf {
        self.target.join(path)
    }

    /// The cargo that runs this program.
    pub(crate) fn cargo(&self) -> Command {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        self.command(cargo)
    }

    /// A program to run in the checkout; if it is cargo, it builds in the same target folder.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(&self.root)
            .env("CARGO_TARGET_DIR", &self.target);
        // Without this, build scripts would see the variables that cargo sets for xtask, and everything
        // would be rebuilt at each change between `cargo xtask` and `cargo`.
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
                command.env_remove(&*name);
            }
        }
        command
    }
}
