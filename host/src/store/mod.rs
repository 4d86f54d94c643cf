//! Tokens, principals and the ownership record in SQLite: answers every [`Key`] that a policy may
//! ask and applies every [`Record`] that it gives.
//!
//! All keys of one call are answered in one read transaction, so that a policy never decides on
//! two states; a list of records is one transaction, on disk before the call returns.

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
mod writer;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;

use scimguard_core::facts::{Answer, Holder, Key, ResourceKind};
use scimguard_core::record::Record;
use scimguard_core::skeleton;
use sqlx::SqliteConnection;
use sqlx::sqlite::{SqlitePool, SqliteSynchronous};

use crate::database::{self, Database};
use writer::Writer;

pub(crate) use first_fill::{Asked, Crawl, Members, Tally};
pub use open::{OpenIntent, OpenMembers};
pub use owners::{CorrectionRow, Counts, MemberCounts, MembershipRow};
pub use principals::{PrincipalKind, PrincipalRow};
pub use retries::{RetryKey, RetryRow};
pub use tokens::{NewToken, TokenRow, TokenUse};

/// Why the store did not answer. A request that depends on it is refused.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database failed.
    #[error("{0}")]
    Database(database::Error),
    /// The store has ended.
    #[error("the store has ended")]
    Closed,
    /// Something of that name is there.
    #[error("{0}")]
    Exists(String),
    /// One list of records is larger than any request makes it.
    #[error("the list of records is too long")]
    TooMany,
    /// The id of what is corrected is not known yet.
    #[error("its creation is not settled yet, so that nobody knows its id; correct it then")]
    Unsettled,
    /// No such user or service account.
    #[error("account {account} has no principal {id}")]
    NoPrincipal {
        /// Where it was looked for.
        account: String,
        /// What it was called.
        id: String,
    },
    /// No such token.
    #[error("account {account} has no token {id}")]
    NoToken {
        /// Where it was looked for.
        account: String,
        /// What it was called.
        id: String,
    },
    /// A token that cannot be replaced any more.
    #[error("account {account} has no token {id} that is still good")]
    NoGoodToken {
        /// Where it was looked for.
        account: String,
        /// What it was called.
        id: String,
    },
}

impl From<database::Error> for Error {
    fn from(error: database::Error) -> Self {
        Self::Database(error)
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(database::Error::Sqlite(error))
    }
}

/// The store. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    readers: SqlitePool,
    database: Database,
    records: Writer,
}

const OPTIONS: database::Options = database::Options {
    name: "store",
    // An intent that is lost with the power would leave an owned resource open.
    synchronous: SqliteSynchronous::Full,
    readers: 8,
};

impl Store {
    /// Opens the database, makes it if there is none, and brings its tables up to date.
    ///
    /// # Errors
    /// If the file cannot be opened or is not a store.
    pub async fn open(path: &Path) -> Result<Self, Error> {
        let migrator = sqlx::migrate!("src/store/migrations");
        let database = Database::open(path, &OPTIONS, &migrator).await?;
        records::work_out_looks(&database).await?;
        Ok(Self {
            readers: database.readers().clone(),
            records: Writer::start(database.clone()),
            database,
        })
    }

    /// Answers every key, in order, from one state of the record.
    ///
    /// A user or group that the backend should be asked for is `Absent` here.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn answer(&self, keys: &[Key]) -> Result<Vec<Answer>, Error> {
        if let [Key::Token(sha256)] = keys {
            // One statement sees one state by itself.
            let mut connection = self.database.reader().await?;
            return Ok(vec![tokens::fact(&mut connection, sha256).await?]);
        }
        let mut transaction = self.database.snapshot().await?;
        let answers = answer(&mut transaction, keys).await?;
        transaction.commit().await?;
        Ok(answers)
    }

    /// Applies the records in order, all or none. They are on disk when this returns.
    ///
    /// # Errors
    /// If the database fails; nothing is applied then.
    pub async fn apply(&self, records: &[Record]) -> Result<(), Error> {
        if records.is_empty() {
            return Ok(());
        }
        self.records.apply(records).await
    }

    /// Whether it can be written now.
    ///
    /// # Errors
    /// If it cannot.
    pub async fn try_write(&self) -> Result<(), Error> {
        Ok(self.database.try_write().await?)
    }

    /// Logs that the store failed, once until it works again.
    pub(crate) fn report(&self, error: &Error) {
        match error {
            Error::Database(error) => self.database.report(error),
            error => tracing::warn!(%error, "the store did not do what it was asked"),
        }
    }

    /// Ends all work; for the end of the process.
    pub async fn close(&self) {
        self.database.close().await;
    }
}

async fn answer(
    connection: &mut SqliteConnection,
    keys: &[Key],
) -> Result<Vec<Answer>, sqlx::Error> {
    let mut answers = vec![Answer::Absent; keys.len()];
    // The keys that come in numbers are asked together, one batch for each account (and scope).
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
            Key::Token(sha256) => answers[position] = tokens::fact(connection, sha256).await?,
            // No record tells what an issuer says.
            Key::Verified(_) => answers[position] = Answer::Unavailable,
            Key::Principal(key) => {
                answers[position] = principals::fact(connection, key).await?;
            }
            Key::GroupByDerivedId(key) => {
                answers[position] = Answer::Groups(groups::by_derived_id(connection, key).await?);
            }
            Key::UserAlike(key) => {
                answers[position] =
                    Answer::Holders(alike(connection, &key.account, &key.value).await?);
            }
            Key::ExternalId(key) => {
                answers[position] =
                    Answer::Holders(holders(connection, &key.account, &key.value).await?);
            }
            Key::Members(key) => {
                answers[position] = Answer::Members(members::members(connection, key).await?);
            }
            Key::MembersDifference(key) => {
                answers[position] = Answer::Difference(members::difference(connection, key).await?);
            }
            Key::UserGroups(key) => {
                answers[position] = Answer::Groups(groups::of_user(connection, key).await?);
            }
        }
    }
    for (account, batch) in users {
        users::by_key(connection, account, &batch, &mut answers).await?;
    }
    for (account, batch) in names {
        users::by_name_key(connection, account, &batch, &mut answers).await?;
    }
    for ((account, scope), batch) in groups {
        groups::by_key(connection, account, scope, &batch, &mut answers).await?;
    }
    Ok(answers)
}

async fn alike(
    connection: &mut SqliteConnection,
    account: &str,
    name: &str,
) -> Result<Vec<Holder>, sqlx::Error> {
    const ALIKE: &str = "
        SELECT CASE intent WHEN 0 THEN id END, user_name FROM users
         WHERE account = ?1 AND look = ?2 ORDER BY id";
    let rows: Vec<(Option<String>, Option<String>)> = sqlx::query_as(ALIKE)
        .bind(account)
        .bind(skeleton(name))
        .fetch_all(connection)
        .await?;
    Ok(rows
        .into_iter()
        .map(|(id, name)| Holder {
            kind: ResourceKind::User,
            id,
            name,
        })
        .collect())
}

async fn holders(
    connection: &mut SqliteConnection,
    account: &str,
    value: &str,
) -> Result<Vec<Holder>, sqlx::Error> {
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
    let rows: Vec<(i64, Option<String>, Option<String>, String)> = sqlx::query_as(HOLDERS)
        .bind(account)
        .bind(value)
        .fetch_all(connection)
        .await?;
    Ok(rows
        .into_iter()
        .map(|(kind, id, name, _scope)| Holder {
            kind: match kind {
                0 => ResourceKind::User,
                _ => ResourceKind::Group,
            },
            id,
            name,
        })
        .collect())
}

/// A list of values as one parameter, for `json_each`.
fn json_list(values: impl IntoIterator<Item: AsRef<str>>) -> String {
    let values = values.into_iter();
    serde_json::Value::from_iter(values.map(|value| value.as_ref().to_owned())).to_string()
}

fn to_millis(value: Option<i64>) -> Option<u64> {
    value.and_then(|value| u64::try_from(value).ok())
}

fn from_millis(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
