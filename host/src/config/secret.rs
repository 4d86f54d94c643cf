//! A secret from outside the configuration, which only names the file or environment variable.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use secrecy::{ExposeSecret, SecretString};

/// The source of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Secret {
    /// A file that holds nothing else.
    File(PathBuf),
    /// An environment variable.
    Variable(String),
}

impl Secret {
    pub(super) fn one_of(file: Option<PathBuf>, variable: Option<String>) -> Option<Self> {
        match (file, variable) {
            (Some(file), None) => Some(Self::File(file)),
            (None, Some(variable)) => Some(Self::Variable(variable)),
            _ => None,
        }
    }

    pub(super) fn place(&mut self, folder: &Path) {
        if let Self::File(file) = self {
            *file = folder.join(&*file);
        }
    }

    pub(super) fn file(&self) -> Option<&Path> {
        match self {
            Self::File(file) => Some(file),
            Self::Variable(_) => None,
        }
    }

    /// The secret as it is now, without surrounding white space.
    pub(crate) fn read(&self) -> anyhow::Result<SecretString> {
        let text: SecretString = match self {
            Self::File(file) => std::fs::read_to_string(file)
                .with_context(|| format!("cannot read {}", file.display()))?,
            Self::Variable(name) => std::env::var(name)
                .ok()
                .with_context(|| format!("the environment variable {name} has no text"))?,
        }
        .into();
        let secret = text.expose_secret().trim();
        if secret.is_empty() {
            bail!("{self} is empty");
        }
        Ok(SecretString::from(secret.to_owned()))
    }
}

impl std::fmt::Display for Secret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(file) => write!(formatter, "{}", file.display()),
            Self::Variable(name) => write!(formatter, "the environment variable {name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_shown_nowhere() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("client.secret");
        std::fs::write(&file, " hush-hush\n").unwrap();
        let source = Secret::File(file.clone());
        let secret = source.read().unwrap();
        assert_eq!(secret.expose_secret(), "hush-hush");
        let shown = format!("{source} {source:?} {secret:?}");
        assert!(!shown.contains("hush"), "{shown}");
        std::fs::write(&file, "\n").unwrap();
        assert!(source.read().unwrap_err().to_string().contains("is empty"));
    }
}
