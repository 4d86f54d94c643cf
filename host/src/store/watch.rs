//! What somebody who watches the guard asks the store: which tokens end soon, and what is open.

use super::{Error, Store, TokenRow, from_millis};

impl Store {
    /// The tokens that are still good and end until then, the next to end first.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn ending_tokens(
        &self,
        now: u64,
        until: u64,
        limit: u32,
    ) -> Result<Vec<TokenRow>, Error> {
        Ok(sqlx::query_as(
            "SELECT * FROM tokens WHERE revoked = 0 AND expires > ?1 AND expires <= ?2
              ORDER BY expires, account, id LIMIT ?3",
        )
        .bind(from_millis(now))
        .bind(from_millis(until))
        .bind(limit)
        .fetch_all(&self.readers)
        .await?)
    }

    /// How many tokens of each account are still good and end until then.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn expiring_tokens(&self, now: u64, until: u64) -> Result<Vec<(String, i64)>, Error> {
        Ok(sqlx::query_as(
            "SELECT account, count(*) FROM tokens
              WHERE revoked = 0 AND expires > ?1 AND expires <= ?2 GROUP BY account",
        )
        .bind(from_millis(now))
        .bind(from_millis(until))
        .fetch_all(&self.readers)
        .await?)
    }

    /// How many writes of each kind nobody has seen the outcome of, and how many membership changes
    /// are to be repeated.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn open_counts(&self) -> Result<[(&'static str, i64); 4], Error> {
        const COUNTS: &str = "
            SELECT (SELECT count(*) FROM users WHERE pending = 1),
                   (SELECT count(*) FROM groups WHERE pending = 1),
                   (SELECT count(*) FROM members WHERE pending <> 0),
                   (SELECT count(*) FROM retries)";
        let (users, groups, memberships, retries) =
            sqlx::query_as(COUNTS).fetch_one(&self.readers).await?;
        Ok([
            ("users", users),
            ("groups", groups),
            ("memberships", memberships),
            ("retries", retries),
        ])
    }
}
