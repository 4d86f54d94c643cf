//! Rows of the record as every change of it writes them: how sure a membership is, since when something
//! is open, and what goes when a user or a group does.

use scimguard_core::facts::Origin;
use sqlx::SqliteConnection;

use super::from_millis;
use crate::clock::now;

/// How sure a membership is, in the column `pending`.
pub(super) const CONFIRMED: i64 = 0;
/// Put in by a write whose outcome is not known.
pub(super) const JOINING: i64 = 1;
/// Put in by a write that was done, and whose answer told no members.
pub(super) const UNTOLD: i64 = 3;

/// Who was in a group of this id before it was created again may be out.
pub(super) async fn doubt_members(
    connection: &mut SqliteConnection,
    account: &str,
    group: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE members SET pending = ?4, token = NULL, opened = ?3
          WHERE account = ?1 AND scope = '' AND group_id = ?2 AND pending IN (0, ?5)",
    )
    .bind(account)
    .bind(group)
    .bind(opened(true))
    .bind(JOINING)
    .bind(UNTOLD)
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn remove_user(
    connection: &mut SqliteConnection,
    account: &str,
    id: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM members WHERE account = ?1 AND user_id = ?2")
        .bind(account)
        .bind(id)
        .execute(&mut *connection)
        .await?;
    sqlx::query("DELETE FROM retries WHERE account = ?1 AND user_id = ?2")
        .bind(account)
        .bind(id)
        .execute(&mut *connection)
        .await?;
    sqlx::query("DELETE FROM users WHERE account = ?1 AND id = ?2")
        .bind(account)
        .bind(id)
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) async fn remove_group(
    connection: &mut SqliteConnection,
    account: &str,
    scope: &str,
    id: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM members WHERE account = ?1 AND scope = ?2 AND group_id = ?3")
        .bind(account)
        .bind(scope)
        .bind(id)
        .execute(&mut *connection)
        .await?;
    sqlx::query("DELETE FROM retries WHERE account = ?1 AND scope = ?2 AND group_id = ?3")
        .bind(account)
        .bind(scope)
        .bind(id)
        .execute(&mut *connection)
        .await?;
    sqlx::query("DELETE FROM groups WHERE account = ?1 AND scope = ?2 AND id = ?3")
        .bind(account)
        .bind(scope)
        .bind(id)
        .execute(connection)
        .await?;
    Ok(())
}

/// Since when what is written now is open.
pub(super) fn opened(pending: bool) -> Option<i64> {
    pending.then(|| from_millis(now()))
}

/// As kept in the column `origin`.
pub(super) fn written(origin: &Origin) -> String {
    serde_json::json!(origin).to_string()
}
