//! SQLite's errors in words, without repetition.

use rusqlite::Error;

/// The reason for a failed statement.
pub(super) fn reason(error: &Error) -> String {
    let Error::SqliteFailure(failure, message) = error else {
        return error.to_string();
    };
    let code = failure.extended_code;
    // The lowest byte is the kind (https://www.sqlite.org/rescode.html).
    let words = match code & 0xff {
        5 | 6 => "another process holds the database",
        8 => "it can only be read: its file or disk is read-only",
        10 => "the disk fails (I/O error)",
        11 => "it is damaged",
        13 => "no space is left on its disk",
        14 => "its file cannot be opened",
        26 => "it is not an SQLite database: is this its path?",
        _ => message.as_deref().unwrap_or("it failed"),
    };
    format!("{words} (SQLite's code {code})")
}
