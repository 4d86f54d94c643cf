//! One transaction for all who wait: a commit waits for the disk, and what came meanwhile goes into
//! the next one together.

use scimguard_core::record::Record;
use sqlx::sqlite::SqlitePool;
use tokio::sync::{mpsc, oneshot};

use super::{Error, records};

/// Lists of records in one transaction, at most.
const BATCH: usize = 128;

/// The way to the one who writes. Cheap to clone.
#[derive(Clone)]
pub(super) struct Writer {
    queue: mpsc::Sender<Job>,
}

/// A list of records, applied whole or not at all.
struct Job {
    records: Vec<Record>,
    done: oneshot::Sender<Result<(), Error>>,
}

impl Writer {
    /// Starts the writer; it ends with the last way to it.
    pub(super) fn start(pool: SqlitePool) -> Self {
        let (queue, mut jobs) = mpsc::channel::<Job>(BATCH);
        tokio::spawn(async move {
            let mut batch = Vec::new();
            while jobs.recv_many(&mut batch, BATCH).await > 0 {
                write(&pool, std::mem::take(&mut batch)).await;
            }
        });
        Self { queue }
    }

    /// Applies a list of records. They are on disk when this returns.
    pub(super) async fn apply(&self, records: &[Record]) -> Result<(), Error> {
        let (done, applied) = oneshot::channel();
        let job = Job {
            records: records.to_vec(),
            done,
        };
        self.queue.send(job).await.map_err(|_| Error::Closed)?;
        applied.await.map_err(|_| Error::Closed)?
    }
}

async fn write(pool: &SqlitePool, batch: Vec<Job>) {
    if batch.len() > 1 && transact(pool, &batch).await.is_ok() {
        batch.into_iter().for_each(|job| answer(job, Ok(())));
        return;
    }
    // One list that fails must not take the others with it.
    for job in batch {
        let alone = transact(pool, std::slice::from_ref(&job)).await;
        answer(job, alone);
    }
}

async fn transact(pool: &SqlitePool, batch: &[Job]) -> Result<(), Error> {
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
    for record in batch.iter().flat_map(|job| &job.records) {
        records::apply(&mut transaction, record).await?;
    }
    transaction.commit().await?;
    Ok(())
}

fn answer(job: Job, result: Result<(), Error>) {
    // Who does not wait any more has no use for it.
    let _ = job.done.send(result);
}
