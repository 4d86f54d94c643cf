//! The ledger of membership changes that the backend did not do (CONTRACT: backend retries).

use scimguard_core::facts::{GroupRowKey, MembershipKey, RowId};
use scimguard_core::record::transition::{Presence, Transition};
use serde::{Deserialize, Serialize};
use sqlx::FromRow;

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
        let group = GroupRowKey::new(&row.account, &row.scope, RowId::known(&row.group));
        let key = MembershipKey::of(&group, &row.user);
        let wanted = match row.present {
            true => Presence::In,
            false => Presence::Out,
        };
        self.transact(&[Transition::DropRetry(&key, wanted)]).await
    }
}
