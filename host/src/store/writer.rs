//! One transaction for all who wait: a commit waits for the disk, and what came meanwhile goes into
//! the next one together.

use scimguard_core::record::Record;
use scimguard_core::record::transition::Transition;
use tokio::sync::{mpsc, oneshot};

use super::{Error, records};
use crate::database::Database;

/// Lists of records in one transaction, at most.
const BATCH: usize = 128;

/// Rows that several lists in one transaction may change: whoever changes little does not wait for
/// whoever changes much.
const ROWS: usize = 2_000;

/// Rows that one list may change: more than any request of the largest limits.
const LARGEST: usize = 400_000;

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
    pub(super) fn start(database: Database) -> Self {
        let (queue, mut jobs) = mpsc::channel::<Job>(BATCH);
        tokio::spawn(async move {
            let mut batch = Vec::new();
            while jobs.recv_many(&mut batch, BATCH).await > 0 {
                while !batch.is_empty() {
                    let rest = batch.split_off(fitting(&batch));
                    write(&database, std::mem::replace(&mut batch, rest)).await;
                }
            }
        });
        Self { queue }
    }

    /// Applies a list of records. They are on disk when this returns.
    pub(super) async fn apply(&self, records: &[Record]) -> Result<(), Error> {
        if rows(records) > LARGEST {
            return Err(Error::TooMany);
        }
        let (done, applied) = oneshot::channel();
        let job = Job {
            records: records.to_vec(),
            done,
        };
        self.queue.send(job).await.map_err(|_| Error::Closed)?;
        applied.await.map_err(|_| Error::Closed)?
    }
}

/// How many of these lists go into one transaction: one at least.
fn fitting(batch: &[Job]) -> usize {
    let mut sum = 0;
    let fits = batch.iter().take_while(|job| {
        sum += rows(&job.records);
        sum <= ROWS
    });
    fits.count().max(1)
}

/// How many rows these records change.
fn rows(records: &[Record]) -> usize {
    let each = records.iter().map(|record| match record {
        Record::Intent(intent) => 1 + intent.members.len(),
        Record::Members(members) => 1 + members.users.len(),
        _ => 1,
    });
    each.sum()
}

async fn write(database: &Database, batch: Vec<Job>) {
    if batch.len() > 1 && transact(database, &batch).await.is_ok() {
        batch.into_iter().for_each(|job| answer(job, Ok(())));
        return;
    }
    // One list that fails must not take the others with it.
    for job in batch {
        let alone = transact(database, std::slice::from_ref(&job)).await;
        answer(job, alone);
    }
}

async fn transact(database: &Database, batch: &[Job]) -> Result<(), Error> {
    let mut transaction = database.begin().await?;
    for record in batch.iter().flat_map(|job| &job.records) {
        records::apply(&mut transaction, &Transition::Record(record)).await?;
    }
    transaction.commit().await?;
    Ok(())
}

fn answer(job: Job, result: Result<(), Error>) {
    // Who does not wait any more has no use for it.
    let _ = job.done.send(result);
}

#[cfg(test)]
mod tests {
    use scimguard_core::record::MembersRecord;

    use super::*;

    fn job(users: usize) -> Job {
        Job {
            records: vec![Record::Members(MembersRecord {
                account: String::new(),
                scope: String::new(),
                group: String::new(),
                users: vec![String::new(); users],
            })],
            done: oneshot::channel().0,
        }
    }

    #[test]
    fn a_transaction_is_bounded_by_what_it_changes() {
        for (sizes, expected) in [
            (&[1, 1, 1][..], 3),
            (&[1, ROWS, 1], 1),
            (&[ROWS * 9, 1], 1),
            (&[ROWS / 2, ROWS / 2 - 2, 0], 2),
        ] {
            let batch: Vec<Job> = sizes.iter().map(|size| job(*size)).collect();
            assert_eq!(fitting(&batch), expected, "{sizes:?}");
        }
    }
}
