//! Writes decisions in batches, counts them, and drops old ones.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use prometheus_client::metrics::counter::Counter;
use rusqlite::{Connection, params};
use scimguard_core::{Guard, NamedEdit};
use tokio::sync::{mpsc, oneshot, watch};

use super::{Decision, Error, Job, Verdict, explain};
use crate::text::printable;
use scimguard_store::database::{Database, Statements as _};

/// Decisions in one transaction, at most.
const BATCH: usize = 512;

/// How many refusals without a good token are recorded at once, and then per second; all are
/// counted. So nobody can push others' decisions out of the log.
const ANYBODYS_BURST: NonZeroU32 = NonZeroU32::new(200).unwrap();
const ANYBODYS_PER_SECOND: NonZeroU32 = NonZeroU32::new(20).unwrap();

/// The delay after a failed write.
const AGAIN: Duration = Duration::from_secs(1);

pub(super) const MINUTE: i64 = 60_000;
pub(super) const HOUR: i64 = 60 * MINUTE;

/// The steps in which decisions are counted, and how long each is kept.
const STEPS: [(i64, i64); 2] = [(MINUTE, 48 * HOUR), (HOUR, 400 * 24 * HOUR)];

/// How many old decisions are dropped at once, so that nobody waits long for the database.
const DROPPED_AT_ONCE: i64 = 2 * BATCH as i64;

/// The writer task.
pub(super) struct Writer {
    pub(super) policy: i64,
    pub(super) guard: Option<Guard>,
    pub(super) database: Database,
    pub(super) ending: watch::Receiver<bool>,
    pub(super) keep: u64,
    pub(super) waiting_bytes: Arc<AtomicUsize>,
    pub(super) written: watch::Sender<i64>,
}

/// A decision ready to be written.
struct Prepared {
    decision: Decision,
    edit: Option<NamedEdit>,
    detail: String,
}

/// What one batch adds to the counts: by step, bucket, rule, verdict.
type Counts = BTreeMap<(i64, i64, String, i64), i64>;

/// What is written in one transaction.
#[derive(Default)]
struct Batch {
    decisions: Vec<Prepared>,
    counts: Counts,
}

impl Writer {
    /// Writes until the last handle is dropped.
    pub(super) async fn run(mut self, mut jobs: mpsc::Receiver<Job>, unrecorded: Counter) {
        let anybodys =
            RateLimiter::direct(Quota::per_second(ANYBODYS_PER_SECOND).allow_burst(ANYBODYS_BURST));
        let hidden = super::hide::Names::new();
        let mut batch = Vec::with_capacity(BATCH);
        while jobs.recv_many(&mut batch, BATCH).await > 0 {
            let mut writing = Batch::default();
            let mut waiting: Vec<oneshot::Sender<()>> = Vec::new();
            for job in batch.drain(..) {
                match job {
                    Job::Flush(done) => waiting.push(done),
                    Job::Count(decision) => count(&mut writing.counts, &decision),
                    Job::Record(decision) => {
                        count(&mut writing.counts, &decision);
                        self.waiting_bytes
                            .fetch_sub(decision.bytes(), Ordering::Relaxed);
                        if is_wanted(&anybodys, &decision) {
                            writing.decisions.push(self.prepare(*decision, &hidden));
                        }
                    }
                }
            }
            let decisions = u64::try_from(writing.decisions.len()).unwrap_or_default();
            if !self.write_at_last(Arc::new(writing)).await {
                unrecorded.inc_by(decisions);
            }
            for done in waiting {
                // The requester may have stopped waiting.
                let _ = done.send(());
            }
        }
    }

    fn prepare(&self, decision: Decision, names: &super::hide::Names) -> Prepared {
        let edit = match (&self.guard, &decision.seen) {
            (Some(guard), Some(seen)) if !seen.scim => {
                guard.named_edit(&seen.request).map(|named| NamedEdit {
                    edit: named.edit,
                    group: named.group.as_deref().map(printable),
                    user: named.user.as_deref().map(printable),
                })
            }
            _ => None,
        };
        let scim_by_policy = match (&self.guard, &decision.seen) {
            (Some(guard), Some(seen)) => guard.is_scim(&seen.request),
            _ => true,
        };
        let detail = explain::detail(&decision, scim_by_policy, names).to_string();
        Prepared {
            decision,
            edit,
            detail,
        }
    }

    /// Writes as soon as possible; meanwhile decisions wait in the queue as long as there is room.
    /// `false`: the guard ended first.
    async fn write_at_last(&mut self, batch: Arc<Batch>) -> bool {
        while let Err(error) = self.write(Arc::clone(&batch)).await {
            self.database.report(&error);
            let ended = self.ending.wait_for(|ending| *ending);
            if tokio::time::timeout(AGAIN, ended).await.is_ok() {
                return false;
            }
        }
        true
    }

    async fn write(&self, batch: Arc<Batch>) -> Result<(), Error> {
        if batch.counts.is_empty() {
            return Ok(());
        }
        let (policy, keep) = (self.policy, self.keep);
        let rows = batch.decisions.len();
        let newest = self
            .database
            .write(rows, move |connection| {
                Ok::<_, Error>(write(connection, &batch, policy, keep)?)
            })
            .await?;
        if let Some(newest) = newest {
            self.written.send_replace(newest);
        }
        Ok(())
    }
}

/// Returns the id of the newest decision.
fn write(
    connection: &Connection,
    batch: &Batch,
    policy: i64,
    keep: u64,
) -> rusqlite::Result<Option<i64>> {
    let mut newest = None;
    for prepared in &batch.decisions {
        newest = Some(insert(connection, prepared, policy)?);
    }
    for ((step, bucket, rule, verdict), count) in &batch.counts {
        connection.change(
            "INSERT INTO counts (step, bucket, rule, verdict, count) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO UPDATE SET count = count + excluded.count",
            params![step, bucket, rule, verdict, count],
        )?;
    }
    if let Some(newest) = newest {
        drop_old(connection, newest, keep)?;
    }
    Ok(newest)
}

/// Deletes the oldest decisions and counts, a limited number at a time.
fn drop_old(connection: &Connection, newest: i64, keep: u64) -> rusqlite::Result<()> {
    let oldest: Option<i64> = connection.value("SELECT min(id) FROM decisions", ())?;
    let Some(oldest) = oldest else { return Ok(()) };
    let keep = i64::try_from(keep).unwrap_or(i64::MAX);
    let until = newest
        .saturating_sub(keep)
        .min(oldest.saturating_add(DROPPED_AT_ONCE));
    if until >= oldest {
        for statement in [
            "DELETE FROM details WHERE id <= ?1",
            "DELETE FROM decisions WHERE id <= ?1",
        ] {
            connection.change(statement, [until])?;
        }
    }
    let now = i64::try_from(scimguard_store::now()).unwrap_or(i64::MAX);
    for (step, stays) in STEPS {
        connection.change(
            "DELETE FROM counts WHERE step = ?1 AND bucket < ?2",
            [step, now.saturating_sub(stays)],
        )?;
    }
    Ok(())
}
fn is_wanted(anybodys: &DefaultDirectRateLimiter, decision: &Decision) -> bool {
    !decision.is_anybodys() || anybodys.check().is_ok()
}

fn count(counts: &mut Counts, decision: &Decision) {
    let at = i64::try_from(decision.at).unwrap_or(i64::MAX);
    for (step, _) in STEPS {
        let bucket = at - at.rem_euclid(step);
        let rule = decision.rule.clone().unwrap_or_default();
        let key = (step, bucket, rule, decision.verdict.code());
        *counts.entry(key).or_default() += 1;
    }
}

fn insert(connection: &Connection, prepared: &Prepared, policy: i64) -> rusqlite::Result<i64> {
    let decision = &prepared.decision;
    let edit = prepared.edit.as_ref();
    connection.change(
        "INSERT INTO decisions (at, method, path, account, token, verdict, rule, status, edit,
             changes, micros, backend_micros)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        params![
            signed(decision.at),
            decision.method,
            decision.path,
            decision.account.as_deref().unwrap_or_default(),
            decision.token,
            decision.verdict.code(),
            decision.rule.as_deref().unwrap_or_default(),
            decision.status,
            edit.and_then(|edit| serde_json::to_string(edit).ok()),
            i64::try_from(decision.changes.len()).unwrap_or(i64::MAX),
            signed(decision.micros),
            signed(decision.backend_micros),
        ],
    )?;
    let id = connection.last_insert_rowid();
    connection.change(
        "INSERT INTO details (id, policy, detail) VALUES (?1, ?2, ?3)",
        params![id, policy, prepared.detail],
    )?;
    Ok(id)
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

impl Verdict {
    /// The verdict of a request by its decision and rule.
    #[must_use]
    pub fn of(decision: &str, rule: Option<&str>) -> Self {
        match (decision, rule) {
            ("forward", None) => Self::Forward,
            ("forward", Some(_)) => Self::Ruled,
            _ => Self::Reject,
        }
    }
}
