//! The guard's own credential at the application, as its source has it now.

use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use crate::config::{Config, Credential, CredentialSource};

/// How often the source is looked at.
pub(super) const POLL_INTERVAL: Duration = Duration::from_secs(2);

/// A credential that may be replaced while the guard runs. A program's environment does not change from
/// outside, so that this concerns files.
pub(super) struct Own {
    source: CredentialSource,
    present: RwLock<Credential>,
    /// What was wrong with the source the last time, so that it is said once.
    fault: RwLock<Option<String>>,
}

impl Own {
    /// Reads it for the first time, if there is one.
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

    /// Looks at the source again. One that cannot be used leaves what was there.
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
                let why = format!("{error:#}");
                if fault.as_ref() != Some(&why) {
                    tracing::warn!(
                        why,
                        "backend_credential cannot be read; the last one that could goes on"
                    );
                }
                *fault = Some(why);
            }
        }
    }
}
