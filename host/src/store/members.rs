//! Who of a list of users is in a group, and what it would take to make the list its members.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use scimguard_core::facts::{
    Difference, GroupRow, Member, MembersKey, Membership, UserRow, seen_member,
};
use sqlx::SqliteConnection;

use super::rows::{self, Stored};
use super::{groups, json_list, users};

const OF_THESE: &str = "
    SELECT m.user_id, m.pending FROM json_each(?4) j CROSS JOIN members m
     WHERE m.account = ?1 AND m.scope = ?2 AND m.group_id = ?3 AND m.user_id = j.value";

const OF_OTHERS: &str = "
    SELECT user_id, pending FROM members
     WHERE account = ?1 AND scope = ?2 AND group_id = ?3
       AND user_id NOT IN (SELECT value FROM json_each(?4))
     ORDER BY user_id";

/// One entry for each user asked for, in order.
pub(super) async fn members(
    connection: &mut SqliteConnection,
    key: &MembersKey,
) -> Result<Vec<Member>, sqlx::Error> {
    let group = group(connection, key).await?;
    let resolved = resolve(connection, key).await?;
    let asked = resolved.iter().map(|(id, _)| id);
    let recorded = recorded(connection, OF_THESE, key, group.as_ref(), asked).await?;
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

/// The group's members against the users asked for.
pub(super) async fn difference(
    connection: &mut SqliteConnection,
    key: &MembersKey,
) -> Result<Difference, sqlx::Error> {
    let group = group(connection, key).await?;
    let resolved = resolve(connection, key).await?;
    let asked: BTreeSet<String> = resolved.iter().map(|(id, _)| id.clone()).collect();
    let others = recorded(connection, OF_OTHERS, key, group.as_ref(), &asked).await?;
    let recorded = recorded(connection, OF_THESE, key, group.as_ref(), &asked).await?;
    let recorded = BTreeMap::from_iter(recorded);
    let other_ids: Vec<&str> = others.iter().map(|(id, _)| id.as_str()).collect();
    let other_users = users::by_ids(connection, &key.account, &other_ids).await?;
    // A user who is asked for twice is added once.
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

async fn group(
    connection: &mut SqliteConnection,
    key: &MembersKey,
) -> Result<Option<Stored<GroupRow>>, sqlx::Error> {
    if key.group.is_empty() {
        return Ok(None);
    }
    let mut found =
        groups::resolve(connection, &key.account, &key.scope, &[key.group.as_str()]).await?;
    Ok(found.pop().flatten())
}

/// Each reference with the id that memberships have for it; an unknown user's is the reference.
async fn resolve(
    connection: &mut SqliteConnection,
    key: &MembersKey,
) -> Result<Vec<(String, Option<Stored<UserRow>>)>, sqlx::Error> {
    let references: Vec<&str> = key.users.iter().map(String::as_str).collect();
    let rows = users::resolve(connection, &key.account, &references, key.names).await?;
    let stored = |reference: &String, found: &Option<Stored<UserRow>>| match found {
        Some(found) => found.id.text().into_owned(),
        None => reference.clone(),
    };
    let all = key.users.iter().zip(rows);
    Ok(all
        .map(|(reference, found)| (stored(reference, &found), found))
        .collect())
}

/// The key of the group's memberships: those of an unseen group may be recorded too.
fn stored_group<'a>(key: &'a MembersKey, group: Option<&'a Stored<GroupRow>>) -> Cow<'a, str> {
    group.map_or(Cow::Borrowed(key.group.as_str()), |found| found.id.text())
}

/// The group's memberships of a statement with the account, the scope, the group and these users.
async fn recorded(
    connection: &mut SqliteConnection,
    sql: &'static str,
    key: &MembersKey,
    group: Option<&Stored<GroupRow>>,
    users: impl IntoIterator<Item = &String>,
) -> Result<Vec<(String, Membership)>, sqlx::Error> {
    let rows: Vec<(String, i64)> = sqlx::query_as(sql)
        .bind(&key.account)
        .bind(&key.scope)
        .bind(stored_group(key, group))
        .bind(json_list(users))
        .fetch_all(connection)
        .await?;
    Ok(rows
        .into_iter()
        .map(|(id, pending)| (id, rows::membership(pending)))
        .collect())
}
