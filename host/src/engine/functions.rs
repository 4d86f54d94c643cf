//! Compiled functions of a component. Policy documents change a component's data, not its functions, so
//! that only the first one compiles them.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::Mutex;

use wasmtime::CacheStore;

use super::cache::CodeCache;

/// The functions of one component: read from disk when the first one is asked for.
pub(super) struct Functions {
    cache: CodeCache,
    key: [u8; 32],
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// `None`: not read yet.
    known: Option<HashMap<Vec<u8>, Vec<u8>>>,
    /// Compiled anew, or used.
    used: HashMap<Vec<u8>, Vec<u8>>,
    is_changed: bool,
}

impl Functions {
    /// Of the component with this digest.
    pub(super) fn of(cache: CodeCache, key: [u8; 32]) -> Self {
        Self {
            cache,
            key,
            state: Mutex::default(),
        }
    }

    /// Keeps what was compiled on disk, and nothing in memory.
    pub(super) fn keep(&self) {
        let state = std::mem::take(&mut *self.state());
        if !state.is_changed {
            return;
        }
        let functions: Vec<(&Vec<u8>, &Vec<u8>)> = state.used.iter().collect();
        match postcard::to_allocvec(&functions) {
            Ok(functions) => self.cache.put(&self.key, &functions, None),
            Err(error) => tracing::warn!(%error, "the compiled functions were not cached"),
        }
    }

    fn read(&self) -> HashMap<Vec<u8>, Vec<u8>> {
        let Some(entry) = self.cache.get(&self.key) else {
            return HashMap::new();
        };
        // Borrowed, since bytes of their own are decoded one by one.
        let functions: Vec<(&[u8], &[u8])> = postcard::from_bytes(&entry.code).unwrap_or_default();
        let owned = functions
            .into_iter()
            .map(|(key, code)| (key.to_vec(), code.to_vec()));
        owned.collect()
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl CacheStore for Functions {
    fn get(&self, key: &[u8]) -> Option<Cow<'_, [u8]>> {
        let mut state = self.state();
        if let Some(code) = state.used.get(key) {
            return Some(Cow::Owned(code.clone()));
        }
        let code = state.known.get_or_insert_with(|| self.read()).remove(key)?;
        state.used.insert(key.to_owned(), code.clone());
        Some(Cow::Owned(code))
    }

    fn insert(&self, key: &[u8], value: Vec<u8>) -> bool {
        let mut state = self.state();
        state.used.insert(key.to_owned(), value);
        state.is_changed = true;
        true
    }
}

impl fmt::Debug for Functions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Functions").finish_non_exhaustive()
    }
}
