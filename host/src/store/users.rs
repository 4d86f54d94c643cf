//! Which user is meant by an id, a name or a reference.

use scimguard_core::facts::{Answer, Unseen, UserKey, UserRow};
use scimguard_core::fold;
use sqlx::SqliteConnection;

use super::rows::{self, Stored};

/// `json_each` stands first in the join, so that each value is one look into an index.
macro_rules! each_user {
    ($condition:literal) => {
        concat!(
            "SELECT j.key AS n, u.*, EXISTS (
                 SELECT 1 FROM members m
                   JOIN groups g ON g.account = m.account AND g.scope = m.scope AND g.id = m.group_id
                  WHERE m.account = u.account AND m.user_id = u.id AND g.managed_by IS NOT NULL
             ) AS in_managed_group
             FROM json_each(?3) j CROSS JOIN users u
             WHERE u.account = ?1 AND ",
            $condition,
            " ORDER BY n, u.managed_by IS NULL, u.id"
        )
    };
}

const BY_ID: &str = each_user!("u.id = j.value AND u.intent = 0");
const BY_FOLDED_ID: &str = each_user!("u.id_folded = j.value");
const BY_NAME: &str = each_user!("u.user_name_folded = j.value");

/// Whether there is a create whose id nobody knows.
const ANY_UNSETTLED: &str = "SELECT EXISTS (SELECT 1 FROM users WHERE account = ?1 AND intent = 1)";

/// Whether a provider has taken over a user whose name is not known yet: the id is in its place.
const ANY_NAMELESS: &str = "
    SELECT EXISTS (SELECT 1 FROM users
      WHERE account = ?1 AND pending = 1 AND user_name = id AND managed_by IS NOT NULL)";

/// Answers keys by id: the exact one, else one that equals it when folded.
pub(super) async fn by_key(
    connection: &mut SqliteConnection,
    account: &str,
    batch: &[(usize, &UserKey)],
    answers: &mut [Answer],
) -> Result<(), sqlx::Error> {
    let values: Vec<&str> = batch.iter().map(|(_, key)| key.value.as_str()).collect();
    let found = resolve(connection, account, &values, false).await?;
    answer(connection, account, ANY_UNSETTLED, batch, found, answers).await
}

/// Answers keys by name. A pending create has a name, so that an unseen one is nobody's, unless there
/// is a user whose name is not known.
pub(super) async fn by_name_key(
    connection: &mut SqliteConnection,
    account: &str,
    batch: &[(usize, &UserKey)],
    answers: &mut [Answer],
) -> Result<(), sqlx::Error> {
    let values: Vec<&str> = batch.iter().map(|(_, key)| key.value.as_str()).collect();
    let mut found = vec![None; values.len()];
    fill(connection, BY_NAME, account, &folded(&values), &mut found).await?;
    answer(connection, account, ANY_NAMELESS, batch, found, answers).await
}

async fn answer(
    connection: &mut SqliteConnection,
    account: &str,
    any_unseen: &'static str,
    batch: &[(usize, &UserKey)],
    found: Vec<Option<Stored<UserRow>>>,
    answers: &mut [Answer],
) -> Result<(), sqlx::Error> {
    let unseen_may_exist = found.iter().any(Option::is_none)
        && batch.iter().any(|(_, key)| key.unseen == Unseen::Pending)
        && sqlx::query_scalar(any_unseen)
            .bind(account)
            .fetch_one(connection)
            .await?;
    for ((position, key), found) in batch.iter().zip(found) {
        answers[*position] = match found {
            Some(found) => Answer::User(found.row.user),
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
) -> Result<Vec<Option<Stored<UserRow>>>, sqlx::Error> {
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
        meant.max_by_key(|found| found.row.user.locks())
    });
    Ok(strictest.collect())
}

/// The users of these ids, as far as they are recorded.
pub(super) async fn by_ids(
    connection: &mut SqliteConnection,
    account: &str,
    ids: &[&str],
) -> Result<Vec<Option<Stored<UserRow>>>, sqlx::Error> {
    let mut found = vec![None; ids.len()];
    fill(connection, BY_ID, account, ids, &mut found).await?;
    Ok(found)
}

fn folded(values: &[&str]) -> Vec<String> {
    values.iter().map(|value| fold(value)).collect()
}

async fn fill<V: AsRef<str>>(
    connection: &mut SqliteConnection,
    sql: &'static str,
    account: &str,
    values: &[V],
    found: &mut [Option<Stored<UserRow>>],
) -> Result<(), sqlx::Error> {
    rows::fill(connection, sql, (account, ""), values, found).await
}
