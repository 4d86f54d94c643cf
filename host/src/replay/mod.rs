//! Repeats recorded decisions under another policy: which requests it would deny, allow or write
//! differently.
//!
//! Both policies decide by the same recorded request and facts. A decision that the policy of then does
//! not repeat, or for which the new policy asks what is not recorded, is counted as not replayed.

mod compare;
mod report;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::num::NonZero;
use std::thread;

use scimguard_core::Guard;

use self::compare::{Compared, compare};
pub(crate) use self::report::Report;
use crate::audit::{Recorded, Recording, Selection};

/// Decisions that are read at once. With 1,000 facts and a large body, one is more than 300 KB.
const BATCH: u32 = 256;

/// Repeats the selected decisions, on all cores. `progress` is told how many are done.
///
/// # Errors
/// If the log cannot be read.
pub(crate) fn replay(
    recording: &Recording,
    selection: &Selection,
    new: &Guard,
    mut progress: impl FnMut(u64),
) -> anyhow::Result<Report> {
    let mut report = Report::default();
    let mut policies: BTreeMap<i64, Option<Guard>> = BTreeMap::new();
    let mut last = 0;
    loop {
        let batch = recording.after(last, selection, BATCH)?;
        let Some(newest) = batch.last() else {
            return Ok(report);
        };
        last = newest.id;
        for recorded in &batch {
            if let Entry::Vacant(unknown) = policies.entry(recorded.policy) {
                let document = recording.policy(recorded.policy)?;
                unknown.insert(document.and_then(|document| Guard::configure(&document).ok()));
            }
        }
        for (recorded, compared) in batch.iter().zip(all(&batch, &policies, new)) {
            report.add(recorded, compared);
        }
        progress(report.decisions());
    }
}

/// Compares the decisions of a batch, in order.
fn all(batch: &[Recorded], policies: &BTreeMap<i64, Option<Guard>>, new: &Guard) -> Vec<Compared> {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let share = batch.len().div_ceil(cores).max(1);
    let of_share = |share: &[Recorded]| -> Vec<Compared> {
        let old = |recorded: &Recorded| policies.get(&recorded.policy).and_then(Option::as_ref);
        let compared = share.iter().map(|it| compare(it, old(it), new));
        compared.collect()
    };
    thread::scope(|scope| {
        let workers: Vec<_> = batch
            .chunks(share)
            .map(|share| scope.spawn(|| of_share(share)))
            .collect();
        let done = workers.into_iter().map(|worker| worker.join());
        done.flat_map(|done| done.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    })
}
