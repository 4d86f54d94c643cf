//! Users by their ids and names.

use rusqlite::{Connection, Result};
use scimguard_core::facts::{Answer, Unseen, UserKey, UserRow};
use scimguard_core::fold;

use super::rows::{self, Stored, user_columns};
use crate::database::Statements as _;

/// `json_each` comes first in the join, so that each value is one look-up in an index.
macro_rules! each_user {
    ($condition:literal) => {
        concat!(
            "SELECT j.key AS n, ",
            user_columns!(
                "EXISTS (
                 SELECT 1 FROM members m
                   JOIN groups g ON g.account = m.account AND g.scope = m.scope AND g.id = m.group_id
                  WHERE m.account = u.account AND m.user_id = u.id AND g.managed_by IS NOT NULL)"
            ),
            " FROM json_each(?3) j CROSS JOIN users u
             WHERE u.account = ?1 AND ",
            $condition,
            " ORDER BY n, u.managed_by IS NULL, u.id"
        )
    };
}

const BY_ID: &str = each_user!("u.id = j.value AND u.intent = 0");
const BY_FOLDED_ID: &str = each_user!("u.id_folded = j.value");
const BY_NAME: &str = each_user!("u.user_name_folded = j.value");

/// Whether there is a create whose id is unknown.
const ANY_UNSETTLED: &str = "SELECT EXISTS (SELECT 1 FROM users WHERE account = ?1 AND intent = 1)";

/// Whether a provider has taken over a user whose name is unknown, so that the id stands in its
/// place.
const ANY_NAMELESS: &str = "
    SELECT EXISTS (SELECT 1 FROM users
      WHERE account = ?1 AND pending = 1 AND user_name = id AND managed_by IS NOT NULL)";

/// Answers keys by id: the exact id, else one that is equal when folded.
pub(super) fn by_key(
    connection: &Connection,
    account: &str,
    batch: &[(usize, &UserKey)],
    answers: &mut [Answer],
) -> Result<()> {
    let values: Vec<&str> = batch.iter().map(|(_, key)| key.value.as_str()).collect();
    let found = resolve(connection, account, &values, false)?;
    answer(connection, account, ANY_UNSETTLED, batch, found, answers)
}

/// Answers keys by name. Uncertain creates have their names, so a name that is not on record is
/// free, unless there is a user whose name is unknown.
pub(super) fn by_name_key(
    connection: &Connection,
    account: &str,
    batch: &[(usize, &UserKey)],
    answers: &mut [Answer],
) -> Result<()> {
    let values: Vec<&str> = batch.iter().map(|(_, key)| key.value.as_str()).collect();
    let mut found = vec![None; values.len()];
    fill(connection, BY_NAME, account, &folded(&values), &mut found)?;
    answer(connection, account, ANY_NAMELESS, batch, found, answers)
}

fn answer(
    connection: &Connection,
    account: &str,
    any_unseen: &str,
    batch: &[(usize, &UserKey)],
    found: Vec<Option<Stored<UserRow>>>,
    answers: &mut [Answer],
) -> Result<()> {
    let unseen_may_exist = found.iter().any(Option::is_none)
        && batch.iter().any(|(_, key)| key.unseen == Unseen::Pending)
        && connection.value(any_unseen, [account])?;
    for ((position, key), found) in batch.iter().zip(found) {
        answers[*position] = match found {
            Some(found) => Answer::User(found.row.user),
            None if unseen_may_exist && key.unseen == Unseen::Pending => Answer::Unavailable,
            None => Answer::Absent,
        };
    }
    Ok(())
}

/// The user of each reference, by the exact id, else by the folded id. If names count too and the
/// reference matches two users, this is the more strictly locked one.
pub(super) fn resolve(
    connection: &Connection,
    account: &str,
    references: &[&str],
    names: bool,
) -> Result<Vec<Option<Stored<UserRow>>>> {
    let mut by_id = vec![None; references.len()];
    fill(connection, BY_ID, account, references, &mut by_id)?;
    let folded = folded(references);
    fill(connection, BY_FOLDED_ID, account, &folded, &mut by_id)?;
    if !names {
        return Ok(by_id);
    }
    let mut by_name = vec![None; references.len()];
    fill(connection, BY_NAME, account, &folded, &mut by_name)?;
    let both = by_name.into_iter().zip(by_id);
    // If both are equally locked, the last one counts: the user by id.
    let strictest = both.map(|(name, id)| {
        let meant = name.into_iter().chain(id);
        meant.max_by_key(|found| found.row.user.locks())
    });
    Ok(strictest.collect())
}

/// The recorded users among these ids.
pub(super) fn by_ids(
    connection: &Connection,
    account: &str,
    ids: &[&str],
) -> Result<Vec<Option<Stored<UserRow>>>> {
    let mut found = vec![None; ids.len()];
    fill(connection, BY_ID, account, ids, &mut found)?;
    Ok(found)
}

fn folded(values: &[&str]) -> Vec<String> {
    values.iter().map(|value| fold(value)).collect()
}

fn fill<V: AsRef<str>>(
    connection: &Connection,
    sql: &str,
    account: &str,
    values: &[V],
    found: &mut [Option<Stored<UserRow>>],
) -> Result<()> {
    rows::fill(connection, sql, (account, ""), values, found)
}
