//! A transaction, and the connection that it has or gives up.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use sqlx::pool::PoolConnection;
use sqlx::sqlite::SqlitePool;
use sqlx::{Sqlite, SqliteConnection};

use super::Error;
use super::health::Health;
use super::place::Place;

/// What is not committed is undone, and its connection closed: nobody knows what state a failure, or a
/// caller who has gone, left it in.
pub(crate) struct Transaction {
    connection: PoolConnection<Sqlite>,
    committed: bool,
    writing: Option<Writing>,
}

/// Who is told how a write ended.
pub(super) struct Writing {
    pub(super) place: Arc<Place>,
    pub(super) health: Arc<Health>,
}

impl Transaction {
    pub(super) async fn begin(
        pool: &SqlitePool,
        statement: &'static str,
        writing: Option<Writing>,
    ) -> Result<Self, sqlx::Error> {
        let mut transaction = Self {
            connection: pool.acquire().await?,
            committed: false,
            writing,
        };
        sqlx::query(statement)
            .execute(&mut *transaction.connection)
            .await?;
        Ok(transaction)
    }

    /// It is on disk when this returns, as far as the database waits for the disk.
    pub(crate) async fn commit(mut self) -> Result<(), Error> {
        let committed = sqlx::query("COMMIT").execute(&mut *self.connection).await;
        self.committed = committed.is_ok();
        let Some(writing) = &self.writing else {
            return committed.map(drop).map_err(Error::Sqlite);
        };
        // What went into a file that nobody finds any more is lost.
        let written = committed
            .map_err(Error::Sqlite)
            .and_then(|_| writing.place.check());
        match &written {
            Ok(()) => writing.health.written(),
            Err(error) => writing.health.failed(error),
        }
        written
    }
}

impl Deref for Transaction {
    type Target = SqliteConnection;

    fn deref(&self) -> &Self::Target {
        &self.connection
    }
}

impl DerefMut for Transaction {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.connection
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if !self.committed {
            self.connection.close_on_drop();
        }
    }
}
