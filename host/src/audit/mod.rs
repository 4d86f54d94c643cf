//! The decision log that the operators' page shows: recent decisions, and what explains them.
//!
//! It has its own database. A request queues its decision and continues; one task writes them in
//! batches. When the queue is full, decisions are counted but not recorded: the log never delays a
//! request. Secrets are replaced before anything is written (`hide`), and for a management request
//! only the edit is recorded.

mod document;
mod explain;
mod hide;
mod read;
mod recording;
#[cfg(test)]
mod tests;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use prometheus_client::metrics::counter::Counter;
use scimguard_core::facts::Fact;
use scimguard_core::{Guard, Normalisation, Request, sha256_hex};
use tokio::sync::{mpsc, oneshot, watch};

pub use self::read::{Filter, Page, Row, Series};
pub(crate) use self::recording::{Recorded, Recording, Selection};
use self::writer::Writer;
use scimguard_store::database::{self, Database, Statements as _};

/// Decisions that may wait to be written.
const WAITING: usize = 4096;

/// Total size of requests and facts that may wait with them.
const WAITING_BYTES: usize = 64 * 1024 * 1024;

/// Larger bodies are not recorded.
const BODY_BYTES: usize = 64 * 1024;

static OPTIONS: database::Options = database::Options {
    name: "decision log",
    // A power failure may lose the last moments; no rule depends on them.
    synchronous: "NORMAL",
    migrations: scimguard_store::migrations!["0001_decisions.sql"],
};

/// Why the log failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database failed.
    #[error("{0}")]
    Database(database::Error),
}

impl From<database::Error> for Error {
    fn from(error: database::Error) -> Self {
        Self::Database(error)
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(database::Error::Sqlite(error))
    }
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// It was forwarded.
    Forward,
    /// It was refused.
    Reject,
    /// It was forwarded, and a rule applied nevertheless: one that `mode: monitor` kept from
    /// refusing, one that refused a part of a Bulk request, or one about the application's answer.
    Ruled,
}

/// A decision to record.
#[derive(Clone, Debug)]
pub struct Decision {
    /// Milliseconds since 1970.
    pub at: u64,
    /// The method, printable.
    pub method: String,
    /// The path without the values of its query, printable.
    pub path: String,
    /// The account, printable, once it is known.
    pub account: Option<String>,
    /// The id of the verified token, printable.
    pub token: Option<String>,
    /// What was decided.
    pub verdict: Verdict,
    /// The rule that refused, or would have.
    pub rule: Option<String>,
    /// HTTP status of the answer; `None` if a gateway sent it.
    pub status: Option<u16>,
    /// The normalisations.
    pub changes: Vec<Normalisation>,
    /// The total time.
    pub micros: u64,
    /// The application's share of it.
    pub backend_micros: u64,
    /// The inputs of the decision; `None` if it was refused before.
    pub seen: Option<Seen>,
}

/// The inputs of a decision.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The request as the policy saw it.
    pub request: Arc<Request>,
    /// Whether it is a SCIM call; other bodies are not recorded.
    pub scim: bool,
    /// The facts of each pass.
    pub facts: Vec<Arc<Vec<Fact>>>,
    /// The time of the decision.
    pub now: u64,
    /// The body of the guard's own refusal.
    pub refusal: Option<Vec<u8>>,
}

/// The log. Cheap to clone.
#[derive(Clone)]
pub struct Log {
    queue: mpsc::Sender<Job>,
    waiting_bytes: Arc<AtomicUsize>,
    unrecorded: Counter,
    latest: watch::Receiver<i64>,
    database: Database,
    /// Tells the writer to stop waiting for the disk.
    ending: watch::Sender<bool>,
    keep: u64,
}

enum Job {
    Record(Box<Decision>),
    /// Only counted: there are very many like it.
    Count(Box<Decision>),
    /// Reports when everything before it is written.
    Flush(oneshot::Sender<()>),
}

// === impl Verdict ===

impl Verdict {
    /// All verdicts.
    pub const ALL: [Self; 3] = [Self::Forward, Self::Reject, Self::Ruled];

    /// Its name for people and programs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Forward => "forward",
            Self::Reject => "reject",
            Self::Ruled => "ruled",
        }
    }

    /// The verdict of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verdict| verdict.name() == name)
    }

    fn code(self) -> i64 {
        match self {
            Self::Forward => 0,
            Self::Reject => 1,
            Self::Ruled => 2,
        }
    }

    fn of_code(code: i64) -> Self {
        let known = Self::ALL.into_iter().find(|it| it.code() == code);
        known.unwrap_or(Self::Reject)
    }
}

// === impl Decision ===

impl Decision {
    /// Its approximate size in memory.
    fn bytes(&self) -> usize {
        let Some(seen) = &self.seen else { return 0 };
        seen.request.body.size()
            + seen
                .facts
                .iter()
                .map(|facts| explain::bytes(facts))
                .sum::<usize>()
    }

    /// Whether it was refused before a good token was shown: anybody can send any number of these.
    fn is_anybodys(&self) -> bool {
        let rule = self.rule.as_deref().unwrap_or_default();
        self.verdict == Verdict::Reject
            && self.token.is_none()
            && (rule.starts_with("route.") || rule.starts_with("token."))
    }
}

// === impl Log ===

impl Log {
    /// Opens or creates the log, and starts to write. `policy` is the document that decides, `keep`
    /// how many decisions to keep.
    ///
    /// # Errors
    /// If the file cannot be opened or is not a log.
    pub async fn open(path: &Path, policy: &str, keep: u64) -> Result<Self, Error> {
        let database = Database::open(path, &OPTIONS).await?;
        let newest: Option<i64> =
            database.read(|connection| connection.value("SELECT max(id) FROM decisions", ()))?;
        let (written, latest) = watch::channel(newest.unwrap_or_default());
        let (queue, jobs) = mpsc::channel(WAITING);
        let ending = watch::Sender::new(false);
        let waiting_bytes: Arc<AtomicUsize> = Arc::default();
        let writer = Writer {
            policy: policy_id(&database, policy).await?,
            // Only a foreign policy may be able to read its document.
            guard: Guard::configure(policy).ok(),
            database: database.clone(),
            ending: ending.subscribe(),
            keep,
            waiting_bytes: Arc::clone(&waiting_bytes),
            written,
        };
        let unrecorded = Counter::default();
        tokio::spawn(writer.run(jobs, unrecorded.clone()));
        Ok(Self {
            queue,
            waiting_bytes,
            unrecorded,
            latest,
            database,
            ending,
            keep,
        })
    }

    /// Records a decision, unless the queue is full.
    pub fn record(&self, decision: Decision) {
        let bytes = decision.bytes();
        let waiting = self.waiting_bytes.fetch_add(bytes, Ordering::Relaxed);
        let fits = waiting.saturating_add(bytes) <= WAITING_BYTES;
        if !fits
            || self
                .queue
                .try_send(Job::Record(Box::new(decision)))
                .is_err()
        {
            self.waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
            self.unrecorded.inc();
        }
    }

    /// Only counts a decision, which is one of very many alike.
    pub fn count(&self, decision: Decision) {
        let alone = Decision {
            seen: None,
            ..decision
        };
        if self.queue.try_send(Job::Count(Box::new(alone))).is_err() {
            self.unrecorded.inc();
        }
    }

    /// Decisions that were not recorded because the queue was full or the database failed.
    #[must_use]
    pub fn unrecorded(&self) -> Counter {
        self.unrecorded.clone()
    }

    /// How many decisions it keeps.
    #[must_use]
    pub fn keeps(&self) -> u64 {
        self.keep
    }

    /// Waits until everything queued is written.
    pub async fn flush(&self) {
        let (done, written) = oneshot::channel();
        if self.queue.send(Job::Flush(done)).await.is_ok() {
            // If the writer has ended, nothing waits.
            let _ = written.await;
        }
    }

    /// Whether it can be written now.
    ///
    /// # Errors
    /// If it cannot.
    pub async fn try_write(&self) -> Result<(), Error> {
        Ok(self.database.try_write().await?)
    }

    /// Writes what is queued and ends, at the end of the process.
    pub async fn close(&self) {
        self.ending.send_replace(true);
        self.flush().await;
        self.database.close().await;
    }
}

async fn policy_id(database: &Database, document: &str) -> Result<i64, Error> {
    const INSERT: &str = "
        INSERT INTO policies (sha256, document) VALUES (?1, ?2)
        ON CONFLICT (sha256) DO UPDATE SET sha256 = excluded.sha256 RETURNING id";
    let (sha256, document) = (sha256_hex(document.as_bytes()), document.to_owned());
    database
        .write(1, move |connection| {
            Ok(connection.value(INSERT, [&sha256, &document])?)
        })
        .await
}
