//! Tokens. Only the hash of a token's text is kept; the text exists once, where it was made.

use std::net::IpAddr;

use scimguard_core::facts::{Answer, Principal, Token};
use sqlx::{FromRow, Row, SqliteConnection};

use super::principals::permissions;
use super::{Error, Store, from_millis, to_millis};

/// A token to be recorded.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// Lower-case hex of SHA-256 of the whole text.
    pub sha256: String,
    /// How the text begins: `pat` or `sat`.
    pub prefix: &'static str,
    /// The account that it is for.
    pub account: String,
    /// Its name in lists and logs, unique in the account.
    pub id: String,
    /// Whose rights it has.
    pub principal: String,
    /// The identity provider that it is given to.
    pub provider: Option<String>,
    /// Milliseconds since 1970; `None` is never.
    pub expires: Option<u64>,
    /// Milliseconds since 1970.
    pub created: u64,
    /// Who made it.
    pub created_by: Option<String>,
    /// The id of the token that it replaces.
    pub rotated_from: Option<String>,
}

/// The last use of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenUse {
    /// Milliseconds since 1970.
    pub at: u64,
    /// The address that it was used from.
    pub from: Option<IpAddr>,
}

/// A token as listed: nothing of it is secret.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct TokenRow {
    /// The account that it is for.
    pub account: String,
    /// Its name.
    pub id: String,
    /// How its text begins.
    pub prefix: String,
    /// Whose rights it has.
    pub principal: String,
    /// The identity provider that it was given to.
    pub provider: Option<String>,
    /// Milliseconds since 1970; `None` is never.
    pub expires: Option<u64>,
    /// Taken back.
    pub revoked: bool,
    /// Milliseconds since 1970.
    pub created: u64,
    /// Who made it; `None`: nobody noted it.
    pub created_by: Option<String>,
    /// The id of the token that it replaced.
    pub rotated_from: Option<String>,
    /// Milliseconds since 1970, to the minute; `None` is never.
    pub last_used: Option<u64>,
    /// The address that it was last used from.
    pub last_used_from: Option<String>,
}

/// Answers [`scimguard_core::facts::Key::Token`].
pub(super) async fn fact(
    connection: &mut SqliteConnection,
    sha256: &str,
) -> Result<Answer, sqlx::Error> {
    let row = sqlx::query(
        "SELECT t.account, t.id, t.provider, t.expires, t.revoked,
                p.id AS principal, p.active, p.permissions
           FROM tokens t LEFT JOIN principals p ON p.account = t.account AND p.id = t.principal
          WHERE t.sha256 = ?1",
    )
    .bind(sha256)
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else {
        return Ok(Answer::Absent);
    };
    let account: String = row.try_get("account")?;
    let principal = match row.try_get::<Option<String>, _>("principal")? {
        Some(id) => Some(Principal {
            account: account.clone(),
            id,
            active: row.try_get("active")?,
            permissions: permissions(&row)?,
        }),
        None => None,
    };
    Ok(Answer::Token(Token {
        id: row.try_get("id")?,
        account,
        provider: row.try_get("provider")?,
        expires: to_millis(row.try_get("expires")?),
        revoked: row.try_get("revoked")?,
        principal,
    }))
}

impl Store {
    /// Records a token.
    ///
    /// # Errors
    /// If the account has one of that id.
    pub async fn create_token(&self, token: &NewToken) -> Result<(), Error> {
        let mut transaction = self.database.begin().await?;
        insert(&mut transaction, token).await?;
        Ok(transaction.commit().await?)
    }

    /// Records a token in place of another, which ends at `until`, or earlier if it did so anyway.
    ///
    /// # Errors
    /// If there is no other, it is revoked or expired, or the account has a token of the new id.
    pub async fn rotate_token(&self, token: &NewToken, old: &str, until: u64) -> Result<(), Error> {
        let mut transaction = self.database.begin().await?;
        insert(&mut transaction, token).await?;
        let ended = sqlx::query(
            "UPDATE tokens SET expires = min(coalesce(expires, ?3), ?3)
              WHERE account = ?1 AND id = ?2 AND revoked = 0 AND coalesce(expires, ?4 + 1) > ?4",
        )
        .bind(&token.account)
        .bind(old)
        .bind(from_millis(until))
        .bind(from_millis(token.created))
        .execute(&mut *transaction)
        .await?;
        if ended.rows_affected() == 0 {
            return Err(Error::NoGoodToken {
                account: token.account.clone(),
                id: old.to_owned(),
            });
        }
        transaction.commit().await?;
        Ok(())
    }

    /// The tokens, of one account or of all.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn tokens(&self, account: Option<&str>) -> Result<Vec<TokenRow>, Error> {
        Ok(sqlx::query_as(
            "SELECT * FROM tokens WHERE ?1 IS NULL OR account = ?1 ORDER BY account, created, id",
        )
        .bind(account)
        .fetch_all(&self.readers)
        .await?)
    }

    /// Takes a token back.
    ///
    /// # Errors
    /// If the account has none of that id.
    pub async fn revoke_token(&self, account: &str, id: &str) -> Result<(), Error> {
        let done = self
            .database
            .execute(
                sqlx::query("UPDATE tokens SET revoked = 1 WHERE account = ?1 AND id = ?2")
                    .bind(account)
                    .bind(id),
            )
            .await?;
        match done.rows_affected() {
            0 => Err(no_token(account, id)),
            _ => Ok(()),
        }
    }

    /// The hash of a token.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn token_hash(&self, account: &str, id: &str) -> Result<Option<String>, Error> {
        Ok(
            sqlx::query_scalar("SELECT sha256 FROM tokens WHERE account = ?1 AND id = ?2")
                .bind(account)
                .bind(id)
                .fetch_optional(&self.readers)
                .await?,
        )
    }

    /// Looks up one token.
    ///
    /// # Errors
    /// If the account has none of that id.
    pub async fn token(&self, account: &str, id: &str) -> Result<TokenRow, Error> {
        let found = sqlx::query_as("SELECT * FROM tokens WHERE account = ?1 AND id = ?2")
            .bind(account)
            .bind(id)
            .fetch_optional(&self.readers)
            .await?;
        found.ok_or_else(|| no_token(account, id))
    }

    /// The id of the principal that a token was given for, which need not be on record.
    ///
    /// # Errors
    /// If the database fails.
    pub(crate) async fn token_principal(&self, sha256: &str) -> Result<Option<String>, Error> {
        Ok(
            sqlx::query_scalar("SELECT principal FROM tokens WHERE sha256 = ?1")
                .bind(sha256)
                .fetch_optional(&self.readers)
                .await?,
        )
    }

    /// Notes when tokens were last used, and from where.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn note_used(
        &self,
        uses: impl IntoIterator<Item = ((String, String), TokenUse)>,
    ) -> Result<(), Error> {
        let mut transaction = self.database.begin().await?;
        for ((account, id), used) in uses {
            // Another guard on this store may have seen a later one.
            sqlx::query(
                "UPDATE tokens SET last_used = ?3, last_used_from = ?4
                  WHERE account = ?1 AND id = ?2 AND coalesce(last_used, 0) <= ?3",
            )
            .bind(account)
            .bind(id)
            .bind(from_millis(used.at))
            .bind(used.from.map(|address| address.to_string()))
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        Ok(())
    }
}

impl FromRow<'_, sqlx::sqlite::SqliteRow> for TokenRow {
    fn from_row(row: &sqlx::sqlite::SqliteRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            account: row.try_get("account")?,
            id: row.try_get("id")?,
            prefix: row.try_get("prefix")?,
            principal: row.try_get("principal")?,
            provider: row.try_get("provider")?,
            expires: to_millis(row.try_get("expires")?),
            revoked: row.try_get("revoked")?,
            created: to_millis(row.try_get("created")?).unwrap_or_default(),
            created_by: row.try_get("created_by")?,
            rotated_from: row.try_get("rotated_from")?,
            last_used: to_millis(row.try_get("last_used")?),
            last_used_from: row.try_get("last_used_from")?,
        })
    }
}

async fn insert(connection: &mut SqliteConnection, token: &NewToken) -> Result<(), Error> {
    let done = sqlx::query(
        "INSERT INTO tokens (sha256, prefix, account, id, principal, provider, expires, revoked,
             created, created_by, rotated_from)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, ?8, ?9, ?10) ON CONFLICT DO NOTHING",
    )
    .bind(&token.sha256)
    .bind(token.prefix)
    .bind(&token.account)
    .bind(&token.id)
    .bind(&token.principal)
    .bind(&token.provider)
    .bind(token.expires.map(from_millis))
    .bind(from_millis(token.created))
    .bind(&token.created_by)
    .bind(&token.rotated_from)
    .execute(connection)
    .await?;
    match done.rows_affected() {
        0 => Err(Error::Exists(format!(
            "account {} has a token {} already; choose another --id",
            token.account, token.id
        ))),
        _ => Ok(()),
    }
}

fn no_token(account: &str, id: &str) -> Error {
    Error::NoToken {
        account: account.to_owned(),
        id: id.to_owned(),
    }
}
