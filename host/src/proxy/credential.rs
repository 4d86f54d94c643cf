//! The guard's own credential at the application, reread from its source.

use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use crate::config::{Config, Credential, CredentialSource};
use crate::reread::Reread;

/// How often the source is checked.
pub(super) const POLL_INTERVAL: Duration = Duration::from_secs(2);

/// A credential that may be replaced while the guard runs. This concerns files: a program's
/// environment does not change from outside.
pub(super) struct Own {
    source: CredentialSource,
    present: RwLock<Credential>,
    reread: Reread,
}

impl Own {
    /// Reads it for the first time, if it is configured.
    pub(super) fn read(config: &Config) -> anyhow::Result<Option<Self>> {
        let (Some(source), Some(present)) = (&config.backend_credential, config.credential()?)
        else {
            return Ok(None);
        };
        Ok(Some(Self {
            source: source.clone(),
            present: RwLock::new(present),
            reread: Reread::new("backend_credential"),
        }))
    }

    pub(super) fn present(&self) -> Credential {
        let present = self.present.read();
        present.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Rereads the source. If it cannot be used, the previous value stays in use.
    pub(super) fn refresh(&self) {
        let Some(read) = self.reread.usable(self.source.read()) else {
            return;
        };
        let mut present = self.present.write().unwrap_or_else(PoisonError::into_inner);
        if *present != read {
            *present = read;
            self.reread.replaced();
        }
    }

    /// Whether the source could be used when it was last read.
    pub(super) fn reread(&self) -> &Reread {
        &self.reread
    }
}
