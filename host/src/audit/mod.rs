//! What was decided lately, and with what it was decided: the log that the operators' page shows.
//!
//! It is a database of its own. A request hands its decision over and goes on; one task writes them in
//! batches. Who comes while too much waits is counted and not recorded: the log never holds up a
//! request. Secrets are replaced before anything is written (`hide`), and of a request of the
//! management API there is only the edit that it was.

mod document;
mod explain;
mod hide;
mod read;
#[cfg(test)]
mod tests;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use prometheus_client::metrics::counter::Counter;
use scimguard_core::facts::Fact;
use scimguard_core::{Guard, Normalisation, Request, sha256_hex};
use sqlx::sqlite::{SqlitePool, SqliteSynchronous};
use tokio::sync::{mpsc, oneshot, watch};

pub use self::read::{Filter, Page, Row, Series};
use self::writer::Writer;
use crate::database::{self, Database};

/// Decisions that may wait to be written.
const WAITING: usize = 4096;

/// Bytes of requests and facts that may wait with them.
const WAITING_BYTES: usize = 64 * 1024 * 1024;

/// A body that is larger is not recorded.
const BODY_BYTES: usize = 64 * 1024;

const OPTIONS: database::Options = database::Options {
    name: "decision log",
    // The last moments before a power failure may be missing; no rule depends on them.
    synchronous: SqliteSynchronous::Normal,
    readers: 4,
};

/// Why the log did not answer.
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

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(database::Error::Sqlite(error))
    }
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// It went on.
    Forward,
    /// It was refused.
    Reject,
    /// It went on, and a rule had something to say all the same: one that would have refused it but for
    /// `mode: monitor`, one that refused a part of a Bulk request, or one of the application's answer.
    Ruled,
}

/// A decision, as it is handed over.
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
    /// HTTP status of the answer; `None` where a gateway gave it.
    pub status: Option<u16>,
    /// What was normalised.
    pub changes: Vec<Normalisation>,
    /// The whole time.
    pub micros: u64,
    /// The application's part of it.
    pub backend_micros: u64,
    /// What it was decided with; `None` if nobody got so far.
    pub seen: Option<Seen>,
}

/// What a decision was made with.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The request as the policy saw it.
    pub request: Arc<Request>,
    /// It is a SCIM call; of any other, no body is recorded.
    pub scim: bool,
    /// All facts, those of each pass.
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
    readers: SqlitePool,
    database: Database,
    /// Whoever waits for the disk may give up.
    ending: watch::Sender<bool>,
    keep: u64,
}

enum Job {
    Record(Box<Decision>),
    /// Only to be counted: there are very many like it.
    Count(Box<Decision>),
    /// Says when all that came before is written.
    Flush(oneshot::Sender<()>),
}

// === impl Verdict ===

impl Verdict {
    /// All of them.
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
    /// About what it takes in memory.
    fn bytes(&self) -> usize {
        let Some(seen) = &self.seen else { return 0 };
        seen.request.body.size()
            + seen
                .facts
                .iter()
                .map(|facts| explain::bytes(facts))
                .sum::<usize>()
    }

    /// Refused before anybody had shown a good token: whoever likes can send as many as they like.
    fn is_anybodys(&self) -> bool {
        let rule = self.rule.as_deref().unwrap_or_default();
        self.verdict == Verdict::Reject
            && self.token.is_none()
            && (rule.starts_with("route.") || rule.starts_with("token."))
    }
}

// === impl Log ===

impl Log {
    /// Opens the log, or makes it, and starts to write. `policy` is the document that decides, `keep`
    /// how many decisions stay.
    ///
    /// # Errors
    /// If the file cannot be opened or is not a log.
    pub async fn open(path: &Path, policy: &str, keep: u64) -> Result<Self, Error> {
        let migrator = sqlx::migrate!("src/audit/migrations");
        let database = Database::open(path, &OPTIONS, &migrator).await?;
        let readers = database.readers().clone();
        let newest: Option<i64> = sqlx::query_scalar("SELECT max(id) FROM decisions")
            .fetch_one(&readers)
            .await?;
        let (written, latest) = watch::channel(newest.unwrap_or_default());
        let (queue, jobs) = mpsc::channel(WAITING);
        let ending = watch::Sender::new(false);
        let waiting_bytes: Arc<AtomicUsize> = Arc::default();
        let writer = Writer {
            policy: policy_id(&database, policy).await?,
            // A policy of another project may have a document that only it reads.
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
            readers,
            database,
            ending,
            keep,
        })
    }

    /// Records a decision, unless too many wait.
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

    /// Counts a decision that is one of very many alike.
    pub fn count(&self, decision: Decision) {
        let alone = Decision {
            seen: None,
            ..decision
        };
        if self.queue.try_send(Job::Count(Box::new(alone))).is_err() {
            self.unrecorded.inc();
        }
    }

    /// Decisions that were not recorded because too many waited, or the database failed.
    #[must_use]
    pub fn unrecorded(&self) -> Counter {
        self.unrecorded.clone()
    }

    /// How many decisions stay.
    #[must_use]
    pub fn keeps(&self) -> u64 {
        self.keep
    }

    /// Waits until all that was handed over is written.
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

    /// Writes what waits, and ends; for the end of the process.
    pub async fn close(&self) {
        self.ending.send_replace(true);
        self.flush().await;
        self.database.close().await;
    }
}

async fn policy_id(database: &Database, document: &str) -> Result<i64, Error> {
    let mut transaction = database.begin().await?;
    let id = sqlx::query_scalar(
        "INSERT INTO policies (sha256, document) VALUES (?1, ?2)
         ON CONFLICT (sha256) DO UPDATE SET sha256 = excluded.sha256 RETURNING id",
    )
    .bind(sha256_hex(document.as_bytes()))
    .bind(document)
    .fetch_one(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(id)
}
