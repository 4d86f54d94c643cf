//! How the record changes: one [`Record`] at a time, within the caller's transaction.

use scimguard_core::facts::{Group, ResourceKind, User};
use scimguard_core::fold;
use scimguard_core::record::{Intent, IntentKey, MemberRecord, Record};
use sqlx::SqliteConnection;

use super::from_millis;

/// Stands before an intent's key where a row has its id. No resource's id holds it.
const UNSETTLED: char = '\u{1}';

fn unsettled_id(key: &str) -> String {
    format!("{UNSETTLED}{key}")
}

/// The key of the intent that has this in place of an id.
pub(super) fn intent_key(id: &str) -> Option<&str> {
    id.strip_prefix(UNSETTLED)
}

pub(super) async fn apply(
    connection: &mut SqliteConnection,
    record: &Record,
) -> Result<(), sqlx::Error> {
    match record {
        Record::Intent(intent) => match intent.kind {
            ResourceKind::User => intend_user(connection, intent).await,
            ResourceKind::Group => intend_group(connection, intent).await,
        },
        Record::Settle { intent, id } => match intent.kind {
            ResourceKind::User => settle_user(connection, intent, id).await,
            ResourceKind::Group => settle_group(connection, intent, id).await,
        },
        Record::Withdraw(intent) => {
            let id = unsettled_id(&intent.key);
            match intent.kind {
                ResourceKind::User => remove_user(connection, &intent.account, &id).await,
                ResourceKind::Group => remove_group(connection, &intent.account, "", &id).await,
            }
        }
        Record::User(user) => put_user(connection, user).await,
        Record::Group(group) => put_group(connection, group).await,
        Record::Member(member) => put_member(connection, member).await,
        Record::RemoveUser(key) => remove_user(connection, &key.account, &key.id).await,
        Record::RemoveGroup(key) => {
            remove_group(connection, &key.account, &key.scope, &key.id).await
        }
    }
}

async fn intend_user(
    connection: &mut SqliteConnection,
    intent: &Intent,
) -> Result<(), sqlx::Error> {
    let name = intent.user_name.as_deref().unwrap_or(&intent.key);
    sqlx::query(
        "INSERT OR REPLACE INTO users (account, id, id_folded, user_name, user_name_folded,
             display_name, external_id, active, managed_by, pending, since, intent)
         VALUES (?1, ?2, NULL, ?3, ?4, ?5, ?6, ?7, ?8, 1, ?9, 1)",
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
             external_id, managed_by, pending, since, members_known, intent)
         VALUES (?1, '', ?2, ?8, ?3, ?4, ?5, ?6, 1, ?7, 1, 1)",
    )
    .bind(&intent.account)
    .bind(&id)
    .bind(&intent.display_name)
    .bind(&intent.derived_id)
    .bind(&intent.external_id)
    .bind(&intent.provider)
    .bind(from_millis(intent.at))
    .bind(intent.derived_id.as_deref().map(fold))
    .execute(&mut *connection)
    .await?;
    // Members of an earlier attempt stay: the backend may have acted on it.
    for user in &intent.members {
        insert_member(connection, &intent.account, "", &id, user, true).await?;
    }
    Ok(())
}

async fn settle_user(
    connection: &mut SqliteConnection,
    intent: &IntentKey,
    id: &str,
) -> Result<(), sqlx::Error> {
    let unsettled = unsettled_id(&intent.key);
    // The intent is the newer word on a user who was there already.
    let settled = sqlx::query(
        "INSERT OR REPLACE INTO users (account, id, id_folded, user_name, user_name_folded,
             display_name, external_id, active, managed_by, pending, since, intent)
         SELECT account, ?3, ?4, user_name, user_name_folded, display_name, external_id, active,
                managed_by, 0, since, 0
           FROM users WHERE account = ?1 AND id = ?2",
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
    sqlx::query("UPDATE OR REPLACE members SET user_id = ?3 WHERE account = ?1 AND user_id = ?2")
        .bind(&intent.account)
        .bind(&unsettled)
        .bind(id)
        .execute(&mut *connection)
        .await?;
    remove_user(connection, &intent.account, &unsettled).await
}

async fn settle_group(
    connection: &mut SqliteConnection,
    intent: &IntentKey,
    id: &str,
) -> Result<(), sqlx::Error> {
    let unsettled = unsettled_id(&intent.key);
    // Of a group that was there already the members are known only if they were before.
    let settled = sqlx::query(
        "INSERT OR REPLACE INTO groups (account, scope, id, id_folded, display_name, derived_id,
             external_id, managed_by, pending, since, members_known, intent)
         SELECT i.account, '', ?3, ?4, i.display_name, i.derived_id, i.external_id, i.managed_by, 0,
                i.since, coalesce(g.members_known, i.members_known), 0
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
    sqlx::query(
        "UPDATE OR REPLACE members SET group_id = ?3
          WHERE account = ?1 AND scope = '' AND group_id = ?2",
    )
    .bind(&intent.account)
    .bind(&unsettled)
    .bind(id)
    .execute(&mut *connection)
    .await?;
    remove_group(connection, &intent.account, "", &unsettled).await
}

async fn put_user(connection: &mut SqliteConnection, user: &User) -> Result<(), sqlx::Error> {
    // Without an id it would be an intent, which has a record of its own.
    let Some(id) = &user.id else { return Ok(()) };
    sqlx::query(
        "INSERT OR REPLACE INTO users (account, id, id_folded, user_name, user_name_folded,
             display_name, external_id, active, managed_by, pending, since, intent)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 0)",
    )
    .bind(&user.account)
    .bind(id)
    .bind(fold(id))
    .bind(&user.user_name)
    .bind(fold(&user.user_name))
    .bind(&user.display_name)
    .bind(&user.external_id)
    .bind(user.active)
    .bind(&user.managed_by)
    .bind(user.pending)
    .bind(user.since.map(from_millis))
    .execute(connection)
    .await?;
    Ok(())
}

async fn put_group(connection: &mut SqliteConnection, group: &Group) -> Result<(), sqlx::Error> {
    let Some(id) = &group.id else { return Ok(()) };
    sqlx::query(
        "INSERT OR REPLACE INTO groups (account, scope, id, id_folded, display_name, derived_id,
             external_id, managed_by, pending, since, members_known, intent)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 0)",
    )
    .bind(&group.account)
    .bind(&group.scope)
    .bind(id)
    .bind(fold(id))
    .bind(&group.display_name)
    .bind(&group.derived_id)
    .bind(&group.external_id)
    .bind(&group.managed_by)
    .bind(group.pending)
    .bind(group.since.map(from_millis))
    .bind(group.members_known)
    .execute(connection)
    .await?;
    Ok(())
}

async fn put_member(
    connection: &mut SqliteConnection,
    member: &MemberRecord,
) -> Result<(), sqlx::Error> {
    let MemberRecord {
        account,
        scope,
        group,
        user,
        present,
        pending,
    } = member;
    if *present {
        return insert_member(connection, account, scope, group, user, *pending).await;
    }
    sqlx::query(
        "DELETE FROM members WHERE account = ?1 AND scope = ?2 AND group_id = ?3 AND user_id = ?4",
    )
    .bind(account)
    .bind(scope)
    .bind(group)
    .bind(user)
    .execute(connection)
    .await?;
    Ok(())
}

async fn insert_member(
    connection: &mut SqliteConnection,
    account: &str,
    scope: &str,
    group: &str,
    user: &str,
    pending: bool,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT OR REPLACE INTO members (account, scope, group_id, user_id, pending)
         VALUES (?1, ?2, ?3, ?4, ?5)",
    )
    .bind(account)
    .bind(scope)
    .bind(group)
    .bind(user)
    .bind(pending)
    .execute(connection)
    .await?;
    Ok(())
}

async fn remove_user(
    connection: &mut SqliteConnection,
    account: &str,
    id: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM members WHERE account = ?1 AND user_id = ?2")
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

async fn remove_group(
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
    sqlx::query("DELETE FROM groups WHERE account = ?1 AND scope = ?2 AND id = ?3")
        .bind(account)
        .bind(scope)
        .bind(id)
        .execute(connection)
        .await?;
    Ok(())
}
