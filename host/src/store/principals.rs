//! Principals: the users and service accounts whose rights tokens have.

use scimguard_core::facts::{Answer, Principal, PrincipalKey};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

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

/// Answers [`scimguard_core::facts::Key::Principal`].
pub(super) async fn fact(
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

impl Store {
    /// Records a principal.
    ///
    /// # Errors
    /// If the account has one of that id.
    pub async fn create_principal(&self, principal: &PrincipalRow) -> Result<(), Error> {
        let done = self
            .database
            .execute(
                sqlx::query(
                    "INSERT INTO principals (account, id, kind, active, permissions, created)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
                )
                .bind(&principal.account)
                .bind(&principal.id)
                .bind(principal.kind.as_str())
                .bind(principal.active)
                .bind(serde_json::json!(principal.permissions).to_string())
                .bind(from_millis(principal.created)),
            )
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
        let read = |row: &SqliteRow| -> Result<_, sqlx::Error> {
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
        let done = self
            .database
            .execute(
                sqlx::query("UPDATE principals SET active = ?3 WHERE account = ?1 AND id = ?2")
                    .bind(account)
                    .bind(id)
                    .bind(active),
            )
            .await?;
        match done.rows_affected() {
            0 => Err(no_principal(account, id)),
            _ => Ok(()),
        }
    }

    /// Gives a principal other permissions, which all its tokens have from the next request on.
    ///
    /// # Errors
    /// If the account has none of that id.
    pub async fn set_permissions(
        &self,
        account: &str,
        id: &str,
        permissions: &[String],
    ) -> Result<(), Error> {
        let done = self
            .database
            .execute(
                sqlx::query(
                    "UPDATE principals SET permissions = ?3 WHERE account = ?1 AND id = ?2",
                )
                .bind(account)
                .bind(id)
                .bind(serde_json::json!(permissions).to_string()),
            )
            .await?;
        match done.rows_affected() {
            0 => Err(no_principal(account, id)),
            _ => Ok(()),
        }
    }
}

pub(super) fn permissions(row: &SqliteRow) -> Result<Vec<String>, sqlx::Error> {
    let text: String = row.try_get("permissions")?;
    serde_json::from_str(&text).map_err(|error| sqlx::Error::Decode(Box::new(error)))
}

fn no_principal(account: &str, id: &str) -> Error {
    Error::NoPrincipal {
        account: account.to_owned(),
        id: id.to_owned(),
    }
}
