//! Loads the rows that a transition reads, and saves its changes. The core decides what a
//! transition reads and changes.

mod columns;

use rusqlite::{Connection, Result, ToSql, params};
use scimguard_core::facts::{
    GroupRow, GroupRowKey, Membership, MembershipKey, MembershipRow, RetryRow, RowId, Rows,
    UserRow, UserRowKey,
};
use scimguard_core::record::transition::{Reads, RowChange, Selection};
use scimguard_core::{fold, skeleton};

use super::from_millis;
use crate::database::{Columns, Json, Statements as _, json_list};

pub(super) use columns::{FromColumns, Pending, Stored, group_columns, user_columns};

/// Loads what a transition reads, in one statement.
pub(super) fn load(connection: &Connection, reads: Reads) -> Result<Rows> {
    let mut rows = Rows::default();
    match reads {
        Reads::Nothing => {}
        Reads::Users(account, ids) => {
            const USERS: &str = concat!(
                "SELECT ",
                user_columns!("0"),
                " FROM json_each(?2) j CROSS JOIN users u WHERE u.account = ?1 AND u.id = j.value"
            );
            let ids = json_list(ids.iter().map(RowId::text));
            let found = connection.all(USERS, params![account, ids], Stored::<UserRow>::of)?;
            let keyed = found
                .into_iter()
                .map(|found| (UserRowKey::new(&account, found.id), found.row));
            rows.users.extend(keyed);
        }
        Reads::Groups(account, ids) => {
            const GROUPS: &str = concat!(
                "SELECT ",
                group_columns!(),
                " FROM json_each(?2) j CROSS JOIN groups g
                 WHERE g.account = ?1 AND g.scope = '' AND g.id = j.value"
            );
            let ids = json_list(ids.iter().map(RowId::text));
            let found = connection.all(GROUPS, params![account, ids], Stored::<GroupRow>::of)?;
            let keyed = found
                .into_iter()
                .map(|found| (GroupRowKey::new(&account, "", found.id), found.row));
            rows.groups.extend(keyed);
        }
        Reads::Membership(key) => {
            const MEMBERSHIP: &str = "
                SELECT m.pending, m.token, m.opened, r.present, r.status, r.first_seen,
                       r.last_tried, r.attempts, r.token, r.asked
                  FROM (SELECT 1)
                  LEFT JOIN members m ON m.account = ?1 AND m.scope = ?2 AND m.group_id = ?3
                    AND m.user_id = ?4
                  LEFT JOIN retries r ON r.account = ?1 AND r.scope = ?2 AND r.group_id = ?3
                    AND r.user_id = ?4";
            let group = key.group.text();
            let found = connection.first(
                MEMBERSHIP,
                params![key.account, key.scope, group, key.user],
                |row| {
                    let mut columns = Columns::of(row);
                    let membership = columns::membership_row(&mut columns)?;
                    Ok((membership, columns::retry_row(&mut columns)?))
                },
            )?;
            let (membership, retry) = found.unwrap_or_default();
            rows.retries.extend(retry.map(|row| (key.clone(), row)));
            rows.memberships.extend(membership.map(|row| (key, row)));
        }
    }
    Ok(rows)
}

/// Looks up all values that have not been found yet in one statement, and keeps the first row of
/// each. The parameters of the statement are the account, the scope and the list of values; its
/// first column is the position of the value in the list.
pub(super) fn fill<R, V: AsRef<str>>(
    connection: &Connection,
    sql: &str,
    (account, scope): (&str, &str),
    values: &[V],
    found: &mut [Option<Stored<R>>],
) -> Result<()>
where
    Stored<R>: FromColumns,
{
    let missing: Vec<usize> = (0..values.len())
        .filter(|&position| found[position].is_none())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let list = json_list(missing.iter().map(|&position| &values[position]));
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![account, scope, list])?;
    while let Some(row) = rows.next()? {
        let mut columns = Columns::of(row);
        let n = usize::try_from(columns.next::<i64>()?).unwrap_or(usize::MAX);
        if let Some(slot) = missing.get(n).and_then(|&position| found.get_mut(position))
            && slot.is_none()
        {
            *slot = Some(Stored::read(&mut columns)?);
        }
    }
    Ok(())
}

/// Saves one change in one statement. Returns the number of changed rows.
pub(super) fn keep(connection: &Connection, change: RowChange<'_>) -> Result<usize> {
    match &change {
        RowChange::PutUser(key, row) => put_user(connection, key, row),
        RowChange::DeleteUser(key) => connection.change(
            "DELETE FROM users WHERE account = ?1 AND id = ?2",
            params![key.account, key.id.text()],
        ),
        RowChange::PutGroup(key, row) => put_group(connection, key, row),
        RowChange::DeleteGroup(key) => connection.change(
            "DELETE FROM groups WHERE account = ?1 AND scope = ?2 AND id = ?3",
            params![key.account, key.scope, key.id.text()],
        ),
        RowChange::PutMembership(key, row) => put_membership(connection, key, row),
        RowChange::PutRetry(key, row) => put_retry(connection, key, row),
        RowChange::DeleteMemberships(selection) => delete(connection, "members", selection),
        RowChange::DeleteRetries(selection) => delete(connection, "retries", selection),
        RowChange::PutMembers {
            group,
            users,
            row,
            replaced,
        } => replace(
            connection,
            "INSERT INTO members (account, scope, group_id, pending, token, opened, user_id)
             SELECT ?1, ?2, ?3, ?4, ?5, ?6, value FROM json_each(?8) WHERE true
             ON CONFLICT DO UPDATE
                SET pending = excluded.pending, token = excluded.token, opened = excluded.opened
              WHERE pending IN (SELECT value FROM json_each(?7))",
            (group, row, replaced),
            &[&json_list(users.iter())],
        ),
        RowChange::ReplaceMembers {
            group,
            row,
            replaced,
        } => replace(
            connection,
            "UPDATE members SET pending = ?4, token = ?5, opened = ?6
              WHERE account = ?1 AND scope = ?2 AND group_id = ?3
                AND pending IN (SELECT value FROM json_each(?7))",
            (group, row, replaced),
            &[],
        ),
        RowChange::CopyMembers { from, to } => connection.change(
            "INSERT OR REPLACE INTO members (account, scope, group_id, user_id, pending, token, opened)
             SELECT ?4, ?5, ?6, user_id, pending, token, opened FROM members
              WHERE account = ?1 AND scope = ?2 AND group_id = ?3",
            params![from.account, from.scope, from.id.text(), to.account, to.scope, to.id.text()],
        ),
    }
}

fn put_user(connection: &Connection, key: &UserRowKey, row: &UserRow) -> Result<usize> {
    let user = &row.user;
    connection.change(
        "INSERT OR REPLACE INTO users (account, id, id_folded, user_name, user_name_folded,
             display_name, external_id, active, managed_by, pending, leaving, since, intent, look,
             origin, opened)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
        params![
            key.account,
            key.id.text(),
            key.id.as_known().map(fold),
            user.user_name,
            fold(&user.user_name),
            user.display_name,
            user.external_id,
            user.active,
            user.managed_by,
            user.write_pending,
            user.deletion_pending,
            user.since.map(from_millis),
            key.id.as_known().is_none(),
            skeleton(&user.user_name),
            user.origin.as_ref().map(Json),
            row.opened.map(from_millis),
        ],
    )
}

/// An intent is found by the id derived from its name.
fn put_group(connection: &Connection, key: &GroupRowKey, row: &GroupRow) -> Result<usize> {
    let group = &row.group;
    let found_by = key.id.as_known().or(group.derived_id.as_deref());
    connection.change(
        "INSERT OR REPLACE INTO groups (account, scope, id, id_folded, display_name, derived_id,
             external_id, managed_by, pending, leaving, since, members_known, intent, origin,
             opened, taken, attempts)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)",
        params![
            key.account,
            key.scope,
            key.id.text(),
            found_by.map(fold),
            group.display_name,
            group.derived_id,
            group.external_id,
            group.managed_by,
            group.write_pending,
            group.deletion_pending,
            group.since.map(from_millis),
            group.members_known,
            key.id.as_known().is_none(),
            group.origin.as_ref().map(Json),
            row.opened.map(from_millis),
            row.taken,
            row.repeated.saturating_add(1),
        ],
    )
}

fn put_membership(
    connection: &Connection,
    key: &MembershipKey,
    row: &MembershipRow,
) -> Result<usize> {
    connection.change(
        "INSERT OR REPLACE INTO members (account, scope, group_id, user_id, pending, token, opened)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            key.account,
            key.scope,
            key.group.text(),
            key.user,
            Pending(row.membership).number(),
            row.token,
            row.opened.map(from_millis),
        ],
    )
}

fn put_retry(connection: &Connection, key: &MembershipKey, row: &RetryRow) -> Result<usize> {
    connection.change(
        "INSERT OR REPLACE INTO retries (account, scope, group_id, user_id, present, status,
             first_seen, last_tried, attempts, token, asked)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        params![
            key.account,
            key.scope,
            key.group.text(),
            key.user,
            row.present,
            row.status,
            from_millis(row.first_seen),
            from_millis(row.last_tried),
            row.attempts,
            row.token,
            row.asked.map(from_millis),
        ],
    )
}

/// Sets memberships of a group to this row, where the present state is one of those that may be
/// replaced.
fn replace(
    connection: &Connection,
    sql: &str,
    (group, row, replaced): (&GroupRowKey, &MembershipRow, &[Membership]),
    more: &[&dyn ToSql],
) -> Result<usize> {
    let replaced: Vec<i64> = replaced.iter().map(|it| Pending(*it).number()).collect();
    let parameters: [&dyn ToSql; 7] = [
        &group.account,
        &group.scope,
        &group.id.text(),
        &Pending(row.membership).number(),
        &row.token,
        &row.opened.map(from_millis),
        &Json(replaced),
    ];
    connection.change(sql, &*[&parameters[..], more].concat())
}

/// Deletes the selected rows of `members` or `retries`.
fn delete(connection: &Connection, table: &str, selection: &Selection<'_>) -> Result<usize> {
    const OF_GROUP: &str = "account = ?1 AND scope = ?2 AND group_id = ?3";
    let sql = |condition: &str| format!("DELETE FROM {table} WHERE {condition}");
    match selection {
        Selection::One(key) => connection.change(
            &sql(&format!("{OF_GROUP} AND user_id = ?4")),
            params![key.account, key.scope, key.group.text(), key.user],
        ),
        Selection::Members(group, users) => connection.change(
            &sql(&format!(
                "{OF_GROUP} AND user_id IN (SELECT value FROM json_each(?4))"
            )),
            params![
                group.account,
                group.scope,
                group.id.text(),
                json_list(users.iter())
            ],
        ),
        Selection::Group(group) => connection.change(
            &sql(OF_GROUP),
            params![group.account, group.scope, group.id.text()],
        ),
        Selection::User(account, user) => connection.change(
            &sql("account = ?1 AND user_id = ?2"),
            params![account, user],
        ),
    }
}
