//! Reads a decision log to repeat its decisions. Nothing is written, so a guard may be writing it.

use std::path::Path;

use anyhow::{Context as _, ensure};
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, params};

use super::Verdict;
use scimguard_store::database::Statements as _;

/// A decision log, for reading.
pub(crate) struct Recording {
    connection: Connection,
}

/// Selects the decisions to repeat.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selection {
    /// Of this account only.
    pub(crate) account: Option<String>,
    /// Not before this time, in milliseconds since 1970.
    pub(crate) since: u64,
}

/// A recorded decision.
#[derive(Clone, Debug)]
pub(crate) struct Recorded {
    pub(crate) id: i64,
    /// Milliseconds since 1970.
    pub(crate) at: u64,
    pub(crate) method: String,
    /// Without the values of its query.
    pub(crate) path: String,
    /// Empty: not known.
    pub(crate) account: String,
    pub(crate) verdict: Verdict,
    /// Empty: none.
    pub(crate) rule: String,
    /// The number of the policy document that decided.
    pub(crate) policy: i64,
    /// What explains it, as JSON.
    pub(crate) detail: String,
}

impl Selection {
    fn since(&self) -> i64 {
        i64::try_from(self.since).unwrap_or(i64::MAX)
    }
}

impl Recording {
    /// Opens a log.
    ///
    /// # Errors
    /// If the file cannot be read, or is something else.
    pub(crate) fn open(file: &Path) -> anyhow::Result<Self> {
        const TABLES: &str = "
            SELECT count(*) FROM sqlite_schema
             WHERE type = 'table' AND name IN ('decisions', 'details', 'policies')";
        let shown = file.display();
        ensure!(file.is_file(), "{shown} is not there");
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let open = || -> rusqlite::Result<_> {
            let connection = Connection::open_with_flags(file, flags)?;
            let tables: i64 = connection.query_row(TABLES, (), |row| row.get(0))?;
            Ok((connection, tables))
        };
        let (connection, tables) = open().with_context(|| format!("cannot read {shown}"))?;
        ensure!(
            tables == 3,
            "{shown} is no decision log; give the file that `decisions` in the configuration names"
        );
        Ok(Self { connection })
    }

    /// How many decisions there are of a selection.
    ///
    /// # Errors
    /// If the database fails.
    pub(crate) fn count(&self, selection: &Selection) -> rusqlite::Result<u64> {
        const COUNT: &str = "
            SELECT count(*) FROM decisions WHERE at >= ?1 AND (?2 IS NULL OR account = ?2)";
        let parameters = params![selection.since(), selection.account];
        let count: i64 = self.connection.value(COUNT, parameters)?;
        Ok(count.unsigned_abs())
    }

    /// The next decisions of a selection after this one, oldest first.
    ///
    /// # Errors
    /// If the database fails.
    pub(crate) fn after(
        &self,
        id: i64,
        selection: &Selection,
        size: u32,
    ) -> rusqlite::Result<Vec<Recorded>> {
        const NEXT: &str = "
            SELECT decisions.*, policy, detail FROM decisions JOIN details USING (id)
             WHERE id > ?1 AND at >= ?2 AND (?3 IS NULL OR account = ?3) ORDER BY id LIMIT ?4";
        let parameters = params![id, selection.since(), selection.account, size];
        self.connection.all(NEXT, parameters, |row| {
            Ok(Recorded {
                id: row.get("id")?,
                at: row.get::<_, i64>("at")?.unsigned_abs(),
                method: row.get("method")?,
                path: row.get("path")?,
                account: row.get("account")?,
                verdict: Verdict::of_code(row.get("verdict")?),
                rule: row.get("rule")?,
                policy: row.get("policy")?,
                detail: row.get("detail")?,
            })
        })
    }

    /// The policy document of this number.
    ///
    /// # Errors
    /// If the database fails.
    pub(crate) fn policy(&self, number: i64) -> rusqlite::Result<Option<String>> {
        const DOCUMENT: &str = "SELECT document FROM policies WHERE id = ?1";
        self.connection
            .query_row(DOCUMENT, [number], |row| row.get(0))
            .optional()
    }
}
