//! `[permissions]`: where the rights of principals are that the guard's own store does not know.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use super::endpoint::Template;
use super::{CredentialSource, duration};

/// Where the rights of principals are.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Written")]
pub(crate) enum Permissions {
    /// In a document of their own.
    File(PathBuf),
    /// The application tells.
    Service(Service),
}

/// The application's own service for permissions.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) template: Template,
    /// What the guard proves itself with there.
    pub(crate) credential: Option<CredentialSource>,
    /// How long an answer holds.
    pub(crate) cache: Duration,
    /// How long it may take to answer.
    pub(crate) timeout: Duration,
}

/// The table as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    file: Option<PathBuf>,
    url: Option<Template>,
    credential: Option<CredentialSource>,
    #[serde(default = "thirty_seconds", deserialize_with = "duration")]
    cache: Duration,
    #[serde(default = "five_seconds", deserialize_with = "duration")]
    timeout: Duration,
}

// === impl Permissions ===

impl Permissions {
    /// Paths are relative to the configuration.
    pub(super) fn place(&mut self, folder: &Path) {
        let file = match self {
            Self::File(file) => Some(file),
            Self::Service(service) => service
                .credential
                .as_mut()
                .and_then(|source| source.file.as_mut()),
        };
        if let Some(file) = file {
            *file = folder.join(&*file);
        }
    }
}

impl TryFrom<Written> for Permissions {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        match (written.file, written.url) {
            (Some(_), None) if written.credential.is_some() => {
                Err("permissions: `credential` goes with `url`".to_owned())
            }
            (Some(file), None) => Ok(Self::File(file)),
            (None, Some(template)) => {
                let source = written.credential.as_ref();
                if source.is_some_and(|source| source.file.is_some() == source.env.is_some()) {
                    return Err("permissions.credential: give one of `file` and `env`".to_owned());
                }
                Ok(Self::Service(Service {
                    template,
                    credential: written.credential,
                    cache: written.cache,
                    timeout: written.timeout,
                }))
            }
            _ => Err("permissions: give one of `file` and `url`".to_owned()),
        }
    }
}

fn thirty_seconds() -> Duration {
    Duration::from_secs(30)
}

fn five_seconds() -> Duration {
    Duration::from_secs(5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_or_a_service() {
        let read = |text: &str| toml::from_str::<Permissions>(text).map_err(|e| e.to_string());
        let url = "url = \"https://app.internal/{account}/{principal}\"\n";
        assert!(matches!(
            read("file = \"p.json\""),
            Ok(Permissions::File(_))
        ));
        let with =
            format!("{url}cache = \"5s\"\n[credential]\nenv = \"X\"\nheader = \"x-api-key\"");
        let Ok(Permissions::Service(service)) = read(&with) else {
            panic!("not a service");
        };
        assert_eq!(service.cache, Duration::from_secs(5));
        for (text, why) in [
            (String::new(), "one of `file` and `url`"),
            (format!("{url}file = \"x\""), "one of `file` and `url`"),
            (
                format!("{url}[credential]\nheader = \"x\""),
                "one of `file` and `env`",
            ),
            (
                "file = \"x\"\n[credential]\nenv = \"X\"".to_owned(),
                "goes with `url`",
            ),
            (format!("{url}ttl = \"1s\""), "unknown field"),
        ] {
            let error = read(&text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
