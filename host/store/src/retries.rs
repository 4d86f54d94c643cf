//! Membership changes that the backend did not make and that are to be repeated.

use rusqlite::{Connection, Row, params};
use scimguard_core::facts::{GroupRowKey, MembershipKey, RowId};
use scimguard_core::record::transition::{Presence, Transition};
use serde::{Deserialize, Serialize};

use super::{Error, Store, from_millis, records};
use crate::database::{Columns, Statements as _};
use crate::now;

/// A membership change to be repeated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RetryRow {
    /// The account.
    pub account: String,
    /// The group's scope.
    pub scope: String,
    /// The group's id.
    pub group: String,
    /// The user's id.
    pub user: String,
    /// Whether to add the user; otherwise to remove the user.
    pub present: bool,
    /// The backend's last HTTP status; `None`: no answer.
    pub status: Option<u16>,
    /// Milliseconds since 1970.
    pub first_seen: i64,
    /// Milliseconds since 1970.
    pub last_tried: i64,
    /// The number of attempts, including the first.
    pub attempts: i64,
    /// The id of the token that the provider used.
    pub token: String,
    /// When an operator asked to repeat it, in milliseconds since 1970; `None`: no operator did.
    pub asked: Option<i64>,
}

impl RetryRow {
    /// Reads a row of the table.
    pub(super) fn of(row: &Row<'_>) -> rusqlite::Result<Self> {
        let mut columns = Columns::of(row);
        Ok(Self {
            account: columns.next()?,
            scope: columns.next()?,
            group: columns.next()?,
            user: columns.next()?,
            present: columns.next()?,
            status: columns.next()?,
            first_seen: columns.next()?,
            last_tried: columns.next()?,
            attempts: columns.next()?,
            token: columns.next()?,
            asked: columns.next()?,
        })
    }
}

/// Identifies a membership change.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct RetryKey {
    /// The account.
    pub account: String,
    /// The group's scope.
    #[serde(default)]
    pub scope: String,
    /// The group's id.
    pub group: String,
    /// The user's id.
    pub user: String,
}

impl Store {
    /// Asks the guard of this store to repeat all changes, or those of an account. Returns their
    /// number.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn ask_to_retry(&self, account: Option<&str>, at: u64) -> Result<u64, Error> {
        const ASK: &str = "UPDATE retries SET asked = ?2 WHERE ?1 IS NULL OR account = ?1";
        let account = account.map(str::to_owned);
        self.database
            .write(1, move |connection| {
                let asked = connection.change(ASK, params![account, from_millis(at)])?;
                Ok(u64::try_from(asked).unwrap_or(u64::MAX))
            })
            .await
    }

    /// Asks the guard of this store to repeat one change. `false`: there is no such change.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn ask_to_retry_one(&self, key: &RetryKey, at: u64) -> Result<bool, Error> {
        self.set_asked(key.clone(), Some(from_millis(at))).await
    }

    /// The oldest changes of one account, or of all, and the number of changes.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn oldest_retries(
        &self,
        account: Option<&str>,
        limit: u32,
    ) -> Result<(Vec<RetryRow>, i64), Error> {
        const OLDEST: &str = "
            SELECT * FROM retries WHERE ?1 IS NULL OR account = ?1
             ORDER BY first_seen, account, scope, group_id, user_id LIMIT ?2";
        const COUNT: &str = "SELECT count(*) FROM retries WHERE ?1 IS NULL OR account = ?1";
        let account = account.map(str::to_owned);
        let question = move |connection: &Connection| {
            let rows = connection.all(OLDEST, params![account, limit], RetryRow::of)?;
            Ok((rows, connection.value(COUNT, [account])?))
        };
        Ok(self.database.read_large(question).await?)
    }

    /// The oldest change that an operator asked to repeat.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn next_retry(&self) -> Result<Option<RetryRow>, Error> {
        const NEXT: &str = "
            SELECT * FROM retries WHERE asked IS NOT NULL
             ORDER BY first_seen, account, scope, group_id, user_id LIMIT 1";
        let question = |connection: &Connection| connection.first(NEXT, (), RetryRow::of);
        Ok(self.database.read_large(question).await?)
    }

    /// The number of changes that an operator asked to repeat and that have not been repeated yet.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn asked_retries(&self) -> Result<u64, Error> {
        const COUNT: &str = "SELECT count(*) FROM retries WHERE asked IS NOT NULL";
        let question = |connection: &Connection| connection.value::<i64>(COUNT, ());
        let count = self.database.read_large(question).await?;
        Ok(u64::try_from(count).unwrap_or_default())
    }

    /// Records an attempt after which a change is still to be repeated.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn keep_retry(&self, row: &RetryRow) -> Result<(), Error> {
        let key = RetryKey {
            account: row.account.clone(),
            scope: row.scope.clone(),
            group: row.group.clone(),
            user: row.user.clone(),
        };
        self.set_asked(key, None).await.map(drop)
    }

    /// Returns whether such a change exists.
    async fn set_asked(&self, key: RetryKey, at: Option<i64>) -> Result<bool, Error> {
        const SET: &str = "
            UPDATE retries SET asked = ?5
             WHERE account = ?1 AND scope = ?2 AND group_id = ?3 AND user_id = ?4";
        self.database
            .write(1, move |connection| {
                let parameters = params![key.account, key.scope, key.group, key.user, at];
                Ok(connection.change(SET, parameters)? > 0)
            })
            .await
    }

    /// Drops a change that was made, or that is no longer wanted.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn drop_retry(&self, row: &RetryRow) -> Result<(), Error> {
        let group = GroupRowKey::new(&row.account, &row.scope, RowId::known(&row.group));
        let key = MembershipKey::of(&group, &row.user);
        let wanted = match row.present {
            true => Presence::In,
            false => Presence::Out,
        };
        self.database
            .write(1, move |connection| {
                records::apply(connection, [Transition::DropRetry(&key, wanted)], now())
            })
            .await
    }
}
