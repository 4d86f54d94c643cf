//! How the record changes: one transition after the other, within the caller's transaction.

use scimguard_core::record::transition::Transition;
use scimguard_core::skeleton;
use sqlx::SqliteConnection;

use super::{Error, Store, rows};
use crate::clock::now;
use crate::database::Database;

impl Store {
    /// Does these steps in order, all or none.
    pub(super) async fn transact(&self, steps: &[Transition<'_>]) -> Result<(), Error> {
        let mut transaction = self.database.begin().await?;
        for step in steps {
            apply(&mut transaction, step).await?;
        }
        transaction.commit().await?;
        Ok(())
    }
}

pub(super) async fn apply(
    connection: &mut SqliteConnection,
    transition: &Transition<'_>,
) -> Result<(), sqlx::Error> {
    let read = rows::load(connection, transition.reads()).await?;
    for change in transition.changes(&read, now()) {
        rows::keep(connection, change).await?;
    }
    Ok(())
}

/// Works out what names look like that an earlier version recorded.
pub(super) async fn work_out_looks(database: &Database) -> Result<(), Error> {
    const BATCH: i64 = 1000;
    loop {
        let rows: Vec<(String, String, String)> =
            sqlx::query_as("SELECT account, id, user_name FROM users WHERE look IS NULL LIMIT ?1")
                .bind(BATCH)
                .fetch_all(database.readers())
                .await?;
        if rows.is_empty() {
            return Ok(());
        }
        let mut transaction = database.begin().await?;
        for (account, id, name) in rows {
            sqlx::query("UPDATE users SET look = ?3 WHERE account = ?1 AND id = ?2")
                .bind(account)
                .bind(id)
                .bind(skeleton(&name))
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
    }
}
