//! The rows of the record: how those that a transition reads are loaded, and how what it changes is
//! kept. What is read and what changes, the core says.

mod columns;

use scimguard_core::facts::{
    GroupRow, GroupRowKey, Membership, MembershipKey, MembershipRow, RetryRow, RowId, Rows,
    UserRow, UserRowKey,
};
use scimguard_core::record::transition::{Reads, RowChange, Selection};
use scimguard_core::{fold, skeleton};
use sqlx::query::Query;
use sqlx::sqlite::{Sqlite, SqliteArguments, SqliteRow};
use sqlx::{FromRow, Row, SqliteConnection};

use super::{from_millis, json_list};

pub(super) use columns::{Stored, membership};

/// Loads what a transition reads, in one statement.
pub(super) async fn load(
    connection: &mut SqliteConnection,
    reads: Reads,
) -> Result<Rows, sqlx::Error> {
    let mut rows = Rows::default();
    match reads {
        Reads::Nothing => {}
        Reads::Users(account, ids) => {
            let found: Vec<Stored<UserRow>> = sqlx::query_as(
                "SELECT u.*, 0 AS in_managed_group FROM json_each(?2) j CROSS JOIN users u
                  WHERE u.account = ?1 AND u.id = j.value",
            )
            .bind(&account)
            .bind(json_list(ids.iter().map(RowId::text)))
            .fetch_all(connection)
            .await?;
            let keyed = found
                .into_iter()
                .map(|found| (UserRowKey::new(&account, found.id), found.row));
            rows.users.extend(keyed);
        }
        Reads::Groups(account, ids) => {
            let found: Vec<Stored<GroupRow>> = sqlx::query_as(
                "SELECT g.* FROM json_each(?2) j CROSS JOIN groups g
                  WHERE g.account = ?1 AND g.scope = '' AND g.id = j.value",
            )
            .bind(&account)
            .bind(json_list(ids.iter().map(RowId::text)))
            .fetch_all(connection)
            .await?;
            let keyed = found
                .into_iter()
                .map(|found| (GroupRowKey::new(&account, "", found.id), found.row));
            rows.groups.extend(keyed);
        }
        Reads::Membership(key) => {
            let found = of_membership(
                "SELECT m.pending, m.token, m.opened, r.present, r.status, r.first_seen,
                        r.last_tried, r.attempts, r.token AS retry_token, r.asked
                   FROM (SELECT 1)
                   LEFT JOIN members m ON m.account = ?1 AND m.scope = ?2 AND m.group_id = ?3
                     AND m.user_id = ?4
                   LEFT JOIN retries r ON r.account = ?1 AND r.scope = ?2 AND r.group_id = ?3
                     AND r.user_id = ?4",
                &key,
            )
            .fetch_one(connection)
            .await?;
            let retry = columns::retry_row(&found)?;
            rows.retries.extend(retry.map(|row| (key.clone(), row)));
            let row = columns::membership_row(&found)?;
            rows.memberships.extend(row.map(|row| (key, row)));
        }
    }
    Ok(rows)
}

/// Looks for the values that are not found yet, all in one statement, and keeps the first of each. The
/// statement has the account, the scope and the list of values, and says the place of each value as `n`.
pub(super) async fn fill<R, V: AsRef<str>>(
    connection: &mut SqliteConnection,
    sql: &'static str,
    (account, scope): (&str, &str),
    values: &[V],
    found: &mut [Option<Stored<R>>],
) -> Result<(), sqlx::Error>
where
    Stored<R>: for<'r> FromRow<'r, SqliteRow>,
{
    let missing: Vec<usize> = (0..values.len())
        .filter(|&position| found[position].is_none())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let rows = sqlx::query(sql)
        .bind(account)
        .bind(scope)
        .bind(json_list(missing.iter().map(|&position| &values[position])))
        .fetch_all(connection)
        .await?;
    for row in rows {
        let n = usize::try_from(row.try_get::<i64, _>("n")?).unwrap_or(usize::MAX);
        if let Some(slot) = missing.get(n).and_then(|&position| found.get_mut(position))
            && slot.is_none()
        {
            *slot = Some(Stored::from_row(&row)?);
        }
    }
    Ok(())
}

/// A statement on the selected rows of `members` or `retries`.
macro_rules! selected {
    ($statement:literal, $selection:expr) => {
        match $selection {
            Selection::One(key) => of_membership(
                concat!($statement, " WHERE account = ?1 AND scope = ?2 AND group_id = ?3 AND user_id = ?4"),
                key,
            ),
            Selection::Members(group, users) => of_group(
                concat!($statement, " WHERE account = ?1 AND scope = ?2 AND group_id = ?3 AND user_id IN (SELECT value FROM json_each(?4))"),
                group,
            )
            .bind(json_list(users.iter())),
            Selection::Group(group) => of_group(
                concat!($statement, " WHERE account = ?1 AND scope = ?2 AND group_id = ?3"),
                group,
            ),
            Selection::User(account, user) => sqlx::query(concat!($statement, " WHERE account = ?1 AND user_id = ?2"))
                .bind(*account)
                .bind(*user),
        }
    };
}

/// Keeps one change, in one statement. Returns how many rows changed.
pub(super) async fn keep(
    connection: &mut SqliteConnection,
    change: RowChange<'_>,
) -> Result<u64, sqlx::Error> {
    let statement = match &change {
        RowChange::PutUser(key, row) => put_user(key, row),
        RowChange::DeleteUser(key) => {
            sqlx::query("DELETE FROM users WHERE account = ?1 AND id = ?2")
                .bind(&key.account)
                .bind(key.id.text())
        }
        RowChange::PutGroup(key, row) => put_group(key, row),
        RowChange::DeleteGroup(key) => of_group(
            "DELETE FROM groups WHERE account = ?1 AND scope = ?2 AND id = ?3",
            key,
        ),
        RowChange::PutMembership(key, row) => of_membership(
            "INSERT OR REPLACE INTO members (account, scope, group_id, user_id, pending, token, opened)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            key,
        )
        .bind(columns::pending(row.membership))
        .bind(&row.token)
        .bind(row.opened.map(from_millis)),
        RowChange::PutRetry(key, row) => put_retry(key, row),
        RowChange::DeleteMemberships(selection) => selected!("DELETE FROM members", selection),
        RowChange::DeleteRetries(selection) => selected!("DELETE FROM retries", selection),
        RowChange::PutMembers {
            group,
            users,
            row,
            replaced,
        } => replacing(
            "INSERT INTO members (account, scope, group_id, pending, token, opened, user_id)
             SELECT ?1, ?2, ?3, ?4, ?5, ?6, value FROM json_each(?8) WHERE true
             ON CONFLICT DO UPDATE
                SET pending = excluded.pending, token = excluded.token, opened = excluded.opened
              WHERE pending IN (SELECT value FROM json_each(?7))",
            group,
            row,
            replaced,
        )
        .bind(json_list(users.iter())),
        RowChange::ReplaceMembers {
            group,
            row,
            replaced,
        } => replacing(
            "UPDATE members SET pending = ?4, token = ?5, opened = ?6
              WHERE account = ?1 AND scope = ?2 AND group_id = ?3
                AND pending IN (SELECT value FROM json_each(?7))",
            group,
            row,
            replaced,
        ),
        RowChange::CopyMembers { from, to } => of_group(
            "INSERT OR REPLACE INTO members (account, scope, group_id, user_id, pending, token, opened)
             SELECT ?4, ?5, ?6, user_id, pending, token, opened FROM members
              WHERE account = ?1 AND scope = ?2 AND group_id = ?3",
            from,
        )
        .bind(&to.account)
        .bind(&to.scope)
        .bind(to.id.text()),
    };
    let changed = statement.execute(connection).await?;
    Ok(changed.rows_affected())
}

type Statement<'q> = Query<'q, Sqlite, SqliteArguments>;

fn put_user<'q>(key: &'q UserRowKey, row: &'q UserRow) -> Statement<'q> {
    let user = &row.user;
    sqlx::query(
        "INSERT OR REPLACE INTO users (account, id, id_folded, user_name, user_name_folded,
             display_name, external_id, active, managed_by, pending, leaving, since, intent, look,
             origin, opened)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
    )
    .bind(&key.account)
    .bind(key.id.text())
    .bind(key.id.as_known().map(fold))
    .bind(&user.user_name)
    .bind(fold(&user.user_name))
    .bind(&user.display_name)
    .bind(&user.external_id)
    .bind(user.active)
    .bind(&user.managed_by)
    .bind(user.write_pending)
    .bind(user.deletion_pending)
    .bind(user.since.map(from_millis))
    .bind(key.id.as_known().is_none())
    .bind(skeleton(&user.user_name))
    .bind(user.origin.as_ref().map(columns::written))
    .bind(row.opened.map(from_millis))
}

/// An intent is found by the id that its name gives.
fn put_group<'q>(key: &'q GroupRowKey, row: &'q GroupRow) -> Statement<'q> {
    let group = &row.group;
    let found_by = key.id.as_known().or(group.derived_id.as_deref());
    of_group(
        "INSERT OR REPLACE INTO groups (account, scope, id, id_folded, display_name, derived_id,
             external_id, managed_by, pending, leaving, since, members_known, intent, origin,
             opened, taken, attempts)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)",
        key,
    )
    .bind(found_by.map(fold))
    .bind(&group.display_name)
    .bind(&group.derived_id)
    .bind(&group.external_id)
    .bind(&group.managed_by)
    .bind(group.write_pending)
    .bind(group.deletion_pending)
    .bind(group.since.map(from_millis))
    .bind(group.members_known)
    .bind(key.id.as_known().is_none())
    .bind(group.origin.as_ref().map(columns::written))
    .bind(row.opened.map(from_millis))
    .bind(row.taken)
    .bind(row.repeated.saturating_add(1))
}

fn put_retry<'q>(key: &'q MembershipKey, row: &'q RetryRow) -> Statement<'q> {
    of_membership(
        "INSERT OR REPLACE INTO retries (account, scope, group_id, user_id, present, status,
             first_seen, last_tried, attempts, token, asked)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        key,
    )
    .bind(row.present)
    .bind(row.status)
    .bind(from_millis(row.first_seen))
    .bind(from_millis(row.last_tried))
    .bind(row.attempts)
    .bind(&row.token)
    .bind(row.asked.map(from_millis))
}

/// A statement on a group, whose key is in the first three parameters.
fn of_group<'q>(sql: &'static str, key: &'q GroupRowKey) -> Statement<'q> {
    sqlx::query(sql)
        .bind(&key.account)
        .bind(&key.scope)
        .bind(key.id.text())
}

/// A statement on a membership, whose key is in the first four parameters.
fn of_membership<'q>(sql: &'static str, key: &'q MembershipKey) -> Statement<'q> {
    sqlx::query(sql)
        .bind(&key.account)
        .bind(&key.scope)
        .bind(key.group.text())
        .bind(&key.user)
}

/// A statement on a group that makes memberships this row, in three more parameters; the seventh lists
/// what gives way to it.
fn replacing<'q>(
    sql: &'static str,
    group: &'q GroupRowKey,
    row: &'q MembershipRow,
    replaced: &[Membership],
) -> Statement<'q> {
    let replaced: Vec<i64> = replaced.iter().copied().map(columns::pending).collect();
    of_group(sql, group)
        .bind(columns::pending(row.membership))
        .bind(&row.token)
        .bind(row.opened.map(from_millis))
        .bind(serde_json::json!(replaced).to_string())
}
