//! Tokens and the principals whose rights they have. Of a token only the hash of its text is kept;
//! the text exists once, where it was made.

use scimguard_core::facts::{Answer, Principal, PrincipalKey, Token};
use sqlx::{FromRow, Row, SqliteConnection};

use super::{Error, Store, from_millis, to_millis};

/// What a principal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PrincipalKind {
    /// A person.
    User,
    /// A program.
    ServiceAccount,
}

impl PrincipalKind {
    /// As the command line writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::ServiceAccount => "service-account",
        }
    }

    /// How the text of its tokens begins.
    #[must_use]
    pub const fn token_prefix(self) -> &'static str {
        match self {
            Self::User => "pat",
            Self::ServiceAccount => "sat",
        }
    }
}

/// A principal as recorded.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct PrincipalRow {
    /// The account that it belongs to.
    pub account: String,
    /// Its id, unique in the account.
    pub id: String,
    /// What it is.
    pub kind: PrincipalKind,
    /// Not disabled.
    pub active: bool,
    /// Permission ids.
    pub permissions: Vec<String>,
    /// Milliseconds since 1970.
    pub created: u64,
}

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
    /// Milliseconds since 1970, to the minute; `None` is never.
    pub last_used: Option<u64>,
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

/// Answers [`scimguard_core::facts::Key::Principal`].
pub(super) async fn principal_fact(
    connection: &mut SqliteConnection,
    key: &PrincipalKey,
) -> Result<Answer, sqlx::Error> {
    let row =
        sqlx::query("SELECT active, permissions FROM principals WHERE account = ?1 AND id = ?2")
            .bind(&key.account)
            .bind(&key.id)
            .fetch_optional(connection)
            .await?;
    let Some(row) = row else {
        return Ok(Answer::Absent);
    };
    Ok(Answer::Principal(Principal {
        account: key.account.clone(),
        id: key.id.clone(),
        active: row.try_get("active")?,
        permissions: permissions(&row)?,
    }))
}

fn permissions(row: &sqlx::sqlite::SqliteRow) -> Result<Vec<String>, sqlx::Error> {
    let text: String = row.try_get("permissions")?;
    serde_json::from_str(&text).map_err(|error| sqlx::Error::Decode(Box::new(error)))
}

impl Store {
    /// Records a principal.
    ///
    /// # Errors
    /// If the account has one of that id.
    pub async fn create_principal(&self, principal: &PrincipalRow) -> Result<(), Error> {
        let done = sqlx::query(
            "INSERT INTO principals (account, id, kind, active, permissions, created)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
        )
        .bind(&principal.account)
        .bind(&principal.id)
        .bind(principal.kind.as_str())
        .bind(principal.active)
        .bind(serde_json::json!(principal.permissions).to_string())
        .bind(from_millis(principal.created))
        .execute(&self.writers)
        .await?;
        match done.rows_affected() {
            0 => Err(Error::Exists(format!(
                "account {} has a principal {} already; choose another --id",
                principal.account, principal.id
            ))),
            _ => Ok(()),
        }
    }

    /// The principals, of one account or of all.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn principals(&self, account: Option<&str>) -> Result<Vec<PrincipalRow>, Error> {
        let rows = sqlx::query(
            "SELECT * FROM principals WHERE ?1 IS NULL OR account = ?1 ORDER BY account, id",
        )
        .bind(account)
        .fetch_all(&self.readers)
        .await?;
        let read = |row: &sqlx::sqlite::SqliteRow| -> Result<_, sqlx::Error> {
            Ok(PrincipalRow {
                account: row.try_get("account")?,
                id: row.try_get("id")?,
                kind: match row.try_get::<&str, _>("kind")? {
                    "user" => PrincipalKind::User,
                    _ => PrincipalKind::ServiceAccount,
                },
                active: row.try_get("active")?,
                permissions: permissions(row)?,
                created: to_millis(row.try_get("created")?).unwrap_or_default(),
            })
        };
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
    }

    /// Looks up one principal.
    ///
    /// # Errors
    /// If the account has none of that id.
    pub async fn principal(&self, account: &str, id: &str) -> Result<PrincipalRow, Error> {
        self.principals(Some(account))
            .await?
            .into_iter()
            .find(|principal| principal.id == id)
            .ok_or_else(|| no_principal(account, id))
    }

    /// Disables a principal, and with it all its tokens, or enables it again.
    ///
    /// # Errors
    /// If the account has none of that id.
    pub async fn set_principal_active(
        &self,
        account: &str,
        id: &str,
        active: bool,
    ) -> Result<(), Error> {
        let done = sqlx::query("UPDATE principals SET active = ?3 WHERE account = ?1 AND id = ?2")
            .bind(account)
            .bind(id)
            .bind(active)
            .execute(&self.writers)
            .await?;
        match done.rows_affected() {
            0 => Err(no_principal(account, id)),
            _ => Ok(()),
        }
    }

    /// Records a token.
    ///
    /// # Errors
    /// If the account has one of that id.
    pub async fn create_token(&self, token: &NewToken) -> Result<(), Error> {
        let done = sqlx::query(
            "INSERT INTO tokens (sha256, prefix, account, id, principal, provider, expires, revoked,
                 created)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, ?8) ON CONFLICT DO NOTHING",
        )
        .bind(&token.sha256)
        .bind(token.prefix)
        .bind(&token.account)
        .bind(&token.id)
        .bind(&token.principal)
        .bind(&token.provider)
        .bind(token.expires.map(from_millis))
        .bind(from_millis(token.created))
        .execute(&self.writers)
        .await?;
        match done.rows_affected() {
            0 => Err(Error::Exists(format!(
                "account {} has a token {} already; choose another --id",
                token.account, token.id
            ))),
            _ => Ok(()),
        }
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
        let done = sqlx::query("UPDATE tokens SET revoked = 1 WHERE account = ?1 AND id = ?2")
            .bind(account)
            .bind(id)
            .execute(&self.writers)
            .await?;
        match done.rows_affected() {
            0 => Err(Error::Missing(format!(
                "account {account} has no token {id}; `scimguard token list` shows those it has"
            ))),
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

    /// Notes when tokens were last used.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn note_used(
        &self,
        uses: impl IntoIterator<Item = ((String, String), u64)>,
    ) -> Result<(), Error> {
        let mut transaction = self.writers.begin_with("BEGIN IMMEDIATE").await?;
        for ((account, id), at) in uses {
            sqlx::query("UPDATE tokens SET last_used = ?3 WHERE account = ?1 AND id = ?2")
                .bind(account)
                .bind(id)
                .bind(from_millis(at))
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
            last_used: to_millis(row.try_get("last_used")?),
        })
    }
}

fn no_principal(account: &str, id: &str) -> Error {
    Error::Missing(format!(
        "account {account} has no principal {id}; make it with `scimguard principal create \
         --account {account} --id {id} --kind service-account --permissions all`"
    ))
}
