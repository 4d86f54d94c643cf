//! Changes the record, one transition after the other, within the caller's transaction.

use rusqlite::{Connection, params};
use scimguard_core::record::transition::Transition;
use scimguard_core::skeleton;

use super::{Error, rows};
use crate::database::{Database, Statements as _};

/// Applies these transitions in order. `now` is in milliseconds since 1970.
pub(super) fn apply<'a>(
    connection: &Connection,
    transitions: impl IntoIterator<Item = Transition<'a>>,
    now: u64,
) -> Result<(), Error> {
    for transition in transitions {
        let read = rows::load(connection, transition.reads())?;
        for change in transition.changes(&read, now) {
            rows::keep(connection, change)?;
        }
    }
    Ok(())
}

/// Whether these transitions change nothing.
pub(super) fn change_nothing<'a>(
    connection: &Connection,
    transitions: impl IntoIterator<Item = Transition<'a>>,
    now: u64,
) -> rusqlite::Result<bool> {
    for transition in transitions {
        let read = rows::load(connection, transition.reads())?;
        if !transition.changes(&read, now).is_empty() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Computes the skeletons of names that an earlier version recorded.
pub(super) async fn work_out_looks(database: &Database) -> Result<(), Error> {
    const BATCH: u16 = 1000;
    const MISSING: &str = "SELECT account, id, user_name FROM users WHERE look IS NULL LIMIT ?1";
    let is_one_missing = |connection: &Connection| connection.first(MISSING, [1], |_| Ok(()));
    while database.read(is_one_missing)?.is_some() {
        database
            .write(BATCH.into(), |connection| {
                let rows: Vec<(String, String, String)> =
                    connection.all(MISSING, [BATCH], |row| row.try_into())?;
                for (account, id, name) in rows {
                    connection.change(
                        "UPDATE users SET look = ?3 WHERE account = ?1 AND id = ?2",
                        params![account, id, skeleton(&name)],
                    )?;
                }
                Ok::<(), Error>(())
            })
            .await?;
    }
    Ok(())
}
