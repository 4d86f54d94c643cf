//! Tokens. The store has only the hash of a token's text; its creator sees the text once.

use std::net::IpAddr;

use rusqlite::{Connection, Result as Read, Row, params};
use scimguard_core::facts::{Answer, Principal, Token};

use super::{Error, Store, from_millis, to_millis};
use crate::database::{Columns, Json, Statements as _};

/// A token to be recorded.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// Lower-case hex of SHA-256 of the whole text.
    pub sha256: String,
    /// The prefix of the text: `pat` or `sat`.
    pub prefix: &'static str,
    /// Its account.
    pub account: String,
    /// Its name in lists and logs, unique in the account.
    pub id: String,
    /// The principal that it belongs to.
    pub principal: String,
    /// The identity provider that uses it.
    pub provider: Option<String>,
    /// Milliseconds since 1970; `None` is never.
    pub expires: Option<u64>,
    /// Milliseconds since 1970.
    pub created: u64,
    /// The creator.
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

/// A token as listed, without secrets.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct TokenRow {
    /// Its account.
    pub account: String,
    /// Its name.
    pub id: String,
    /// The prefix of its text.
    pub prefix: String,
    /// The principal that it belongs to.
    pub principal: String,
    /// The identity provider that uses it.
    pub provider: Option<String>,
    /// Milliseconds since 1970; `None` is never.
    pub expires: Option<u64>,
    /// Whether it was revoked.
    pub revoked: bool,
    /// Milliseconds since 1970.
    pub created: u64,
    /// The creator; `None`: not recorded.
    pub created_by: Option<String>,
    /// The id of the token that it replaced.
    pub rotated_from: Option<String>,
    /// Milliseconds since 1970, to the minute; `None` is never.
    pub last_used: Option<u64>,
    /// The address that it was last used from.
    pub last_used_from: Option<String>,
}

/// Answers [`scimguard_core::facts::Key::Token`].
pub(super) fn fact(connection: &Connection, sha256: &str) -> Read<Answer> {
    const TOKEN: &str = "
        SELECT t.account, t.id, t.provider, t.expires, t.revoked, p.id, p.active, p.permissions
          FROM tokens t LEFT JOIN principals p ON p.account = t.account AND p.id = t.principal
         WHERE t.sha256 = ?1";
    let token = connection.first(TOKEN, [sha256], |row| {
        let mut columns = Columns::of(row);
        let account: String = columns.next()?;
        Ok(Token {
            account: account.clone(),
            id: columns.next()?,
            provider: columns.next()?,
            expires: to_millis(columns.next()?),
            revoked: columns.next()?,
            principal: match columns.next()? {
                Some(id) => Some(Principal {
                    account,
                    id,
                    active: columns.next()?,
                    permissions: columns.next::<Json<_>>()?.0,
                }),
                None => None,
            },
        })
    })?;
    Ok(token.map_or(Answer::Absent, Answer::Token))
}

impl Store {
    /// Records a token.
    ///
    /// # Errors
    /// If the account already has a token with this id.
    pub async fn create_token(&self, token: &NewToken) -> Result<(), Error> {
        let token = token.clone();
        self.database
            .write(1, move |connection| insert(connection, &token))
            .await
    }

    /// Records a token in place of another, which expires at `until`, or earlier if it would
    /// anyway.
    ///
    /// # Errors
    /// If the other token is missing, revoked or expired, or the account already has a token with
    /// the new id.
    pub async fn rotate_token(&self, token: &NewToken, old: &str, until: u64) -> Result<(), Error> {
        const END: &str = "
            UPDATE tokens SET expires = min(coalesce(expires, ?3), ?3)
             WHERE account = ?1 AND id = ?2 AND revoked = 0 AND coalesce(expires, ?4 + 1) > ?4";
        let (token, old) = (token.clone(), old.to_owned());
        self.database
            .write(2, move |connection| {
                insert(connection, &token)?;
                let (until, now) = (from_millis(until), from_millis(token.created));
                match connection.change(END, params![token.account, old, until, now])? {
                    0 => Err(Error::NoGoodToken {
                        account: token.account.clone(),
                        id: old.clone(),
                    }),
                    _ => Ok(()),
                }
            })
            .await
    }

    /// The tokens of one account, or of all.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn tokens(&self, account: Option<&str>) -> Result<Vec<TokenRow>, Error> {
        const TOKENS: &str = "
            SELECT * FROM tokens WHERE ?1 IS NULL OR account = ?1 ORDER BY account, created, id";
        let account = account.map(str::to_owned);
        let question = |connection: &Connection| connection.all(TOKENS, [account], TokenRow::of);
        Ok(self.database.read_large(question).await?)
    }

    /// Revokes a token.
    ///
    /// # Errors
    /// If the account has no token with this id.
    pub async fn revoke_token(&self, account: &str, id: &str) -> Result<(), Error> {
        const REVOKE: &str = "UPDATE tokens SET revoked = 1 WHERE account = ?1 AND id = ?2";
        let (account, id) = (account.to_owned(), id.to_owned());
        self.database
            .write(1, move |connection| {
                match connection.change(REVOKE, [&account, &id])? {
                    0 => Err(no_token(&account, &id)),
                    _ => Ok(()),
                }
            })
            .await
    }

    /// The hash of a token.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn token_hash(&self, account: &str, id: &str) -> Result<Option<String>, Error> {
        const HASH: &str = "SELECT sha256 FROM tokens WHERE account = ?1 AND id = ?2";
        Ok(self
            .database
            .read(|connection| connection.first(HASH, [account, id], |row| row.get(0)))?)
    }

    /// Looks up one token.
    ///
    /// # Errors
    /// If the account has no token with this id.
    pub async fn token(&self, account: &str, id: &str) -> Result<TokenRow, Error> {
        const TOKEN: &str = "SELECT * FROM tokens WHERE account = ?1 AND id = ?2";
        let found = self
            .database
            .read(|connection| connection.first(TOKEN, [account, id], TokenRow::of))?;
        found.ok_or_else(|| no_token(account, id))
    }

    /// The id of a token's principal, which need not be on record.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn token_principal(&self, sha256: &str) -> Result<Option<String>, Error> {
        const PRINCIPAL: &str = "SELECT principal FROM tokens WHERE sha256 = ?1";
        Ok(self
            .database
            .read(|connection| connection.first(PRINCIPAL, [sha256], |row| row.get(0)))?)
    }

    /// Records when and from which address tokens were last used.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn note_used(
        &self,
        uses: impl IntoIterator<Item = ((String, String), TokenUse)>,
    ) -> Result<(), Error> {
        // Another guard on this store may have seen a later use.
        const NOTE: &str = "
            UPDATE tokens SET last_used = ?3, last_used_from = ?4
             WHERE account = ?1 AND id = ?2 AND coalesce(last_used, 0) <= ?3";
        let uses: Vec<_> = uses.into_iter().collect();
        self.database
            .write(uses.len(), move |connection| {
                for ((account, id), used) in &uses {
                    let from = used.from.map(|address| address.to_string());
                    connection.change(NOTE, params![account, id, from_millis(used.at), from])?;
                }
                Ok(())
            })
            .await
    }
}

impl TokenRow {
    /// Reads a row of the table.
    pub(super) fn of(row: &Row<'_>) -> Read<Self> {
        Ok(Self {
            account: row.get("account")?,
            id: row.get("id")?,
            prefix: row.get("prefix")?,
            principal: row.get("principal")?,
            provider: row.get("provider")?,
            expires: to_millis(row.get("expires")?),
            revoked: row.get("revoked")?,
            created: to_millis(row.get("created")?).unwrap_or_default(),
            created_by: row.get("created_by")?,
            rotated_from: row.get("rotated_from")?,
            last_used: to_millis(row.get("last_used")?),
            last_used_from: row.get("last_used_from")?,
        })
    }
}

fn insert(connection: &Connection, token: &NewToken) -> Result<(), Error> {
    let inserted = connection.change(
        "INSERT INTO tokens (sha256, prefix, account, id, principal, provider, expires, revoked,
             created, created_by, rotated_from)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, ?8, ?9, ?10) ON CONFLICT DO NOTHING",
        params![
            token.sha256,
            token.prefix,
            token.account,
            token.id,
            token.principal,
            token.provider,
            token.expires.map(from_millis),
            from_millis(token.created),
            token.created_by,
            token.rotated_from,
        ],
    )?;
    match inserted {
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
