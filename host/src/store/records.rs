//! How the record changes: one [`Record`] at a time, within the caller's transaction.

use scimguard_core::facts::{Group, User};
use scimguard_core::record::{MemberRecord, MembersRecord, Record, Settled};
use scimguard_core::{fold, skeleton};
use sqlx::SqliteConnection;

use super::rows::{CONFIRMED, JOINING, UNTOLD, opened, remove_group, remove_user, written};
use super::{Error, from_millis, intents, json_list, retries};
use crate::database::Database;

pub(super) async fn apply(
    connection: &mut SqliteConnection,
    record: &Record,
) -> Result<(), sqlx::Error> {
    match record {
        Record::Intent(intent) => intents::intend(connection, intent).await,
        Record::Settle(Settled { intent, id }) => intents::settle(connection, intent, id).await,
        Record::Withdraw(intent) => intents::withdraw(connection, intent).await,
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

/// Works out what names look like that an earlier version recorded.
pub(super) async fn work_out_looks(database: &Database) -> Result<(), Error> {
    const BATCH: i64 = 1000;
    loop {
        let rows: Vec<(String, String, String)> =
            sqlx::query_as("SELECT account, id, user_name FROM users WHERE look IS NULL LIMIT ?1")
                .bind(BATCH)
                .fetch_all(database.readers())
                .await?;
        if rows.is_empty() {
            return Ok(());
        }
        let mut transaction = database.begin().await?;
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
