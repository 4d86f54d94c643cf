//! Groups by their ids, by the ids derived from their names, and by their members.

use std::borrow::Cow;

use rusqlite::{Connection, Result, params};
use scimguard_core::facts::{
    Answer, DerivedIdKey, Group, GroupKey, GroupRow, RowId, Unseen, UserGroupsKey,
};
use scimguard_core::fold;

use super::rows::{self, FromColumns, Stored, group_columns};
use super::users;
use crate::database::{Columns, Statements as _};

macro_rules! each_group {
    ($condition:literal) => {
        concat!(
            "SELECT j.key AS n, ",
            group_columns!(),
            " FROM json_each(?3) j CROSS JOIN groups g
             WHERE g.account = ?1 AND g.scope = ?2 AND ",
            $condition,
            " ORDER BY n, g.managed_by IS NULL, g.id"
        )
    };
}

/// A group that a provider is creating takes precedence over a native group with the same id that
/// may be deleted.
const BY_ID: &str =
    each_group!("g.id = j.value AND g.intent = 0 AND NOT (g.leaving AND g.managed_by IS NULL)");
const BY_FOLDED_ID: &str = each_group!("g.id_folded = j.value");

/// Answers keys by id: the exact id, else one that is equal when folded. Uncertain creates have the
/// id derived from their name.
pub(super) fn by_key(
    connection: &Connection,
    account: &str,
    scope: &str,
    batch: &[(usize, &GroupKey)],
    answers: &mut [Answer],
) -> Result<()> {
    let ids: Vec<&str> = batch.iter().map(|(_, key)| key.id.as_str()).collect();
    let found = resolve(connection, account, scope, &ids)?;
    let unseen_may_exist = found.iter().any(Option::is_none)
        && batch.iter().any(|(_, key)| key.unseen == Unseen::Pending)
        && any_unsettled(connection, account, scope)?;
    for ((position, key), row) in batch.iter().zip(found) {
        answers[*position] = match row {
            Some(found) => Answer::Group(found.row.seen()),
            None if unseen_may_exist && key.unseen == Unseen::Pending => Answer::Unavailable,
            None => Answer::Absent,
        };
    }
    Ok(())
}

/// The group with each id.
pub(super) fn resolve(
    connection: &Connection,
    account: &str,
    scope: &str,
    ids: &[&str],
) -> Result<Vec<Option<Stored<GroupRow>>>> {
    let mut found = vec![None; ids.len()];
    let place = (account, scope);
    rows::fill(connection, BY_ID, place, ids, &mut found)?;
    let folded: Vec<String> = ids.iter().map(|id| fold(id)).collect();
    rows::fill(connection, BY_FOLDED_ID, place, &folded, &mut found)?;
    Ok(found)
}

/// Whether there is an uncertain create whose id is unknown: either ids are not derived, or another
/// group has or had the derived id, so the application chooses another one.
fn any_unsettled(connection: &Connection, account: &str, scope: &str) -> Result<bool> {
    connection.value(
        "SELECT EXISTS (SELECT 1 FROM groups i
          WHERE i.account = ?1 AND i.scope = ?2 AND i.intent = 1
            AND (i.derived_id IS NULL OR i.taken OR EXISTS (SELECT 1 FROM groups g
                  WHERE g.account = i.account AND g.scope = i.scope AND g.id = i.derived_id)))",
        [account, scope],
    )
}

/// All groups that have this id, or whose derived id it is.
pub(super) fn by_derived_id(connection: &Connection, key: &DerivedIdKey) -> Result<Vec<Group>> {
    // Few groups are recorded without a derived id: those recorded under a policy that derived
    // none.
    macro_rules! which {
        ($condition:literal) => {
            concat!(
                "SELECT ",
                group_columns!(),
                " FROM groups g WHERE g.account = ?1 AND g.scope = ?2 AND ",
                $condition
            )
        };
    }
    const BY_DERIVED_ID: &str = concat!(
        which!("g.id = ?3 AND g.intent = 0"),
        " UNION ",
        which!("g.derived_id = ?3"),
        " UNION ",
        which!("g.derived_id IS NULL"),
        " ORDER BY 1"
    );
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
    let parameters = [&key.account, &key.scope, &key.id];
    let rows = connection.all(BY_DERIVED_ID, parameters, Stored::<GroupRow>::of)?;
    let groups = rows.iter().map(|found| found.row.seen());
    Ok(groups.filter(has_id).collect())
}

/// The groups in all scopes that have this user as a recorded member.
pub(super) fn of_user(connection: &Connection, key: &UserGroupsKey) -> Result<Vec<Group>> {
    const OF_USER: &str = concat!(
        "SELECT m.scope, m.group_id, g.id IS NULL, ",
        group_columns!(),
        " FROM members m
          LEFT JOIN groups g ON g.account = m.account AND g.scope = m.scope AND g.id = m.group_id
         WHERE m.account = ?1 AND m.user_id = ?2
         ORDER BY m.scope, m.group_id"
    );
    let resolved = users::resolve(connection, &key.account, &[&key.user], true)?;
    let resolved = resolved.first().and_then(Option::as_ref);
    let user = resolved.map_or(Cow::Borrowed(key.user.as_str()), |found| found.id.text());
    connection.all(OF_USER, params![key.account, user], |row| {
        let mut columns = Columns::of(row);
        let (scope, id) = (columns.next()?, RowId::from_text(columns.next()?));
        match columns.next()? {
            // Only this membership is on record, not the group.
            true => Ok(Group {
                account: key.account.clone(),
                scope,
                id: id.as_known().map(str::to_owned),
                ..Group::default()
            }),
            false => Ok(Stored::<GroupRow>::read(&mut columns)?.row.seen()),
        }
    })
}
