//! Logs refusals in Envoy's log: each kind at once, then at most once a minute with a count. Logs rules
//! and their meaning only, nothing from a request.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

/// How long a kind is only counted before it is logged again.
const MINUTE: Duration = Duration::from_secs(60);

/// The kinds refused lately, at most one per rule.
#[derive(Default)]
pub(crate) struct Refusals(RefCell<BTreeMap<(String, u16), Kind>>);

struct Kind {
    written: Duration,
    /// The number of refusals since then.
    more: u64,
}

impl Refusals {
    /// Logs a refusal at this time since 1970, unless its kind was logged within the last minute.
    pub(crate) fn refused(&self, rule: &str, status: u16, now: Duration) {
        let mut kinds = self.0.borrow_mut();
        let kind = kinds.entry((rule.to_owned(), status)).or_insert(Kind {
            written: Duration::ZERO,
            more: 0,
        });
        if now.saturating_sub(kind.written) < MINUTE {
            kind.more += 1;
            return;
        }
        let meaning = scimguard_core::rules().find(|known| known.id == rule);
        let meaning = meaning.map_or("", |rule| rule.doc);
        log::info!(
            "refused: rule={rule} status={status} more_since_last={}: {meaning}",
            kind.more
        );
        *kind = Kind {
            written: now,
            more: 0,
        };
    }
}
