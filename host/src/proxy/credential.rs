//! The guard's own credential at the application, reread from its source.

use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use crate::causes::with_causes;
use crate::config::{Config, Credential, CredentialSource};

/// How often the source is checked.
pub(super) const POLL_INTERVAL: Duration = Duration::from_secs(2);

/// A credential that may be replaced while the guard runs. This concerns files: a program's
/// environment does not change from outside.
pub(super) struct Own {
    source: CredentialSource,
    present: RwLock<Credential>,
    /// The source's last fault, so that it is logged once.
    fault: RwLock<Option<String>>,
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
            fault: RwLock::default(),
        }))
    }

    pub(super) fn present(&self) -> Credential {
        let present = self.present.read();
        present.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Rereads the source. If it cannot be used, the previous value stays in use.
    pub(super) fn refresh(&self) {
        let mut fault = self.fault.write().unwrap_or_else(PoisonError::into_inner);
        match self.source.read() {
            Ok(read) => {
                *fault = None;
                let mut present = self.present.write().unwrap_or_else(PoisonError::into_inner);
                if *present != read {
                    *present = read;
                    tracing::info!("the guard's own credential at the application was replaced");
                }
            }
            Err(error) => {
                let why = with_causes(error.as_ref());
                if fault.as_ref() != Some(&why) {
                    tracing::warn!(
                        why,
                        "backend_credential cannot be read; the previous value stays in use"
                    );
                }
                *fault = Some(why);
            }
        }
    }
}
