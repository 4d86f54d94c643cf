//! Which user is meant by an id, a name or a reference.

use scimguard_core::facts::{Answer, Unseen, User, UserKey};
use scimguard_core::fold;
use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, Row, SqliteConnection};

use super::{json_list, origin, to_millis};

/// A user as stored.
#[derive(Clone)]
pub(super) struct UserRow {
    /// The key of memberships: the id, or what stands for it while there is none.
    pub(super) stored_id: String,
    pub(super) user: User,
}

impl FromRow<'_, SqliteRow> for UserRow {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        let stored_id: String = row.try_get("id")?;
        let intent: bool = row.try_get("intent")?;
        Ok(Self {
            user: User {
                account: row.try_get("account")?,
                id: (!intent).then(|| stored_id.clone()),
                user_name: row.try_get("user_name")?,
                display_name: row.try_get("display_name")?,
                external_id: row.try_get("external_id")?,
                active: row.try_get("active")?,
                managed_by: row.try_get("managed_by")?,
                pending: row.try_get("pending")?,
                leaving: row.try_get("leaving")?,
                since: to_millis(row.try_get("since")?),
                origin: origin(row)?,
                in_managed_group: row.try_get("in_managed_group")?,
            },
            stored_id,
        })
    }
}

/// `json_each` stands first in the join, so that each value is one look into an index.
macro_rules! each_user {
    ($condition:literal) => {
        concat!(
            "SELECT j.key AS n, u.*, EXISTS (
                 SELECT 1 FROM members m
                   JOIN groups g ON g.account = m.account AND g.scope = m.scope AND g.id = m.group_id
                  WHERE m.account = u.account AND m.user_id = u.id AND g.managed_by IS NOT NULL
             ) AS in_managed_group
             FROM json_each(?2) j CROSS JOIN users u
             WHERE u.account = ?1 AND ",
            $condition,
            " ORDER BY n, u.managed_by IS NULL, u.id"
        )
    };
}

const BY_ID: &str = each_user!("u.id = j.value AND u.intent = 0");
const BY_FOLDED_ID: &str = each_user!("u.id_folded = j.value");
const BY_NAME: &str = each_user!("u.user_name_folded = j.value");

/// Answers keys by id: the exact one, else one that equals it when folded.
pub(super) async fn by_key(
    connection: &mut SqliteConnection,
    account: &str,
    batch: &[(usize, &UserKey)],
    answers: &mut [Answer],
) -> Result<(), sqlx::Error> {
    let values: Vec<&str> = batch.iter().map(|(_, key)| key.value.as_str()).collect();
    let mut found = vec![None; values.len()];
    fill(connection, BY_ID, account, &values, &mut found).await?;
    let folded = folded(&values);
    fill(connection, BY_FOLDED_ID, account, &folded, &mut found).await?;
    let unseen_may_exist = found.iter().any(Option::is_none)
        && batch.iter().any(|(_, key)| key.unseen == Unseen::Pending)
        && any_unsettled(connection, account).await?;
    for ((position, key), row) in batch.iter().zip(found) {
        answers[*position] = match row {
            Some(row) => Answer::User(row.user),
            None if unseen_may_exist && key.unseen == Unseen::Pending => Answer::Unavailable,
            None => Answer::Absent,
        };
    }
    Ok(())
}

/// Answers keys by name. A pending create has a name, so that an unseen one is nobody's, unless a
/// provider has taken over somebody whose name is not known yet.
pub(super) async fn by_name_key(
    connection: &mut SqliteConnection,
    account: &str,
    batch: &[(usize, &UserKey)],
    answers: &mut [Answer],
) -> Result<(), sqlx::Error> {
    let values: Vec<&str> = batch.iter().map(|(_, key)| key.value.as_str()).collect();
    let mut found = vec![None; values.len()];
    fill(connection, BY_NAME, account, &folded(&values), &mut found).await?;
    let unseen_may_exist = found.iter().any(Option::is_none)
        && batch.iter().any(|(_, key)| key.unseen == Unseen::Pending)
        && any_nameless(connection, account).await?;
    for ((position, key), row) in batch.iter().zip(found) {
        answers[*position] = match row {
            Some(row) => Answer::User(row.user),
            None if unseen_may_exist && key.unseen == Unseen::Pending => Answer::Unavailable,
            None => Answer::Absent,
        };
    }
    Ok(())
}

/// Whom each reference means: the exact id, else the id when folded. If it may be a name too, and
/// means two users, then the one who is locked more.
pub(super) async fn resolve(
    connection: &mut SqliteConnection,
    account: &str,
    references: &[&str],
    names: bool,
) -> Result<Vec<Option<UserRow>>, sqlx::Error> {
    let mut by_id = vec![None; references.len()];
    fill(connection, BY_ID, account, references, &mut by_id).await?;
    let folded = folded(references);
    fill(connection, BY_FOLDED_ID, account, &folded, &mut by_id).await?;
    if !names {
        return Ok(by_id);
    }
    let mut by_name = vec![None; references.len()];
    fill(connection, BY_NAME, account, &folded, &mut by_name).await?;
    let both = by_name.into_iter().zip(by_id);
    // The last of equals: the id.
    let strictest = both.map(|(name, id)| {
        let meant = name.into_iter().chain(id);
        meant.max_by_key(|row| row.user.locks())
    });
    Ok(strictest.collect())
}

/// The users of these ids, as far as they are recorded.
pub(super) async fn by_stored_ids(
    connection: &mut SqliteConnection,
    account: &str,
    ids: &[&str],
) -> Result<Vec<Option<UserRow>>, sqlx::Error> {
    const BY_STORED_ID: &str = each_user!("u.id = j.value");
    let mut found = vec![None; ids.len()];
    fill(connection, BY_STORED_ID, account, ids, &mut found).await?;
    Ok(found)
}

fn folded(values: &[&str]) -> Vec<String> {
    values.iter().map(|value| fold(value)).collect()
}

/// Asks for the values that are not found yet, all in one statement, and keeps the first of each.
async fn fill<V: AsRef<str>>(
    connection: &mut SqliteConnection,
    sql: &'static str,
    account: &str,
    values: &[V],
    found: &mut [Option<UserRow>],
) -> Result<(), sqlx::Error> {
    let missing: Vec<usize> = (0..values.len())
        .filter(|&position| found[position].is_none())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let rows = sqlx::query(sql)
        .bind(account)
        .bind(json_list(
            missing.iter().map(|&position| values[position].as_ref()),
        ))
        .fetch_all(connection)
        .await?;
    for row in rows {
        let n = usize::try_from(row.try_get::<i64, _>("n")?).unwrap_or(usize::MAX);
        if let Some(slot) = missing.get(n).and_then(|&position| found.get_mut(position))
            && slot.is_none()
        {
            *slot = Some(UserRow::from_row(&row)?);
        }
    }
    Ok(())
}

/// Whoever is recorded without a name has the id in its place.
async fn any_nameless(
    connection: &mut SqliteConnection,
    account: &str,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM users
          WHERE account = ?1 AND pending = 1 AND user_name = id AND managed_by IS NOT NULL)",
    )
    .bind(account)
    .fetch_one(connection)
    .await
}

async fn any_unsettled(
    connection: &mut SqliteConnection,
    account: &str,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM users WHERE account = ?1 AND intent = 1)")
        .bind(account)
        .fetch_one(connection)
        .await
}
