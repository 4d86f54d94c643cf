//! Compiled functions of a component. Policy documents change a component's data, not its functions, so
//! that only the first one compiles them.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::Mutex;

use wasmtime::CacheStore;

use super::cache::CodeCache;

/// One in this many functions compiled anew is worth another file. For each policy document a few are,
/// of several thousand.
const WORTH: usize = 20;

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
    /// How many of these were compiled anew.
    new: usize,
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
        if state.new * WORTH <= state.used.len() {
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
        state.new += 1;
        true
    }
}

impl fmt::Debug for Functions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Functions").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_found_again_and_a_few_new_ones_are_not_written() {
        let folder = tempfile::tempdir().unwrap();
        let cache = folder.path().join("cache");
        let functions = || Functions::of(CodeCache::open(&cache), [7; 32]);
        let names: Vec<String> = (0..100).map(|n| format!("function {n}")).collect();
        let is_known = |functions: &Functions, name: &str| functions.get(name.as_bytes()).is_some();

        let first = functions();
        for name in &names {
            assert!(!is_known(&first, name));
            first.insert(name.as_bytes(), name.to_uppercase().into_bytes());
        }
        first.keep();

        let second = functions();
        for name in &names {
            let code = second.get(name.as_bytes()).unwrap();
            assert_eq!(*code, *name.to_uppercase().as_bytes());
        }
        second.insert(b"another", b"one".to_vec());
        second.keep();

        let third = functions();
        assert!(names.iter().all(|name| is_known(&third, name)));
        assert!(!is_known(&third, "another"));
    }
}
