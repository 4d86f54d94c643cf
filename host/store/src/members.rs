//! Looks up which users of a list are members of a group, and how the list differs from its
//! members.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, Result, params};
use scimguard_core::facts::{
    Difference, GroupRow, Member, MembersKey, Membership, UserRow, seen_member,
};

use super::rows::{Pending, Stored};
use super::{groups, users};
use crate::database::{Statements as _, json_list};

const OF_THESE: &str = "
    SELECT m.user_id, m.pending FROM json_each(?4) j CROSS JOIN members m
     WHERE m.account = ?1 AND m.scope = ?2 AND m.group_id = ?3 AND m.user_id = j.value";

const OF_OTHERS: &str = "
    SELECT user_id, pending FROM members
     WHERE account = ?1 AND scope = ?2 AND group_id = ?3
       AND user_id NOT IN (SELECT value FROM json_each(?4))
     ORDER BY user_id";

/// One entry for each user of the key, in order.
pub(super) fn members(connection: &Connection, key: &MembersKey) -> Result<Vec<Member>> {
    let group = group(connection, key)?;
    let resolved = resolve(connection, key)?;
    let asked = resolved.iter().map(|(id, _)| id);
    let recorded = recorded(connection, OF_THESE, key, group.as_ref(), asked)?;
    let recorded = BTreeMap::from_iter(recorded);
    Ok(key
        .users
        .iter()
        .zip(resolved)
        .map(|(reference, (id, found))| {
            let membership = recorded.get(&id).copied();
            member(reference.clone(), membership, group.as_ref(), found)
        })
        .collect())
}

/// The difference between the group's members and the users of the key.
pub(super) fn difference(connection: &Connection, key: &MembersKey) -> Result<Difference> {
    let group = group(connection, key)?;
    let resolved = resolve(connection, key)?;
    let asked: BTreeSet<String> = resolved.iter().map(|(id, _)| id.clone()).collect();
    let others = recorded(connection, OF_OTHERS, key, group.as_ref(), &asked)?;
    let recorded = recorded(connection, OF_THESE, key, group.as_ref(), &asked)?;
    let recorded = BTreeMap::from_iter(recorded);
    let other_ids: Vec<&str> = others.iter().map(|(id, _)| id.as_str()).collect();
    let other_users = users::by_ids(connection, &key.account, &other_ids)?;
    // A user that is listed twice is added once.
    let mut seen = BTreeSet::new();
    let added = key
        .users
        .iter()
        .zip(resolved)
        .filter(|(_, (id, _))| seen.insert(id.clone()))
        .map(|(reference, (id, found))| {
            let membership = recorded.get(&id).copied();
            member(reference.clone(), membership, group.as_ref(), found)
        })
        .filter(|member| !member.is_confirmed())
        .collect();
    let removed = others
        .into_iter()
        .zip(other_users)
        .map(|((id, membership), found)| member(id, Some(membership), group.as_ref(), found))
        .collect();
    Ok(Difference {
        added,
        removed,
        complete: group.is_some_and(|found| found.row.group.members_known),
    })
}

fn member(
    reference: String,
    recorded: Option<Membership>,
    group: Option<&Stored<GroupRow>>,
    user: Option<Stored<UserRow>>,
) -> Member {
    let group = group.map(|found| &found.row.group);
    let user = user.map(|found| found.row.user);
    seen_member(recorded, group, user, reference)
}

fn group(connection: &Connection, key: &MembersKey) -> Result<Option<Stored<GroupRow>>> {
    if key.group.is_empty() {
        return Ok(None);
    }
    let mut found = groups::resolve(connection, &key.account, &key.scope, &[key.group.as_str()])?;
    Ok(found.pop().flatten())
}

/// Each reference with its id in memberships; for an unknown user, the reference itself.
fn resolve(
    connection: &Connection,
    key: &MembersKey,
) -> Result<Vec<(String, Option<Stored<UserRow>>)>> {
    let references: Vec<&str> = key.users.iter().map(String::as_str).collect();
    let rows = users::resolve(connection, &key.account, &references, key.names)?;
    let stored = |reference: &String, found: &Option<Stored<UserRow>>| match found {
        Some(found) => found.id.text().into_owned(),
        None => reference.clone(),
    };
    let all = key.users.iter().zip(rows);
    Ok(all
        .map(|(reference, found)| (stored(reference, &found), found))
        .collect())
}

/// The id of the group in memberships, which may also be recorded for unseen groups.
fn stored_group<'a>(key: &'a MembersKey, group: Option<&'a Stored<GroupRow>>) -> Cow<'a, str> {
    group.map_or(Cow::Borrowed(key.group.as_str()), |found| found.id.text())
}

/// The group's memberships, from a statement with the account, the scope, the group and these users
/// as parameters.
fn recorded(
    connection: &Connection,
    sql: &str,
    key: &MembersKey,
    group: Option<&Stored<GroupRow>>,
    users: impl IntoIterator<Item: AsRef<str>>,
) -> Result<Vec<(String, Membership)>> {
    let group = stored_group(key, group);
    let parameters = params![key.account, key.scope, group, json_list(users)];
    connection.all(sql, parameters, |row| {
        let Pending(membership) = row.get(1)?;
        Ok((row.get(0)?, membership))
    })
}
