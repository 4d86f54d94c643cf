//! Tokens, principals and the ownership record in SQLite. The store answers every [`Key`] of a
//! policy and applies every [`Record`].
//!
//! One call answers all its keys in one read transaction, so that a policy never decides on two
//! different states. One call applies all its records in one transaction, which is on disk before
//! the call returns.

mod clock;
pub mod database;
mod direct;
mod first_fill;
mod groups;
mod members;
mod open;
mod owners;
mod principals;
mod records;
mod retries;
mod rows;
mod tokens;
mod unsettled;
mod users;
mod watch;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::Connection;
use scimguard_core::facts::{Answer, Holder, Key, ResourceKind};
use scimguard_core::record::Record;
use scimguard_core::record::transition::Transition;
use scimguard_core::skeleton;

use crate::database::{Database, Statements as _};

pub use clock::now;
pub use direct::Direct;
pub use first_fill::{Asked, Count, Crawl, Members, Tally};
pub use open::Only;
pub use owners::{CorrectionRow, Counts, MemberCounts, MembershipRow};
pub use principals::{PrincipalKind, PrincipalRow};
pub use retries::{RetryKey, RetryRow};
pub use tokens::{NewToken, TokenRow, TokenUse};

/// A failure of the store. A request that depends on it is refused.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database failed.
    #[error("{0}")]
    Database(database::Error),
    /// The name is taken.
    #[error("{0}")]
    Exists(String),
    /// There are more records than any request can have.
    #[error("the list of records is too long")]
    TooMany,
    /// The user or group has no known id yet.
    #[error("its creation is not settled yet, so that nobody knows its id; correct it then")]
    Unsettled,
    /// No such user or service account.
    #[error("account {account} has no principal {id}")]
    NoPrincipal {
        /// The account.
        account: String,
        /// The missing id.
        id: String,
    },
    /// No such token.
    #[error("account {account} has no token {id}")]
    NoToken {
        /// The account.
        account: String,
        /// The missing id.
        id: String,
    },
    /// The token is missing, revoked or expired, so it cannot be replaced.
    #[error("account {account} has no token {id} that is still good")]
    NoGoodToken {
        /// The account.
        account: String,
        /// The missing id.
        id: String,
    },
}

impl From<database::Error> for Error {
    fn from(error: database::Error) -> Self {
        Self::Database(error)
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(database::Error::Sqlite(error))
    }
}

/// The store. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    database: Database,
}

static OPTIONS: database::Options = database::Options {
    name: "store",
    // If a power failure destroyed an intent, an owned resource would be unprotected.
    synchronous: "FULL",
    migrations: migrations![
        "0001_ownership.sql",
        "0002_open_outcomes.sql",
        "0003_first_fill.sql",
        "0004_statistics.sql",
        "0005_token_history.sql",
        "0006_taken_ids.sql",
        "0007_attempts.sql",
    ],
};

/// A query for more users and groups than this runs on a blocking thread.
const LARGE: usize = 256;

/// The most rows that the records of one call may affect: no request within the largest limits
/// needs that many.
const MOST_ROWS: usize = 400_000;

impl Store {
    /// Opens the database, creates it if it is missing, and updates its tables.
    ///
    /// # Errors
    /// If the file cannot be opened or is not a store.
    pub async fn open(path: &Path) -> Result<Self, Error> {
        let database = Database::open(path, &OPTIONS).await?;
        records::work_out_looks(&database).await?;
        Ok(Self { database })
    }

    /// Answers all keys in order, from one state of the record.
    ///
    /// A user or group that only the backend knows is `Absent` here.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn answer(&self, keys: &[Key]) -> Result<Vec<Answer>, Error> {
        Ok(match is_large(keys) {
            false => self.database.read(|connection| answer(connection, keys))?,
            true => {
                let keys = keys.to_vec();
                let question = move |connection: &Connection| answer(connection, &keys);
                self.database.read_large(question).await?
            }
        })
    }

    /// Applies the records in order, all or none. They are on disk when this returns.
    ///
    /// # Errors
    /// If the database fails; then nothing is applied.
    pub async fn apply(&self, records: &[Record]) -> Result<(), Error> {
        if records.is_empty() || self.are_settled(records)? {
            return Ok(());
        }
        let rows = records.iter().map(rows_of).sum();
        if rows > MOST_ROWS {
            return Err(Error::TooMany);
        }
        let records = records.to_vec();
        self.database
            .write(rows, move |connection| {
                let steps = records.iter().map(Transition::Record);
                records::apply(connection, steps, now())
            })
            .await
    }

    /// Whether these records only settle creates that are settled, as after almost every read of the
    /// identity provider: then nothing need be written.
    fn are_settled(&self, records: &[Record]) -> Result<bool, Error> {
        let settles = |record: &Record| matches!(record, Record::Settle(_) | Record::Withdraw(_));
        if records.len() > LARGE || !records.iter().all(settles) {
            return Ok(false);
        }
        let steps = || records.iter().map(Transition::Record);
        let read = |connection: &Connection| records::change_nothing(connection, steps(), now());
        Ok(self.database.read(read)?)
    }

    /// Whether the outcome of a create in this account is unknown.
    ///
    /// # Errors
    /// If the database fails.
    pub fn has_open_creates(&self, account: &str) -> Result<bool, Error> {
        Ok(self
            .database
            .read(|connection| open::has_intents(connection, account))?)
    }

    /// Checks that the store can be written now.
    ///
    /// # Errors
    /// If it cannot be written.
    pub async fn try_write(&self) -> Result<(), Error> {
        Ok(self.database.try_write().await?)
    }

    /// Logs a failure of the store, once until it works again.
    pub fn report(&self, error: &Error) {
        match error {
            Error::Database(error) => self.database.report(error),
            error => tracing::warn!(%error, "the store did not do what it was asked"),
        }
    }

    /// Finishes waiting writes and closes the file, at the end of the process.
    pub async fn close(&self) {
        self.database.close().await;
    }
}

/// Whether a query may read many rows. A difference reads all members of the group.
fn is_large(keys: &[Key]) -> bool {
    let of_members = keys.iter().map(|key| match key {
        Key::MembersDifference(_) => LARGE,
        Key::Members(key) => key.users.len(),
        _ => 0,
    });
    keys.len() + of_members.sum::<usize>() > LARGE
}

/// The approximate number of rows that a record affects.
fn rows_of(record: &Record) -> usize {
    match record {
        Record::Intent(intent) => 1 + intent.members.len(),
        Record::Members(members) => 1 + members.users.len(),
        _ => 1,
    }
}

fn answer(connection: &Connection, keys: &[Key]) -> rusqlite::Result<Vec<Answer>> {
    let mut answers = vec![Answer::Absent; keys.len()];
    // Keys that occur in large numbers are looked up together, in one batch for each account (and
    // scope).
    let mut users = BTreeMap::<_, Vec<_>>::new();
    let mut names = BTreeMap::<_, Vec<_>>::new();
    let mut groups = BTreeMap::<_, Vec<_>>::new();
    for (position, key) in keys.iter().enumerate() {
        match key {
            Key::User(key) => users
                .entry(key.account.as_str())
                .or_default()
                .push((position, key)),
            Key::UserByName(key) => names
                .entry(key.account.as_str())
                .or_default()
                .push((position, key)),
            Key::Group(key) => groups
                .entry((key.account.as_str(), key.scope.as_str()))
                .or_default()
                .push((position, key)),
            Key::Token(sha256) => answers[position] = tokens::fact(connection, sha256)?,
            // The store does not record what issuers say.
            Key::Verified(_) => answers[position] = Answer::Unavailable,
            Key::Principal(key) => {
                answers[position] = principals::fact(connection, key)?;
            }
            Key::GroupByDerivedId(key) => {
                answers[position] = Answer::Groups(groups::by_derived_id(connection, key)?);
            }
            Key::UserAlike(key) => {
                answers[position] = Answer::Holders(alike(connection, &key.account, &key.value)?);
            }
            Key::ExternalId(key) => {
                answers[position] = Answer::Holders(holders(connection, &key.account, &key.value)?);
            }
            Key::Members(key) => {
                answers[position] = Answer::Members(members::members(connection, key)?);
            }
            Key::MembersDifference(key) => {
                answers[position] = Answer::Difference(members::difference(connection, key)?);
            }
            Key::UserGroups(key) => {
                answers[position] = Answer::Groups(groups::of_user(connection, key)?);
            }
        }
    }
    for (account, batch) in users {
        users::by_key(connection, account, &batch, &mut answers)?;
    }
    for (account, batch) in names {
        users::by_name_key(connection, account, &batch, &mut answers)?;
    }
    for ((account, scope), batch) in groups {
        groups::by_key(connection, account, scope, &batch, &mut answers)?;
    }
    Ok(answers)
}

fn alike(connection: &Connection, account: &str, name: &str) -> rusqlite::Result<Vec<Holder>> {
    const ALIKE: &str = "
        SELECT CASE intent WHEN 0 THEN id END, user_name FROM users
         WHERE account = ?1 AND look = ?2 ORDER BY id";
    connection.all(ALIKE, [account, &skeleton(name)], |row| {
        Ok(Holder {
            kind: ResourceKind::User,
            id: row.get(0)?,
            name: row.get(1)?,
        })
    })
}

fn holders(connection: &Connection, account: &str, value: &str) -> rusqlite::Result<Vec<Holder>> {
    const HOLDERS: &str = "
        SELECT 0, CASE intent WHEN 0 THEN id END, user_name, '' FROM users
         WHERE account = ?1 AND id = ?2 AND intent = 0
        UNION SELECT 0, CASE intent WHEN 0 THEN id END, user_name, '' FROM users
         WHERE account = ?1 AND external_id = ?2
        UNION SELECT 1, CASE intent WHEN 0 THEN id END, display_name, scope FROM groups
         WHERE account = ?1 AND external_id = ?2
        UNION SELECT 1, id, display_name, scope FROM groups
         WHERE account = ?1 AND id = ?2 AND intent = 0
        ORDER BY 1, 4, 2, 3";
    connection.all(HOLDERS, [account, value], |row| {
        Ok(Holder {
            kind: kind_of(row.get(0)?),
            id: row.get(1)?,
            name: row.get(2)?,
        })
    })
}

/// In queries that read users and groups, 0 stands for a user.
fn kind_of(number: i64) -> ResourceKind {
    match number {
        0 => ResourceKind::User,
        _ => ResourceKind::Group,
    }
}

fn to_millis(value: Option<i64>) -> Option<u64> {
    value.and_then(|value| u64::try_from(value).ok())
}

fn from_millis(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
