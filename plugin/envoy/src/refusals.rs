//! What the filter refused, in the gateway's log: each kind at once, and then once a minute with how
//! often it was. Rules and their meaning only, nothing of a request.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

/// How long a kind is counted before it is written again.
const MINUTE: Duration = Duration::from_secs(60);

/// The kinds that were refused lately: there are as many as there are rules.
#[derive(Default)]
pub(crate) struct Refusals(RefCell<BTreeMap<(String, u16), Kind>>);

struct Kind {
    written: Duration,
    /// How often it was since then.
    more: u64,
}

impl Refusals {
    /// Writes down a refusal at this moment since 1970, unless its kind is in the log of the last minute.
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
