//! Whether the last write to a file succeeded. The log reports every change.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

pub(super) struct Health {
    name: &'static str,
    file: String,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    failing: bool,
    written: Option<Instant>,
}

impl Health {
    pub(super) fn new(name: &'static str, path: &Path) -> Self {
        Self {
            name,
            file: path.display().to_string(),
            state: Mutex::default(),
        }
    }

    pub(super) fn written(&self) {
        let mut state = self.state();
        state.written = Some(Instant::now());
        if std::mem::take(&mut state.failing) {
            tracing::info!(file = self.file, "the {} works again", self.name);
        }
    }

    pub(super) fn failed(&self, error: &(dyn std::error::Error + 'static)) {
        let mut state = self.state();
        state.written = None;
        if !std::mem::replace(&mut state.failing, true) {
            tracing::error!(file = self.file, %error, "the {} does not work", self.name);
        }
    }

    pub(super) fn written_within(&self, period: Duration) -> bool {
        let state = self.state();
        state.written.is_some_and(|at| at.elapsed() < period)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
