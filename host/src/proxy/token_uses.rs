//! When tokens were last used: noted at once, stored outside of requests, since each write waits for the
//! disk.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use scimguard_store::{Store, TokenUse};

/// Last uses that are not stored yet, by account and token id.
#[derive(Default)]
pub(super) struct TokenUses(Mutex<BTreeMap<(String, String), TokenUse>>);

// === impl TokenUses ===

impl TokenUses {
    /// Notes a use.
    pub(super) fn note(&self, account: &str, token: &str, used: TokenUse) {
        self.lock()
            .insert((account.to_owned(), token.to_owned()), used);
    }

    /// Stores what was noted; what cannot be stored is kept for the next time.
    pub(super) async fn store(&self, store: &Store) {
        let used = std::mem::take(&mut *self.lock());
        if !used.is_empty()
            && let Err(error) = store.note_used(used.clone()).await
        {
            store.report(&error);
            let mut newer = self.lock();
            for (token, used) in used {
                newer.entry(token).or_insert(used);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<(String, String), TokenUse>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
