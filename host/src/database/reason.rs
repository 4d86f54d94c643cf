//! SQLite's errors in words, each said once.

use sqlx::migrate::MigrateError;

/// Why a statement failed.
pub(crate) fn reason(error: &sqlx::Error) -> String {
    let sqlx::Error::Database(database) = error else {
        return match error {
            sqlx::Error::PoolTimedOut => "the database is busy".to_owned(),
            error => error.to_string(),
        };
    };
    let code: Option<u32> = database.code().and_then(|code| code.parse().ok());
    let Some(code) = code else {
        return database.message().to_owned();
    };
    // The lowest byte is the kind (https://www.sqlite.org/rescode.html).
    let words = match code & 0xff {
        5 | 6 => "another process holds the database",
        8 => "it can only be read: its file or disk is read-only",
        10 => "the disk fails (I/O error)",
        11 => "it is damaged",
        13 => "no space is left on its disk",
        14 => "its file cannot be opened",
        26 => "it is not an SQLite database: is this its path?",
        _ => return format!("{} (SQLite's code {code})", database.message()),
    };
    format!("{words} (SQLite's code {code})")
}

/// Why the tables could not be brought up to date.
pub(super) fn of_migration(error: &MigrateError) -> String {
    match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => reason(error),
        MigrateError::VersionMissing(_) | MigrateError::VersionMismatch(_) => {
            "it is another database, or one of a newer version".to_owned()
        }
        error => error.to_string(),
    }
}
