//! How the record changes: one [`Record`] at a time, within the caller's transaction.

use scimguard_core::facts::{Group, Origin, ResourceKind, User};
use scimguard_core::record::{Intent, IntentKey, MemberRecord, MembersRecord, Record};
use scimguard_core::{fold, skeleton};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqlitePool;

use super::{from_millis, json_list, retries};
use crate::proxy::now;

/// Stands before an intent's key where a row has its id. No resource's id holds it.
const UNSETTLED: char = '\u{1}';

/// How sure a membership is, in the column `pending`.
pub(super) const CONFIRMED: i64 = 0;
/// Put in by a write whose outcome is not known.
pub(super) const JOINING: i64 = 1;
/// Put in by a write that was done, and whose answer told no members.
pub(super) const UNTOLD: i64 = 3;

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
        Record::Withdraw(intent) => withdraw(connection, intent).await,
        Record::User(user) => put_user(connection, user).await,
        Record::Group(group) => put_group(connection, group).await,
        Record::Member(member) => put_member(connection, member).await,
        Record::Members(all) => put_members(connection, all).await,
        Record::Failed(change) => retries::note(connection, change).await,
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

/// One that was known already says nothing of the create.
async fn settle_group(
    connection: &mut SqliteConnection,
    intent: &IntentKey,
    id: &str,
) -> Result<(), sqlx::Error> {
    let is_known: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM groups WHERE account = ?1 AND scope = '' AND id = ?2)",
    )
    .bind(&intent.account)
    .bind(id)
    .fetch_one(&mut *connection)
    .await?;
    if !is_known {
        put_created(connection, intent, id).await?;
        withdraw(connection, intent).await?;
    }
    Ok(())
}

/// Every attempt of a create is over, and none made another group than this one.
pub(super) async fn settle_group_at_last(
    connection: &mut SqliteConnection,
    intent: &IntentKey,
    id: &str,
) -> Result<(), sqlx::Error> {
    put_created(connection, intent, id).await?;
    remove_intent(connection, intent).await
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
async fn withdraw(
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
        0 => remove_intent(connection, intent).await,
        _ => Ok(()),
    }
}

/// All attempts are over.
pub(super) async fn remove_intent(
    connection: &mut SqliteConnection,
    intent: &IntentKey,
) -> Result<(), sqlx::Error> {
    let id = unsettled_id(&intent.key);
    match intent.kind {
        ResourceKind::User => remove_user(connection, &intent.account, &id).await,
        ResourceKind::Group => remove_group(connection, &intent.account, "", &id).await,
    }
}

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

async fn put_user(connection: &mut SqliteConnection, user: &User) -> Result<(), sqlx::Error> {
    // Without an id it would be an intent, which has a record of its own.
    let Some(id) = &user.id else { return Ok(()) };
    sqlx::query(
        "INSERT OR REPLACE INTO users (account, id, id_folded, user_name, user_name_folded,
             display_name, external_id, active, managed_by, pending, leaving, since, intent, look,
             origin, opened)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, 0, ?13, ?14, ?15)",
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
    .bind(user.leaving)
    .bind(user.since.map(from_millis))
    .bind(skeleton(&user.user_name))
    .bind(user.origin.as_ref().map(written))
    .bind(opened(user.pending))
    .execute(connection)
    .await?;
    Ok(())
}

async fn put_group(connection: &mut SqliteConnection, group: &Group) -> Result<(), sqlx::Error> {
    let Some(id) = &group.id else { return Ok(()) };
    sqlx::query(
        "INSERT OR REPLACE INTO groups (account, scope, id, id_folded, display_name, derived_id,
             external_id, managed_by, pending, leaving, since, members_known, intent, origin,
             opened)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, 0, ?13, ?14)",
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
    .bind(group.leaving)
    .bind(group.since.map(from_millis))
    .bind(group.members_known)
    .bind(group.origin.as_ref().map(written))
    .bind(opened(group.pending))
    .execute(connection)
    .await?;
    Ok(())
}

async fn put_member(
    connection: &mut SqliteConnection,
    member: &MemberRecord,
) -> Result<(), sqlx::Error> {
    // A removal that is not certain yet marks who is in.
    let statement = match (member.present, member.pending) {
        (true, _) => {
            "INSERT OR REPLACE INTO members (account, scope, group_id, user_id, pending, token, opened)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
        }
        (false, true) => {
            "UPDATE members SET pending = 2, token = ?6, opened = ?7
              WHERE account = ?1 AND scope = ?2 AND group_id = ?3 AND user_id = ?4"
        }
        (false, false) => {
            "DELETE FROM members
              WHERE account = ?1 AND scope = ?2 AND group_id = ?3 AND user_id = ?4"
        }
    };
    sqlx::query(statement)
        .bind(&member.account)
        .bind(&member.scope)
        .bind(&member.group)
        .bind(&member.user)
        .bind(match (member.pending, &member.by) {
            (false, _) => CONFIRMED,
            (true, Some(_)) => JOINING,
            (true, None) => UNTOLD,
        })
        .bind(&member.by)
        .bind(opened(member.pending))
        .execute(&mut *connection)
        .await?;
    retries::outdated(connection, member).await
}

/// A group may have very many: only what is new is written.
async fn put_members(
    connection: &mut SqliteConnection,
    all: &MembersRecord,
) -> Result<(), sqlx::Error> {
    let users = json_list(all.users.iter().map(String::as_str));
    for statement in [
        "INSERT OR IGNORE INTO members (account, scope, group_id, user_id, pending)
         SELECT ?1, ?2, ?3, value, 0 FROM json_each(?4)",
        "UPDATE members SET pending = 0, token = NULL, opened = NULL
          WHERE account = ?1 AND scope = ?2 AND group_id = ?3 AND pending <> 0
            AND user_id IN (SELECT value FROM json_each(?4))",
        "DELETE FROM retries
          WHERE account = ?1 AND scope = ?2 AND group_id = ?3
            AND user_id IN (SELECT value FROM json_each(?4))",
    ] {
        sqlx::query(statement)
            .bind(&all.account)
            .bind(&all.scope)
            .bind(&all.group)
            .bind(&users)
            .execute(&mut *connection)
            .await?;
    }
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
fn opened(pending: bool) -> Option<i64> {
    pending.then(|| from_millis(now()))
}

fn created(intent: &Intent) -> String {
    written(&Origin::Created(Some(intent.by.clone())))
}

/// As kept in the column `origin`.
pub(super) fn written(origin: &Origin) -> String {
    serde_json::json!(origin).to_string()
}

/// Works out what names look like that an earlier version recorded.
pub(super) async fn work_out_looks(writers: &SqlitePool) -> Result<(), sqlx::Error> {
    const BATCH: i64 = 1000;
    loop {
        let rows: Vec<(String, String, String)> =
            sqlx::query_as("SELECT account, id, user_name FROM users WHERE look IS NULL LIMIT ?1")
                .bind(BATCH)
                .fetch_all(writers)
                .await?;
        if rows.is_empty() {
            return Ok(());
        }
        let mut transaction = writers.begin().await?;
        for (account, id, name) in rows {
            sqlx::query("UPDATE users SET look = ?3 WHERE account = ?1 AND id = ?2")
                .bind(account)
                .bind(id)
                .bind(skeleton(&name))
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
    }
}
