//! Which group is meant by an id, and which groups share a derived id or a user.

use std::borrow::Cow;

use scimguard_core::facts::{
    Answer, DerivedIdKey, Group, GroupKey, GroupRow, RowId, Unseen, UserGroupsKey,
};
use scimguard_core::fold;
use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, Row, SqliteConnection};

use super::rows::{self, Stored};
use super::users;

macro_rules! each_group {
    ($condition:literal) => {
        concat!(
            "SELECT j.key AS n, g.* FROM json_each(?3) j CROSS JOIN groups g
             WHERE g.account = ?1 AND g.scope = ?2 AND ",
            $condition,
            " ORDER BY n, g.managed_by IS NULL, g.id"
        )
    };
}

/// A native one that is perhaps deleted gives way to one that a provider is creating in its place.
const BY_ID: &str =
    each_group!("g.id = j.value AND g.intent = 0 AND NOT (g.leaving AND g.managed_by IS NULL)");
const BY_FOLDED_ID: &str = each_group!("g.id_folded = j.value");

/// Answers keys by id: the exact one, else one that equals it when folded, pending creates by the id
/// that their name gives.
pub(super) async fn by_key(
    connection: &mut SqliteConnection,
    account: &str,
    scope: &str,
    batch: &[(usize, &GroupKey)],
    answers: &mut [Answer],
) -> Result<(), sqlx::Error> {
    let ids: Vec<&str> = batch.iter().map(|(_, key)| key.id.as_str()).collect();
    let found = resolve(connection, account, scope, &ids).await?;
    let unseen_may_exist = found.iter().any(Option::is_none)
        && batch.iter().any(|(_, key)| key.unseen == Unseen::Pending)
        && any_unsettled(connection, account, scope).await?;
    for ((position, key), row) in batch.iter().zip(found) {
        answers[*position] = match row {
            Some(found) => Answer::Group(found.row.seen()),
            None if unseen_may_exist && key.unseen == Unseen::Pending => Answer::Unavailable,
            None => Answer::Absent,
        };
    }
    Ok(())
}

/// The group of each id.
pub(super) async fn resolve(
    connection: &mut SqliteConnection,
    account: &str,
    scope: &str,
    ids: &[&str],
) -> Result<Vec<Option<Stored<GroupRow>>>, sqlx::Error> {
    let mut found = vec![None; ids.len()];
    let place = (account, scope);
    rows::fill(connection, BY_ID, place, ids, &mut found).await?;
    let folded: Vec<String> = ids.iter().map(|id| fold(id)).collect();
    rows::fill(connection, BY_FOLDED_ID, place, &folded, &mut found).await?;
    Ok(found)
}

/// A pending create whose id nobody knows: ids are not derived, or the derived one is or was taken, so that
/// an application gives another.
async fn any_unsettled(
    connection: &mut SqliteConnection,
    account: &str,
    scope: &str,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM groups i
          WHERE i.account = ?1 AND i.scope = ?2 AND i.intent = 1
            AND (i.derived_id IS NULL OR i.taken OR EXISTS (SELECT 1 FROM groups g
                  WHERE g.account = i.account AND g.scope = i.scope AND g.id = i.derived_id)))",
    )
    .bind(account)
    .bind(scope)
    .fetch_one(connection)
    .await
}

/// All groups that have this id, or whose name gives it.
pub(super) async fn by_derived_id(
    connection: &mut SqliteConnection,
    key: &DerivedIdKey,
) -> Result<Vec<Group>, sqlx::Error> {
    // Groups that were recorded without a derived id are few: those of a policy that derived none.
    const BY_DERIVED_ID: &str = "
        SELECT * FROM groups WHERE account = ?1 AND scope = ?2 AND id = ?3 AND intent = 0
        UNION SELECT * FROM groups WHERE account = ?1 AND scope = ?2 AND derived_id = ?3
        UNION SELECT * FROM groups WHERE account = ?1 AND scope = ?2 AND derived_id IS NULL
        ORDER BY id";
    let has_id = |group: &Group| {
        group.derived_id.as_ref() == Some(&key.id)
            || group.id.as_ref() == Some(&key.id)
            || group
                .display_name
                .as_deref()
                .map(|name| key.derive(name))
                .as_ref()
                == Some(&key.id)
    };
    let rows: Vec<Stored<GroupRow>> = sqlx::query_as(BY_DERIVED_ID)
        .bind(&key.account)
        .bind(&key.scope)
        .bind(&key.id)
        .fetch_all(connection)
        .await?;
    let groups = rows.iter().map(|found| found.row.seen());
    Ok(groups.filter(has_id).collect())
}

/// The groups that the user is recorded in, of all scopes.
pub(super) async fn of_user(
    connection: &mut SqliteConnection,
    key: &UserGroupsKey,
) -> Result<Vec<Group>, sqlx::Error> {
    const OF_USER: &str = "
        SELECT m.scope AS member_scope, m.group_id, g.* FROM members m
          LEFT JOIN groups g ON g.account = m.account AND g.scope = m.scope AND g.id = m.group_id
         WHERE m.account = ?1 AND m.user_id = ?2
         ORDER BY m.scope, m.group_id";
    let resolved = users::resolve(connection, &key.account, &[&key.user], true).await?;
    let resolved = resolved.first().and_then(Option::as_ref);
    let user = resolved.map_or(Cow::Borrowed(key.user.as_str()), |found| found.id.text());
    let rows = sqlx::query(OF_USER)
        .bind(&key.account)
        .bind(user)
        .fetch_all(connection)
        .await?;
    rows.iter()
        .map(|row| match row.try_get::<Option<&str>, _>("id")? {
            Some(_) => Ok(Stored::<GroupRow>::from_row(row)?.row.seen()),
            None => unseen_group(&key.account, row),
        })
        .collect()
}

/// A group that is known by a membership alone.
fn unseen_group(account: &str, row: &SqliteRow) -> Result<Group, sqlx::Error> {
    let id = RowId::from_text(row.try_get("group_id")?);
    Ok(Group {
        account: account.to_owned(),
        scope: row.try_get("member_scope")?,
        id: id.as_known().map(str::to_owned),
        ..Group::default()
    })
}
