//! The configuration file of a command: `--config`, else that of `SCIMGUARD_CONFIG`, else
//! `scimguard.toml` in the current folder.

use std::ffi::OsString;
use std::ops::Deref;
use std::path::{Path, PathBuf};

const VARIABLE: &str = "SCIMGUARD_CONFIG";

const USUAL: &str = "scimguard.toml";

/// The configuration file.
#[derive(Clone, clap::Args)]
pub(super) struct ConfigFile {
    /// The configuration file; `scimguard serve --help` shows every key [default: that of
    /// SCIMGUARD_CONFIG, else scimguard.toml]
    #[arg(long = "config", value_name = "FILE", default_value_os_t = usual(), hide_default_value = true)]
    file: PathBuf,
}

impl Deref for ConfigFile {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.file
    }
}

/// The file of a command without `--config`.
pub(super) fn usual() -> PathBuf {
    named(std::env::var_os(VARIABLE)).unwrap_or_else(|| USUAL.into())
}

/// The same for a command that can do without: `None` if nothing names a file and there is none.
pub(super) fn usual_if_any() -> Option<PathBuf> {
    let usual = Path::new(USUAL);
    named(std::env::var_os(VARIABLE)).or_else(|| usual.exists().then(|| usual.to_owned()))
}

fn named(variable: Option<OsString>) -> Option<PathBuf> {
    variable.filter(|file| !file.is_empty()).map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_variable_names_no_file() {
        assert_eq!(named(None), None);
        assert_eq!(named(Some(OsString::new())), None);
        assert_eq!(named(Some("a.toml".into())), Some("a.toml".into()));
    }
}
