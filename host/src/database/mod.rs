//! One SQLite file of the guard: the store, or the decision log.
//!
//! Nobody writes but in a [`Transaction`], and only one that was committed gives its connection back:
//! after any failure, or none that was finished, the connection is closed, and the next write begins
//! with a new one. So whatever a full disk, a lost mount or an I/O error leaves behind in SQLite goes
//! with the connection, and the guard is back with the disk.

mod health;
mod place;
mod reason;
mod transaction;

#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::pool::PoolConnection;
use sqlx::query::Query;
use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteQueryResult, SqliteSynchronous,
};
use sqlx::{ConnectOptions as _, Sqlite};
use tokio::sync::Mutex;

use self::health::Health;
use self::place::{Place, create_private, is_full};
use self::reason::reason;
pub(crate) use self::transaction::Transaction;

/// Another process (the command line) may hold the database for this long.
const BUSY: Duration = Duration::from_secs(5);

/// How old the last write may be that tells that writing is possible.
const TRIED: Duration = Duration::from_secs(1);

/// Why a database did not do what it should.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// SQLite, or the way to it.
    #[error("{}", reason(.0))]
    Sqlite(sqlx::Error),
    /// The tables could not be brought to this version.
    #[error("{}", reason::of_migration(.0))]
    Migration(sqlx::migrate::MigrateError),
    /// The file cannot be made.
    #[error("{0}")]
    File(std::io::Error),
    /// SQLite's own errors do not tell this while a file is opened.
    #[error("no space is left on its disk")]
    Full,
    /// The open file is not the one of this name any more.
    #[error(
        "the file {0} was replaced or removed while it was in use; put it back, or restart the guard"
    )]
    Replaced(String),
}

/// What one file is like.
pub(crate) struct Options {
    /// What it is called in the log.
    pub(crate) name: &'static str,
    /// How much the power may take.
    pub(crate) synchronous: SqliteSynchronous,
    /// Readers that may be at work at once. Each is a thread of its own.
    pub(crate) readers: u32,
}

/// An open file. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Database {
    readers: SqlitePool,
    /// SQLite has one writer; queueing here is fairer than its busy loop.
    writers: SqlitePool,
    place: Arc<Place>,
    health: Arc<Health>,
    /// One probe at a time.
    probe: Arc<Mutex<()>>,
}

impl Database {
    /// Opens the file, makes it if there is none, and brings its tables up to date.
    pub(crate) async fn open(
        path: &Path,
        options: &Options,
        migrator: &Migrator,
    ) -> Result<Self, Error> {
        create_private(path).map_err(Error::File)?;
        let connect = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(options.synchronous)
            .foreign_keys(true)
            .busy_timeout(BUSY)
            .disable_statement_logging();
        let pool = |connections: u32, connect: SqliteConnectOptions| {
            SqlitePoolOptions::new()
                .max_connections(connections)
                .acquire_timeout(BUSY)
                // A file does not hang up; asking first would double the way of short questions.
                .test_before_acquire(false)
                .connect_with(connect)
        };
        let full = |error| match is_full(path) {
            true => Error::Full,
            false => error,
        };
        let writers = pool(1, connect.clone())
            .await
            .map_err(|error| full(Error::Sqlite(error)))?;
        migrator
            .run(&writers)
            .await
            .map_err(|error| full(Error::Migration(error)))?;
        let readers = pool(options.readers, connect.pragma("query_only", "on"))
            .await
            .map_err(|error| full(Error::Sqlite(error)))?;
        Ok(Self {
            readers,
            writers,
            place: Arc::new(Place::of(path).map_err(Error::File)?),
            health: Arc::new(Health::new(options.name, path)),
            probe: Arc::default(),
        })
    }

    /// Those who read one statement each.
    pub(crate) fn readers(&self) -> &SqlitePool {
        &self.readers
    }

    /// For one statement whose answer decides something.
    pub(crate) async fn reader(&self) -> Result<PoolConnection<Sqlite>, Error> {
        self.place.check()?;
        self.readers.acquire().await.map_err(Error::Sqlite)
    }

    /// Begins to read one state.
    pub(crate) async fn snapshot(&self) -> Result<Transaction, Error> {
        self.place.check()?;
        Transaction::begin(&self.readers, "BEGIN", None)
            .await
            .map_err(Error::Sqlite)
    }

    /// Begins to write.
    pub(crate) async fn begin(&self) -> Result<Transaction, Error> {
        let begun = async {
            self.place.check()?;
            let writing = transaction::Writing {
                place: Arc::clone(&self.place),
                health: Arc::clone(&self.health),
            };
            Transaction::begin(&self.writers, "BEGIN IMMEDIATE", Some(writing))
                .await
                .map_err(Error::Sqlite)
        };
        let begun = begun.await;
        if let Err(error) = &begun {
            self.health.failed(error);
        }
        begun
    }

    /// Writes by one statement.
    pub(crate) async fn execute(
        &self,
        statement: Query<'_, Sqlite, SqliteArguments>,
    ) -> Result<SqliteQueryResult, Error> {
        let mut transaction = self.begin().await?;
        let done = statement
            .execute(&mut *transaction)
            .await
            .map_err(Error::Sqlite)?;
        transaction.commit().await?;
        Ok(done)
    }

    /// Whether it can be written now: writes, unless somebody just did.
    pub(crate) async fn try_write(&self) -> Result<(), Error> {
        let _one = self.probe.lock().await;
        if self.health.written_within(TRIED) {
            return self.place.check();
        }
        let tried = async {
            // One page may find room where a request's records do not.
            if self.place.is_full() {
                return Err(Error::Full);
            }
            let mut transaction = self.begin().await?;
            // The first page of the file, and nothing in it that anybody reads.
            sqlx::query("PRAGMA user_version = 0")
                .execute(&mut *transaction)
                .await
                .map_err(Error::Sqlite)?;
            transaction.commit().await
        };
        let tried = tried.await;
        if let Err(error) = &tried {
            self.health.failed(error);
        }
        tried
    }

    /// Logs a failure, unless it is known.
    pub(crate) fn report(&self, error: &(dyn std::error::Error + 'static)) {
        self.health.failed(error);
    }

    /// Ends all work; for the end of the process.
    pub(crate) async fn close(&self) {
        self.readers.close().await;
        self.writers.close().await;
    }
}
