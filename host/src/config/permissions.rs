//! `[permissions]`: the source of the rights of principals that the guard's own store does not have.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use super::endpoint::Template;
use super::{CredentialSource, some_duration};

/// The source of principals' rights.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Written")]
pub(crate) enum Permissions {
    /// A separate document.
    File(PathBuf),
    /// The application's service.
    Service(Service),
}

/// The application's own service for permissions.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) template: Template,
    /// The guard's credential at the service.
    pub(crate) credential: Option<CredentialSource>,
    /// How long an answer is cached.
    pub(crate) cache: Duration,
    /// How long it may take to answer.
    pub(crate) timeout: Duration,
}

/// The table as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    file: Option<PathBuf>,
    url: Option<Template>,
    credential: Option<CredentialSource>,
    #[serde(default, deserialize_with = "some_duration")]
    cache: Option<Duration>,
    #[serde(default, deserialize_with = "some_duration")]
    timeout: Option<Duration>,
}

/// How long a removed principal may still have access.
const CACHE: Duration = Duration::from_secs(30);

const TIMEOUT: Duration = Duration::from_secs(5);

// === impl Permissions ===

impl Permissions {
    /// Makes paths relative to the configuration.
    pub(super) fn place(&mut self, folder: &Path) {
        match self {
            Self::File(file) => *file = folder.join(&*file),
            Self::Service(service) => {
                if let Some(source) = &mut service.credential {
                    source.place(folder);
                }
            }
        }
    }
}

impl TryFrom<Written> for Permissions {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let asked =
            written.credential.is_some() || written.cache.is_some() || written.timeout.is_some();
        match (written.file, written.url) {
            (Some(_), None) if asked => {
                Err("permissions: `credential`, `cache` and `timeout` go with `url`".to_owned())
            }
            (Some(file), None) => Ok(Self::File(file)),
            (None, Some(template)) => Ok(Self::Service(Service {
                template,
                credential: written.credential,
                cache: written.cache.unwrap_or(CACHE),
                timeout: written.timeout.unwrap_or(TIMEOUT),
            })),
            _ => Err("permissions: give one of `file` and `url`".to_owned()),
        }
    }
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
                "go with `url`",
            ),
            (format!("{url}ttl = \"1s\""), "unknown field"),
        ] {
            let error = read(&text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
