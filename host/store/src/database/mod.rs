//! One SQLite file of the guard: the store, or the decision log.
//!
//! Short queries run on the caller's thread, large ones on a blocking thread. One thread writes,
//! and each of its transactions serves all waiting callers. A connection is reused only after its
//! transaction was committed. After any failure it is closed, and the next transaction opens a new
//! one. This also closes whatever a full disk, a lost mount or an I/O error leaves behind in
//! SQLite, so that the guard works again as soon as the disk does.

mod health;
mod json;
pub(crate) mod migrations;
mod place;
mod readers;
mod reason;
mod statements;
mod writer;

#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use tokio::sync::Mutex;

use self::health::Health;
pub use self::json::Json;
pub(crate) use self::json::json_list;
pub use self::migrations::Migration;
use self::place::{Place, create_private, is_full};
use self::readers::Readers;
use self::reason::reason;
pub(crate) use self::statements::Columns;
pub use self::statements::Statements;
use self::writer::Writer;

/// How long to wait for another process, such as the command line, that holds the database.
const BUSY: Duration = Duration::from_secs(5);

/// A write within this time shows that the file can be written.
const RECENTLY: Duration = Duration::from_secs(1);

/// The number of compiled statements that each connection keeps: more than the code has.
pub(crate) const STATEMENTS: usize = 192;

/// A failure of the database.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// SQLite failed.
    #[error("{}", reason(.0))]
    Sqlite(rusqlite::Error),
    /// The file has migrations that this program does not know.
    #[error("it is another database, or one of a newer version")]
    UnknownMigration,
    /// The file cannot be created, or its thread cannot be started.
    #[error("{0}")]
    File(std::io::Error),
    /// No space is left. SQLite reports other errors for this while it opens a file.
    #[error("no space is left on its disk")]
    Full,
    /// Another file has replaced the open one under its name.
    #[error(
        "the file {0} was replaced or removed while it was in use; put it back, or restart the guard"
    )]
    Replaced(String),
    /// Too many large queries are running.
    #[error("the database is busy")]
    Busy,
    /// The database was closed.
    #[error("the database has been closed")]
    Closed,
}

// The message already contains the cause, so there is no source.
impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

/// The kind of a file.
pub struct Options {
    /// Its name in the log.
    pub name: &'static str,
    /// What a power failure may destroy: `FULL`, nothing; `NORMAL`, the last transactions.
    pub synchronous: &'static str,
    /// Its tables.
    pub migrations: &'static [Migration],
}

/// An open file. Cheap to clone.
#[derive(Clone)]
pub struct Database {
    readers: Arc<Readers>,
    writer: Arc<Writer>,
    place: Arc<Place>,
    health: Arc<Health>,
    /// Allows one probe at a time.
    probe: Arc<Mutex<()>>,
}

impl Database {
    /// Opens the file, creates it if it is missing, and applies missing migrations.
    pub async fn open(path: &Path, options: &'static Options) -> Result<Self, Error> {
        let path = path.to_owned();
        on_blocking_thread(move || {
            Self::open_now(&path, options).map_err(|error| match error {
                Error::Sqlite(_) if is_full(&path) => Error::Full,
                error => error,
            })
        })
        .await
    }

    fn open_now(path: &Path, options: &'static Options) -> Result<Self, Error> {
        create_private(path).map_err(Error::File)?;
        let pragmas = format!(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = {};
             PRAGMA foreign_keys = ON",
            options.synchronous
        );
        let connection = connect(path, &pragmas)?;
        migrations::apply(&connection, options.migrations)?;
        let place = Arc::new(Place::of(path).map_err(Error::File)?);
        let health = Arc::new(Health::new(options.name, path));
        let writer = writer::Connections {
            place: Arc::clone(&place),
            health: Arc::clone(&health),
            pragmas,
            idle: Some(connection),
        };
        Ok(Self {
            readers: Arc::new(Readers::new(Arc::clone(&place))),
            writer: Arc::new(Writer::start(options.name, writer).map_err(Error::File)?),
            place,
            health,
            probe: Arc::default(),
        })
    }

    /// Runs a short query on this thread, in one read transaction.
    pub fn read<T>(
        &self,
        question: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, Error> {
        self.readers.read(question)
    }

    /// Runs a query that may read many rows on a blocking thread, in one read transaction.
    pub async fn read_large<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        let permit = self.readers.permit_large().await?;
        let readers = Arc::clone(&self.readers);
        on_blocking_thread(move || {
            let _permit = permit;
            readers.read(question)
        })
        .await
    }

    /// Makes a change that affects about this many rows, in a transaction that it may share with
    /// other changes. When this returns, the change is committed. If the future is dropped, the
    /// change is made completely or not at all.
    ///
    /// If the shared transaction failed, the change runs a second time.
    pub async fn write<T, E>(
        &self,
        rows: usize,
        change: impl Fn(&Connection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        self.writer.write(rows, change).await
    }

    /// Checks that the file can be written: by writing, unless a write succeeded just now.
    pub async fn try_write(&self) -> Result<(), Error> {
        let _one = self.probe.lock().await;
        if self.health.written_within(RECENTLY) {
            return self.place.check();
        }
        // There may be room for one page, but not for the records of a request.
        let tried = match self.place.is_full() {
            true => Err(Error::Full),
            // This writes the first page of the file, with an unused number.
            false => {
                self.write(1, |connection| {
                    Ok(connection.execute_batch("PRAGMA user_version = 0")?)
                })
                .await
            }
        };
        if let Err(error) = &tried {
            self.health.failed(error);
        }
        tried
    }

    /// Logs a failure, unless the last write failed too.
    pub fn report(&self, error: &(dyn std::error::Error + 'static)) {
        self.health.failed(error);
    }

    /// Finishes waiting writes and closes the file, at the end of the process.
    pub async fn close(&self) {
        self.readers.close();
        self.writer.close().await;
    }
}

fn connect(path: &Path, pragmas: &str) -> rusqlite::Result<Connection> {
    // A connection is used by one thread at a time.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.execute_batch(pragmas)?;
    Ok(connection)
}

async fn on_blocking_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is shutting down.
            Err(_) => Err(Error::Closed),
        },
    }
}
