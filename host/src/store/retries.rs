//! The ledger of membership changes that the backend did not do (CONTRACT: backend retries).

use scimguard_core::record::{FailedChange, MemberRecord};
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, SqliteConnection};

use super::{Error, Store, from_millis};

/// A membership change to be repeated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, FromRow)]
pub struct RetryRow {
    /// The account.
    pub account: String,
    /// The group's scope.
    pub scope: String,
    /// The group's id.
    #[sqlx(rename = "group_id")]
    pub group: String,
    /// The user's id.
    #[sqlx(rename = "user_id")]
    pub user: String,
    /// To be put in, or taken out.
    pub present: bool,
    /// The backend's last HTTP status; `None`: no answer.
    pub status: Option<u16>,
    /// Milliseconds since 1970.
    pub first_seen: i64,
    /// Milliseconds since 1970.
    pub last_tried: i64,
    /// How often it was tried, the first time included.
    pub attempts: i64,
    /// The id of the provider's token that asked for it.
    pub token: String,
    /// When somebody asked to repeat it, in milliseconds since 1970; `None`: nobody waits.
    pub asked: Option<i64>,
}

/// Which membership change.
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

/// Notes a change that failed, or failed again.
pub(super) async fn note(
    connection: &mut SqliteConnection,
    change: &FailedChange,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO retries (account, scope, group_id, user_id, present, status, first_seen,
             last_tried, attempts, token)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, 1, ?8)
         ON CONFLICT DO UPDATE SET
             first_seen = CASE WHEN present = excluded.present THEN first_seen ELSE ?7 END,
             attempts = CASE WHEN present = excluded.present THEN attempts + 1 ELSE 1 END,
             present = excluded.present, status = excluded.status, last_tried = ?7,
             token = excluded.token, asked = NULL",
    )
    .bind(&change.account)
    .bind(&change.scope)
    .bind(&change.group)
    .bind(&change.user)
    .bind(change.present)
    .bind(change.status)
    .bind(from_millis(change.at))
    .bind(&change.by)
    .execute(connection)
    .await?;
    Ok(())
}

/// Drops what a later change of the same membership made needless: the opposite while it is open,
/// everything once it has an outcome.
pub(super) async fn outdated(
    connection: &mut SqliteConnection,
    member: &MemberRecord,
) -> Result<(), sqlx::Error> {
    let is_open = member.pending && member.by.is_some();
    sqlx::query(
        "DELETE FROM retries
          WHERE account = ?1 AND scope = ?2 AND group_id = ?3 AND user_id = ?4
            AND (NOT ?5 OR present <> ?6)",
    )
    .bind(&member.account)
    .bind(&member.scope)
    .bind(&member.group)
    .bind(&member.user)
    .bind(is_open)
    .bind(member.present)
    .execute(connection)
    .await?;
    Ok(())
}

impl Store {
    /// Asks whoever guards this store to repeat changes: all, or those of an account. Returns how
    /// many there are.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn ask_to_retry(&self, account: Option<&str>, at: u64) -> Result<u64, Error> {
        let asked = self
            .database
            .execute(
                sqlx::query("UPDATE retries SET asked = ?2 WHERE ?1 IS NULL OR account = ?1")
                    .bind(account)
                    .bind(from_millis(at)),
            )
            .await?;
        Ok(asked.rows_affected())
    }

    /// Asks whoever guards this store to repeat one change. `false`: there is none.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn ask_to_retry_one(&self, key: &RetryKey, at: u64) -> Result<bool, Error> {
        let asked = self
            .database
            .execute(
                sqlx::query(
                    "UPDATE retries SET asked = ?5
              WHERE account = ?1 AND scope = ?2 AND group_id = ?3 AND user_id = ?4",
                )
                .bind(&key.account)
                .bind(&key.scope)
                .bind(&key.group)
                .bind(&key.user)
                .bind(from_millis(at)),
            )
            .await?;
        Ok(asked.rows_affected() > 0)
    }

    /// The oldest changes, of one account or of all, and how many there are.
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
        let rows = sqlx::query_as(OLDEST)
            .bind(account)
            .bind(limit)
            .fetch_all(&self.readers)
            .await?;
        let all =
            sqlx::query_scalar("SELECT count(*) FROM retries WHERE ?1 IS NULL OR account = ?1")
                .bind(account)
                .fetch_one(&self.readers)
                .await?;
        Ok((rows, all))
    }

    /// The oldest change that somebody asked to repeat.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn next_retry(&self) -> Result<Option<RetryRow>, Error> {
        const NEXT: &str = "
            SELECT * FROM retries WHERE asked IS NOT NULL
             ORDER BY first_seen, account, scope, group_id, user_id LIMIT 1";
        Ok(sqlx::query_as(NEXT).fetch_optional(&self.readers).await?)
    }

    /// How many changes somebody asked to repeat, and nobody has yet.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn asked_retries(&self) -> Result<u64, Error> {
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM retries WHERE asked IS NOT NULL")
            .fetch_one(&self.readers)
            .await?;
        Ok(u64::try_from(count).unwrap_or_default())
    }

    /// A change was tried, and is still to be repeated.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn keep_retry(&self, row: &RetryRow) -> Result<(), Error> {
        self.database
            .execute(
                sqlx::query(
                    "UPDATE retries SET asked = NULL
              WHERE account = ?1 AND scope = ?2 AND group_id = ?3 AND user_id = ?4",
                )
                .bind(&row.account)
                .bind(&row.scope)
                .bind(&row.group)
                .bind(&row.user),
            )
            .await?;
        Ok(())
    }

    /// A change is not to be repeated any more: it was done, or is not wanted.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn drop_retry(&self, row: &RetryRow) -> Result<(), Error> {
        let mut transaction = self.database.begin().await?;
        for statement in [
            "DELETE FROM retries
              WHERE account = ?1 AND scope = ?2 AND group_id = ?3 AND user_id = ?4
                AND present = ?5",
            // Nobody waits for it, should it turn out not to be done.
            "UPDATE members SET token = NULL
              WHERE account = ?1 AND scope = ?2 AND group_id = ?3 AND user_id = ?4
                AND pending = CASE WHEN ?5 THEN 1 ELSE 2 END",
        ] {
            sqlx::query(statement)
                .bind(&row.account)
                .bind(&row.scope)
                .bind(&row.group)
                .bind(&row.user)
                .bind(row.present)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(())
    }
}
