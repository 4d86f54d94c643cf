//! The versions of the tables. A file lists its migrations in the table that `sqlx` made in files
//! of earlier versions, so that earlier and later versions can read each other's files.

use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use sha2::{Digest as _, Sha384};

use super::{Error, Statements as _};

/// One step from a version to the next.
pub struct Migration {
    /// Its file name, which starts with its number.
    pub file: &'static str,
    /// Its statements.
    pub sql: &'static str,
}

/// The migrations of a folder beside the caller, in order.
#[macro_export]
macro_rules! migrations {
    ($($file:literal),+ $(,)?) => {
        &[$($crate::database::Migration {
            file: $file,
            sql: include_str!(concat!("migrations/", $file)),
        }),+]
    };
}
const APPLIED: &str = "
    CREATE TABLE IF NOT EXISTS _sqlx_migrations (
        version BIGINT PRIMARY KEY,
        description TEXT NOT NULL,
        installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
        success BOOLEAN NOT NULL,
        checksum BLOB NOT NULL,
        execution_time BIGINT NOT NULL
    )";

impl Migration {
    fn checksum(&self) -> Vec<u8> {
        Sha384::digest(self.sql).to_vec()
    }

    fn description(&self) -> String {
        let name = self.file.trim_start_matches(|c: char| c.is_ascii_digit());
        name.trim_end_matches(".sql")
            .replace('_', " ")
            .trim()
            .to_owned()
    }
}

/// Applies the migrations that the file lacks, all or none.
pub(crate) fn apply(connection: &Connection, migrations: &[Migration]) -> Result<(), Error> {
    // Check first, so as not to disturb a guard that is writing to this file.
    if applied(connection, migrations)? == migrations.len() {
        return Ok(());
    }
    let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    transaction.execute_batch(APPLIED)?;
    // Another process may have applied them meanwhile.
    let applied = applied(&transaction, migrations)?;
    for (version, migration) in (1_i64..).zip(migrations).skip(applied) {
        transaction.execute_batch(migration.sql)?;
        transaction.execute(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
             VALUES (?1, ?2, TRUE, ?3, 0)",
            params![version, migration.description(), migration.checksum()],
        )?;
    }
    Ok(transaction.commit()?)
}

/// The number of migrations that the file has, if they are the first of these.
fn applied(connection: &Connection, migrations: &[Migration]) -> Result<usize, Error> {
    const IS_NEW: &str = "
        SELECT NOT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = '_sqlx_migrations')";
    if connection.value(IS_NEW, ())? {
        return Ok(0);
    }
    let applied: Vec<(i64, Vec<u8>)> = connection.all(
        "SELECT version, checksum FROM _sqlx_migrations ORDER BY version",
        (),
        |row| row.try_into(),
    )?;
    let mut known = (1_i64..).zip(migrations.iter().map(Migration::checksum));
    match applied
        .iter()
        .all(|applied| known.next().as_ref() == Some(applied))
    {
        true => Ok(applied.len()),
        false => Err(Error::UnknownMigration),
    }
}
