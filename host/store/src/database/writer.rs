//! The writing thread. Each commit waits for the disk, so one transaction makes all waiting
//! changes. Changes that arrive meanwhile share the next one.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::{io, mem, slice};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::health::Health;
use super::place::Place;
use super::{Error, Statements as _, connect};

/// The most changes in one transaction.
const BATCH: usize = 128;

/// The most rows that several changes in one transaction may affect, so that a small change does
/// not wait for a large one.
const ROWS: usize = 2_000;

/// Handle to the thread.
pub(super) struct Writer {
    /// `None`: closed.
    running: Mutex<Option<Running>>,
}

struct Running {
    queue: mpsc::Sender<Box<dyn Job>>,
    thread: JoinHandle<()>,
}

/// The only writing connection, while it is idle, and what is needed to open another.
pub(super) struct Connections {
    pub(super) place: Arc<Place>,
    pub(super) health: Arc<Health>,
    pub(super) pragmas: String,
    pub(super) idle: Option<Connection>,
}

/// A change that waits for its transaction.
trait Job: Send {
    /// The approximate number of rows that it affects.
    fn rows(&self) -> usize;

    /// Makes the change and returns whether that succeeded.
    fn run(&mut self, connection: &Connection) -> bool;

    /// Sends the result of the last run, or the error of its transaction.
    fn answer(self: Box<Self>, transaction: Result<(), Error>);
}

struct Change<T, E, F> {
    rows: usize,
    change: F,
    result: Option<Result<T, E>>,
    done: oneshot::Sender<Result<T, E>>,
}

impl<T, E, F> Job for Change<T, E, F>
where
    T: Send,
    E: From<Error> + Send,
    F: Fn(&Connection) -> Result<T, E> + Send,
{
    fn rows(&self) -> usize {
        self.rows
    }

    fn run(&mut self, connection: &Connection) -> bool {
        self.result = None;
        let result = (self.change)(connection);
        self.result.insert(result).is_ok()
    }

    fn answer(self: Box<Self>, transaction: Result<(), Error>) {
        let result = match transaction {
            Ok(()) => self.result,
            Err(error) => Some(Err(error.into())),
        };
        if let Some(result) = result {
            // The caller may have gone.
            let _ = self.done.send(result);
        }
    }
}

impl Writer {
    /// Starts the thread. It ends when the writer is closed or dropped.
    pub(super) fn start(name: &str, mut connections: Connections) -> io::Result<Self> {
        let (queue, mut jobs) = mpsc::channel::<Box<dyn Job>>(BATCH);
        let thread = thread::Builder::new().name(format!("{name} writer"));
        let thread = thread.spawn(move || {
            let mut batch = Vec::new();
            while jobs.blocking_recv_many(&mut batch, BATCH) > 0 {
                while !batch.is_empty() {
                    let rest = batch.split_off(fitting(&batch));
                    connections.write(mem::replace(&mut batch, rest));
                }
            }
        })?;
        Ok(Self {
            running: Mutex::new(Some(Running { queue, thread })),
        })
    }

    pub(super) async fn write<T, E>(
        &self,
        rows: usize,
        change: impl Fn(&Connection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let queue = {
            let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
            running.as_ref().ok_or(Error::Closed)?.queue.clone()
        };
        let (done, result) = oneshot::channel();
        let job = Change {
            rows,
            change,
            result: None,
            done,
        };
        queue.send(Box::new(job)).await.map_err(|_| Error::Closed)?;
        result.await.map_err(|_| Error::Closed)?
    }

    /// Waits until the changes in the queue are made.
    pub(super) async fn close(&self) {
        let running = {
            let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
            running.take()
        };
        if let Some(Running { queue, thread }) = running {
            drop(queue);
            // The log already has a panic of the thread.
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }
}

/// The number of these changes that go into one transaction: at least one.
fn fitting(batch: &[Box<dyn Job>]) -> usize {
    let mut sum = 0;
    let fits = batch.iter().take_while(|job| {
        sum += job.rows();
        sum <= ROWS
    });
    fits.count().max(1)
}

impl Connections {
    fn write(&mut self, mut batch: Vec<Box<dyn Job>>) {
        if batch.len() > 1 && matches!(self.transact(&mut batch), Ok(true)) {
            batch.into_iter().for_each(|job| job.answer(Ok(())));
            return;
        }
        // A failing change must not affect the others.
        for mut job in batch {
            let transaction = self.transact(slice::from_mut(&mut job));
            job.answer(transaction.map(drop));
        }
    }

    /// `false`: one of the changes failed.
    fn transact(&mut self, jobs: &mut [Box<dyn Job>]) -> Result<bool, Error> {
        let begun = self.begin();
        let connection = begun.inspect_err(|error| self.health.failed(error))?;
        // A panic in one change must not end the thread, since all other changes wait for it.
        let run = AssertUnwindSafe(|| jobs.iter_mut().all(|job| job.run(&connection)));
        if !catch_unwind(run).unwrap_or(false) {
            return Ok(false);
        }
        let committed = connection.change("COMMIT", ()).map_err(Error::Sqlite);
        // Writes to a replaced file are lost.
        let written = committed.and_then(|_| {
            self.idle = Some(connection);
            self.place.check()
        });
        match &written {
            Ok(()) => self.health.written(),
            Err(error) => self.health.failed(error),
        }
        written.map(|()| true)
    }

    fn begin(&mut self) -> Result<Connection, Error> {
        self.place.check()?;
        let connection = match self.idle.take() {
            Some(connection) => connection,
            None => connect(self.place.path(), &self.pragmas)?,
        };
        connection.change("BEGIN IMMEDIATE", ())?;
        Ok(connection)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(rows: usize) -> Box<dyn Job> {
        Box::new(Change {
            rows,
            change: |_: &Connection| Ok::<(), Error>(()),
            result: None,
            done: oneshot::channel().0,
        })
    }

    #[test]
    fn a_transaction_is_bounded_by_what_it_changes() {
        for (sizes, expected) in [
            (&[2, 2, 2][..], 3),
            (&[2, ROWS, 2], 1),
            (&[ROWS * 9, 2], 1),
            (&[ROWS / 2, ROWS / 2, 1], 2),
        ] {
            let batch: Vec<Box<dyn Job>> = sizes.iter().map(|rows| job(*rows)).collect();
            assert_eq!(fitting(&batch), expected, "{sizes:?}");
        }
    }
}
