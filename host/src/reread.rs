//! What the guard reads again while it runs: a fault is logged once, and what was read last stays in
//! use.

use std::sync::{Mutex, PoisonError};

use crate::causes::with_causes;

/// One thing that is read again.
pub(crate) struct Reread {
    /// The table or name in the configuration.
    what: String,
    /// Why it could not be used when it was last read.
    fault: Mutex<Option<String>>,
}

impl Reread {
    /// It has just been read for the first time.
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            fault: Mutex::default(),
        }
    }

    /// What was read, if it can be used.
    pub(crate) fn usable<T>(&self, read: anyhow::Result<T>) -> Option<T> {
        let why = read.as_ref().err();
        let why = why.map(|error| with_causes(error.as_ref()));
        let mut fault = self.fault.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(why) = &why
            && fault.as_ref() != Some(why)
        {
            let what = &self.what;
            tracing::warn!(
                what,
                why,
                "it cannot be read again; what was read last stays in use"
            );
        }
        *fault = why;
        read.ok()
    }

    /// Logs that something else is in use now.
    pub(crate) fn replaced(&self) {
        tracing::info!(what = self.what, "it was read again and replaced");
    }

    /// The name of what could not be used when it was last read, if it is this.
    pub(crate) fn stale(&self) -> Option<&str> {
        let fault = self.fault.lock().unwrap_or_else(PoisonError::into_inner);
        fault.is_some().then_some(self.what.as_str())
    }
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn it_is_stale_until_it_can_be_read_again() {
        let tls = Reread::new("tls");
        assert_eq!(tls.stale(), None);
        assert_eq!(tls.usable(Err::<u8, _>(anyhow!("no certificate"))), None);
        assert_eq!(tls.stale(), Some("tls"));
        assert_eq!(tls.usable(Ok(1)), Some(1));
        assert_eq!(tls.stale(), None);
    }
}
