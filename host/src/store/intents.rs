//! Creates whose outcome is not known: rows without an id, until each attempt has its outcome.

use scimguard_core::facts::{Origin, ResourceKind};
use scimguard_core::record::{Intent, IntentKey};
use scimguard_core::{fold, skeleton};
use sqlx::SqliteConnection;

use super::rows::{JOINING, doubt_members, opened, remove_group, remove_user, written};
use super::{from_millis, json_list};
use crate::clock::now;

/// Stands before an intent's key where a row has its id. No resource's id holds it.
const UNSETTLED: char = '\u{1}';

fn unsettled_id(key: &str) -> String {
    format!("{UNSETTLED}{key}")
}

/// The key of the intent that has this in place of an id.
pub(super) fn key_of(id: &str) -> Option<&str> {
    id.strip_prefix(UNSETTLED)
}

pub(super) async fn intend(
    connection: &mut SqliteConnection,
    intent: &Intent,
) -> Result<(), sqlx::Error> {
    match intent.kind {
        ResourceKind::User => intend_user(connection, intent).await,
        ResourceKind::Group => intend_group(connection, intent).await,
    }
}

pub(super) async fn settle(
    connection: &mut SqliteConnection,
    intent: &IntentKey,
    id: &str,
) -> Result<(), sqlx::Error> {
    match intent.kind {
        ResourceKind::User => settle_user(connection, intent, id).await,
        ResourceKind::Group => settle_group(connection, intent, id).await,
    }
}

async fn intend_user(
    connection: &mut SqliteConnection,
    intent: &Intent,
) -> Result<(), sqlx::Error> {
    let name = intent.user_name.as_deref().unwrap_or(&intent.key);
    sqlx::query(
        "INSERT OR REPLACE INTO users (account, id, id_folded, user_name, user_name_folded,
             display_name, external_id, active, managed_by, pending, since, intent, look, origin,
             opened)
         VALUES (?1, ?2, NULL, ?3, ?4, ?5, ?6, ?7, ?8, 1, ?9, 1, ?10, ?11, ?12)",
    )
    .bind(&intent.account)
    .bind(unsettled_id(&intent.key))
    .bind(name)
    .bind(fold(name))
    .bind(&intent.display_name)
    .bind(&intent.external_id)
    .bind(intent.active)
    .bind(&intent.provider)
    .bind(from_millis(intent.at))
    .bind(skeleton(name))
    .bind(created(intent))
    .bind(from_millis(now()))
    .execute(connection)
    .await?;
    Ok(())
}

async fn intend_group(
    connection: &mut SqliteConnection,
    intent: &Intent,
) -> Result<(), sqlx::Error> {
    let id = unsettled_id(&intent.key);
    sqlx::query(
        "INSERT OR REPLACE INTO groups (account, scope, id, id_folded, display_name, derived_id,
             external_id, managed_by, pending, since, members_known, intent, origin,
             opened, taken, attempts)
         VALUES (?1, '', ?2, ?8, ?3, ?4, ?5, ?6, 1, ?7, 1, 1, ?9, ?10,
             EXISTS (SELECT 1 FROM groups WHERE account = ?1 AND scope = '' AND id IN (?4, ?2)),
             1 + coalesce((SELECT attempts FROM groups
                            WHERE account = ?1 AND scope = '' AND id = ?2), 0))",
    )
    .bind(&intent.account)
    .bind(&id)
    .bind(&intent.display_name)
    .bind(&intent.derived_id)
    .bind(&intent.external_id)
    .bind(&intent.provider)
    .bind(from_millis(intent.at))
    .bind(intent.derived_id.as_deref().map(fold))
    .bind(created(intent))
    .bind(from_millis(now()))
    .execute(&mut *connection)
    .await?;
    // Members of an earlier attempt stay: the backend may have acted on it.
    sqlx::query(
        "INSERT OR IGNORE INTO members (account, scope, group_id, user_id, pending, opened)
         SELECT ?1, '', ?2, value, ?3, ?4 FROM json_each(?5)",
    )
    .bind(&intent.account)
    .bind(&id)
    .bind(JOINING)
    .bind(opened(true))
    .bind(json_list(intent.members.iter().map(String::as_str)))
    .execute(connection)
    .await?;
    Ok(())
}

async fn settle_user(
    connection: &mut SqliteConnection,
    intent: &IntentKey,
    id: &str,
) -> Result<(), sqlx::Error> {
    let unsettled = unsettled_id(&intent.key);
    let open: Option<i64> =
        sqlx::query_scalar("SELECT intent FROM users WHERE account = ?1 AND id = ?2")
            .bind(&intent.account)
            .bind(&unsettled)
            .fetch_optional(&mut *connection)
            .await?;
    if open.is_none() {
        return Ok(());
    }
    // The intent is the newer word on a user who was there already, but for one whom the provider has
    // written to since, by the id. What is open there stays open.
    sqlx::query(
        "INSERT OR REPLACE INTO users (account, id, id_folded, user_name, user_name_folded,
             display_name, external_id, active, managed_by, pending, since, intent, look, origin,
             opened)
         SELECT i.account, ?3, ?4, i.user_name, i.user_name_folded, i.display_name, i.external_id,
                i.active AND coalesce(u.active, 1), i.managed_by, coalesce(u.pending, 0), i.since, 0,
                i.look, i.origin, u.opened
           FROM users i
           LEFT JOIN users u ON u.account = i.account AND u.id = ?3 AND u.managed_by IS NOT NULL
          WHERE i.account = ?1 AND i.id = ?2 AND (u.id IS NULL OR u.pending = 1)",
    )
    .bind(&intent.account)
    .bind(&unsettled)
    .bind(id)
    .bind(fold(id))
    .execute(&mut *connection)
    .await?;
    sqlx::query("UPDATE OR REPLACE members SET user_id = ?3 WHERE account = ?1 AND user_id = ?2")
        .bind(&intent.account)
        .bind(&unsettled)
        .bind(id)
        .execute(&mut *connection)
        .await?;
    remove_user(connection, &intent.account, &unsettled).await
}

/// One that was known already says nothing of the create, but for a native one that is perhaps deleted:
/// it may be another one, and counts as owned while the create is open.
async fn settle_group(
    connection: &mut SqliteConnection,
    intent: &IntentKey,
    id: &str,
) -> Result<(), sqlx::Error> {
    // Every group that a provider is shown comes here: without an intent this is all that is done.
    let intended: Option<Option<bool>> = sqlx::query_scalar(
        "SELECT g.leaving AND g.managed_by IS NULL
           FROM groups i LEFT JOIN groups g ON g.account = i.account AND g.scope = '' AND g.id = ?3
          WHERE i.account = ?1 AND i.scope = '' AND i.id = ?2",
    )
    .bind(&intent.account)
    .bind(unsettled_id(&intent.key))
    .bind(id)
    .fetch_optional(&mut *connection)
    .await?;
    match intended {
        None | Some(Some(false)) => Ok(()),
        Some(Some(true)) => put_created(connection, intent, id).await,
        Some(None) => {
            put_created(connection, intent, id).await?;
            withdraw(connection, intent).await
        }
    }
}

/// Every attempt of a create is over, and none made another group than this one.
pub(super) async fn settle_group_at_last(
    connection: &mut SqliteConnection,
    intent: &IntentKey,
    id: &str,
) -> Result<(), sqlx::Error> {
    put_created(connection, intent, id).await?;
    remove(connection, intent).await
}

/// The group that a create made, with whom it was created with; these may be in.
async fn put_created(
    connection: &mut SqliteConnection,
    intent: &IntentKey,
    id: &str,
) -> Result<(), sqlx::Error> {
    let unsettled = unsettled_id(&intent.key);
    // Of a group that was there already the members are known only if they were before.
    let settled = sqlx::query(
        "INSERT OR REPLACE INTO groups (account, scope, id, id_folded, display_name, derived_id,
             external_id, managed_by, pending, since, members_known, intent, origin, opened)
         SELECT i.account, '', ?3, ?4, i.display_name, i.derived_id, i.external_id, i.managed_by,
                g.managed_by IS NOT NULL AND g.pending, i.since,
                coalesce(g.members_known, i.members_known), 0, i.origin, g.opened
           FROM groups i LEFT JOIN groups g ON g.account = i.account AND g.scope = '' AND g.id = ?3
          WHERE i.account = ?1 AND i.scope = '' AND i.id = ?2",
    )
    .bind(&intent.account)
    .bind(&unsettled)
    .bind(id)
    .bind(fold(id))
    .execute(&mut *connection)
    .await?;
    if settled.rows_affected() == 0 {
        return Ok(());
    }
    doubt_members(connection, &intent.account, id).await?;
    sqlx::query(
        "INSERT OR REPLACE INTO members (account, scope, group_id, user_id, pending, token, opened)
         SELECT account, scope, ?3, user_id, pending, token, opened FROM members
          WHERE account = ?1 AND scope = '' AND group_id = ?2",
    )
    .bind(&intent.account)
    .bind(&unsettled)
    .bind(id)
    .execute(connection)
    .await?;
    Ok(())
}

/// One attempt has its outcome. There is one user of a name, but each other attempt to create a group
/// may have made one, or make it still.
pub(super) async fn withdraw(
    connection: &mut SqliteConnection,
    intent: &IntentKey,
) -> Result<(), sqlx::Error> {
    let others = sqlx::query(
        "UPDATE groups SET attempts = attempts - 1
          WHERE ?3 AND account = ?1 AND scope = '' AND id = ?2 AND attempts > 1",
    )
    .bind(&intent.account)
    .bind(unsettled_id(&intent.key))
    .bind(intent.kind == ResourceKind::Group)
    .execute(&mut *connection)
    .await?;
    match others.rows_affected() {
        0 => remove(connection, intent).await,
        _ => Ok(()),
    }
}

/// All attempts are over.
pub(super) async fn remove(
    connection: &mut SqliteConnection,
    intent: &IntentKey,
) -> Result<(), sqlx::Error> {
    let id = unsettled_id(&intent.key);
    match intent.kind {
        ResourceKind::User => remove_user(connection, &intent.account, &id).await,
        ResourceKind::Group => remove_group(connection, &intent.account, "", &id).await,
    }
}

fn created(intent: &Intent) -> String {
    written(&Origin::Created(Some(intent.by.clone())))
}
