//! Queries for monitoring: which tokens expire soon, and how much is open.

use rusqlite::{Connection, params};

use super::{Error, Store, TokenRow, from_millis};
use crate::database::Statements as _;

impl Store {
    /// The valid tokens that expire by this time, the next to expire first.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn ending_tokens(
        &self,
        now: u64,
        until: u64,
        limit: u32,
    ) -> Result<Vec<TokenRow>, Error> {
        const TOKENS: &str = "
            SELECT * FROM tokens WHERE revoked = 0 AND expires > ?1 AND expires <= ?2
             ORDER BY expires, account, id LIMIT ?3";
        let question = move |connection: &Connection| {
            let parameters = params![from_millis(now), from_millis(until), limit];
            connection.all(TOKENS, parameters, TokenRow::of)
        };
        Ok(self.database.read_large(question).await?)
    }

    /// The number of valid tokens of each account that expire by this time.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn expiring_tokens(&self, now: u64, until: u64) -> Result<Vec<(String, i64)>, Error> {
        const COUNTS: &str = "
            SELECT account, count(*) FROM tokens
             WHERE revoked = 0 AND expires > ?1 AND expires <= ?2 GROUP BY account";
        let question = move |connection: &Connection| {
            let parameters = [from_millis(now), from_millis(until)];
            connection.all(COUNTS, parameters, |row| row.try_into())
        };
        Ok(self.database.read_large(question).await?)
    }

    /// The number of writes of each kind whose outcome is unknown, and of membership changes to be
    /// repeated.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn open_counts(&self) -> Result<[(&'static str, i64); 4], Error> {
        const COUNTS: &str = "
            SELECT (SELECT count(*) FROM users WHERE pending = 1),
                   (SELECT count(*) FROM groups WHERE pending = 1),
                   (SELECT count(*) FROM members WHERE pending <> 0),
                   (SELECT count(*) FROM retries)";
        let question = |connection: &Connection| {
            connection.one(COUNTS, (), |row| {
                Ok([
                    ("users", row.get(0)?),
                    ("groups", row.get(1)?),
                    ("memberships", row.get(2)?),
                    ("retries", row.get(3)?),
                ])
            })
        };
        Ok(self.database.read_large(question).await?)
    }
}
