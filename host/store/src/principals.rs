//! Principals: the users and service accounts that tokens belong to.

use rusqlite::{Connection, ToSql, params};
use scimguard_core::facts::{Answer, Principal, PrincipalKey};

use super::{Error, Store, from_millis, to_millis};
use crate::database::{Columns, Json, Statements as _};

/// Kinds of principals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PrincipalKind {
    /// A person.
    User,
    /// A program.
    ServiceAccount,
}

impl PrincipalKind {
    /// Its name on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::ServiceAccount => "service-account",
        }
    }

    /// The prefix of the text of its tokens.
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
    /// Its account.
    pub account: String,
    /// Its id, unique in the account.
    pub id: String,
    /// Its kind.
    pub kind: PrincipalKind,
    /// Whether it is enabled.
    pub active: bool,
    /// Permission ids.
    pub permissions: Vec<String>,
    /// Milliseconds since 1970.
    pub created: u64,
}

/// Answers [`scimguard_core::facts::Key::Principal`].
pub(super) fn fact(connection: &Connection, key: &PrincipalKey) -> rusqlite::Result<Answer> {
    const PRINCIPAL: &str =
        "SELECT active, permissions FROM principals WHERE account = ?1 AND id = ?2";
    let principal = connection.first(PRINCIPAL, [&key.account, &key.id], |row| {
        Ok(Principal {
            account: key.account.clone(),
            id: key.id.clone(),
            active: row.get(0)?,
            permissions: row.get::<_, Json<_>>(1)?.0,
        })
    })?;
    Ok(principal.map_or(Answer::Absent, Answer::Principal))
}

impl Store {
    /// Records a principal.
    ///
    /// # Errors
    /// If the account already has a principal with this id.
    pub async fn create_principal(&self, principal: &PrincipalRow) -> Result<(), Error> {
        const INSERT: &str = "
            INSERT INTO principals (account, id, kind, active, permissions, created)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING";
        let principal = principal.clone();
        self.database
            .write(1, move |connection| {
                let inserted = connection.change(
                    INSERT,
                    params![
                        principal.account,
                        principal.id,
                        principal.kind.as_str(),
                        principal.active,
                        Json(&principal.permissions),
                        from_millis(principal.created),
                    ],
                )?;
                match inserted {
                    0 => Err(Error::Exists(format!(
                        "account {} has a principal {} already; choose another --id",
                        principal.account, principal.id
                    ))),
                    _ => Ok(()),
                }
            })
            .await
    }

    /// The principals of one account, or of all.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn principals(&self, account: Option<&str>) -> Result<Vec<PrincipalRow>, Error> {
        const PRINCIPALS: &str = "
            SELECT account, id, kind, active, permissions, created FROM principals
             WHERE ?1 IS NULL OR account = ?1 ORDER BY account, id";
        let account = account.map(str::to_owned);
        let question = |connection: &Connection| {
            connection.all(PRINCIPALS, [account], |row| {
                let mut columns = Columns::of(row);
                Ok(PrincipalRow {
                    account: columns.next()?,
                    id: columns.next()?,
                    kind: match columns.next::<String>()?.as_str() {
                        "user" => PrincipalKind::User,
                        _ => PrincipalKind::ServiceAccount,
                    },
                    active: columns.next()?,
                    permissions: columns.next::<Json<_>>()?.0,
                    created: to_millis(columns.next()?).unwrap_or_default(),
                })
            })
        };
        Ok(self.database.read_large(question).await?)
    }

    /// Looks up one principal.
    ///
    /// # Errors
    /// If the account has no principal with this id.
    pub async fn principal(&self, account: &str, id: &str) -> Result<PrincipalRow, Error> {
        self.principals(Some(account))
            .await?
            .into_iter()
            .find(|principal| principal.id == id)
            .ok_or_else(|| no_principal(account, id))
    }

    /// Disables a principal and all its tokens, or enables it again.
    ///
    /// # Errors
    /// If the account has no principal with this id.
    pub async fn set_principal_active(
        &self,
        account: &str,
        id: &str,
        active: bool,
    ) -> Result<(), Error> {
        const SET: &str = "UPDATE principals SET active = ?3 WHERE account = ?1 AND id = ?2";
        self.update_principal(SET, account, id, active).await
    }

    /// Replaces the permissions of a principal, for all its tokens and from the next request on.
    ///
    /// # Errors
    /// If the account has no principal with this id.
    pub async fn set_permissions(
        &self,
        account: &str,
        id: &str,
        permissions: &[String],
    ) -> Result<(), Error> {
        const SET: &str = "UPDATE principals SET permissions = ?3 WHERE account = ?1 AND id = ?2";
        let permissions = Json(permissions.to_vec());
        self.update_principal(SET, account, id, permissions).await
    }

    async fn update_principal(
        &self,
        sql: &'static str,
        account: &str,
        id: &str,
        value: impl ToSql + Send + 'static,
    ) -> Result<(), Error> {
        let (account, id) = (account.to_owned(), id.to_owned());
        self.database
            .write(1, move |connection| {
                match connection.change(sql, params![account, id, value])? {
                    0 => Err(no_principal(&account, &id)),
                    _ => Ok(()),
                }
            })
            .await
    }
}

fn no_principal(account: &str, id: &str) -> Error {
    Error::NoPrincipal {
        account: account.to_owned(),
        id: id.to_owned(),
    }
}
