//! Who of a list of users is in a group, and what it would take to make the list its members.

use std::collections::{BTreeMap, BTreeSet};

use scimguard_core::facts::{Difference, Member, MembersKey};
use sqlx::SqliteConnection;

use super::groups::{self, GroupRow};
use super::users::{self, UserRow};
use super::{json_list, rows};

/// One entry for each user asked for, in order.
pub(super) async fn members(
    connection: &mut SqliteConnection,
    key: &MembersKey,
) -> Result<Vec<Member>, sqlx::Error> {
    let group = group(connection, key).await?;
    let resolved = resolve(connection, key).await?;
    let asked = resolved.iter().map(|(id, _)| id.as_str());
    let recorded = recorded(connection, key, group.as_ref(), asked).await?;
    Ok(key
        .users
        .iter()
        .zip(resolved)
        .map(|(reference, (id, row))| {
            let membership = recorded.get(&id).map(|found| found.seen_with(row.as_ref()));
            member(reference.clone(), membership, row)
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
    let asked: BTreeSet<&str> = resolved.iter().map(|(id, _)| id.as_str()).collect();
    let recorded = recorded(connection, key, group.as_ref(), asked.iter().copied()).await?;
    let others = others(connection, key, group.as_ref(), &asked).await?;
    let other_ids: Vec<&str> = others.iter().map(|(id, _)| id.as_str()).collect();
    let other_users = users::by_stored_ids(connection, &key.account, &other_ids).await?;
    // A user who is asked for twice is added once.
    let mut seen = BTreeSet::new();
    let added = key
        .users
        .iter()
        .zip(&resolved)
        .filter(|(_, (id, _))| seen.insert(id.as_str()))
        .filter_map(|(reference, (id, row))| {
            let membership = recorded.get(id).map(|found| found.seen_with(row.as_ref()));
            (membership != Some(Membership::Confirmed))
                .then(|| member(reference.clone(), membership, row.clone()))
        })
        .collect();
    let removed = others
        .into_iter()
        .zip(other_users)
        .map(|((reference, membership), row)| {
            member(reference, Some(membership.seen_with(row.as_ref())), row)
        })
        .collect();
    Ok(Difference {
        added,
        removed,
        complete: group.is_some_and(|row| row.group.members_known),
    })
}

fn member(reference: String, membership: Option<Membership>, user: Option<UserRow>) -> Member {
    Member {
        reference,
        present: membership.is_some(),
        confirmed: membership == Some(Membership::Confirmed),
        doubtful: membership == Some(Membership::InDoubt),
        user: user.map(|row| row.user),
    }
}

async fn group(
    connection: &mut SqliteConnection,
    key: &MembersKey,
) -> Result<Option<GroupRow>, sqlx::Error> {
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
) -> Result<Vec<(String, Option<UserRow>)>, sqlx::Error> {
    let references: Vec<&str> = key.users.iter().map(String::as_str).collect();
    let rows = users::resolve(connection, &key.account, &references, key.names).await?;
    Ok(key
        .users
        .iter()
        .zip(rows)
        .map(|(reference, row)| match row {
            Some(row) => (row.stored_id.clone(), Some(row)),
            None => (reference.clone(), None),
        })
        .collect())
}

/// The key of the group's memberships: those of an unseen group may be recorded too.
fn stored_group<'a>(key: &'a MembersKey, group: Option<&'a GroupRow>) -> &'a str {
    group.map_or(key.group.as_str(), |row| row.stored_id.as_str())
}

/// How sure a recorded membership is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Membership {
    Confirmed,
    /// As sure as it gets: the write was done, and the answer told no members.
    Untold,
    InDoubt,
}

impl Membership {
    /// From the column `pending`. In a group that is perhaps deleted nobody is for certain, nor in a
    /// native one whose members an answer did not tell.
    fn of(pending: i64, group: Option<&GroupRow>) -> Self {
        let is_native = group.is_none_or(|row| row.group.managed_by.is_none());
        match pending {
            _ if group.is_some_and(|row| row.group.leaving) => Self::InDoubt,
            rows::CONFIRMED => Self::Confirmed,
            rows::UNTOLD if !is_native => Self::Untold,
            _ => Self::InDoubt,
        }
    }

    /// Who is perhaps deleted is in nothing for certain.
    fn seen_with(self, user: Option<&UserRow>) -> Self {
        match user.is_some_and(|row| row.user.leaving) {
            true => Self::InDoubt,
            false => self,
        }
    }
}

async fn recorded<'a>(
    connection: &mut SqliteConnection,
    key: &MembersKey,
    group: Option<&GroupRow>,
    users: impl IntoIterator<Item = &'a str>,
) -> Result<BTreeMap<String, Membership>, sqlx::Error> {
    const RECORDED: &str = "
        SELECT m.user_id, m.pending FROM json_each(?4) j CROSS JOIN members m
         WHERE m.account = ?1 AND m.scope = ?2 AND m.group_id = ?3 AND m.user_id = j.value";
    let rows: Vec<(String, i64)> = sqlx::query_as(RECORDED)
        .bind(&key.account)
        .bind(&key.scope)
        .bind(stored_group(key, group))
        .bind(json_list(users))
        .fetch_all(connection)
        .await?;
    Ok(rows
        .into_iter()
        .map(|(id, pending)| (id, Membership::of(pending, group)))
        .collect())
}

async fn others(
    connection: &mut SqliteConnection,
    key: &MembersKey,
    group: Option<&GroupRow>,
    asked: &BTreeSet<&str>,
) -> Result<Vec<(String, Membership)>, sqlx::Error> {
    const OTHERS: &str = "
        SELECT user_id, pending FROM members
         WHERE account = ?1 AND scope = ?2 AND group_id = ?3
           AND user_id NOT IN (SELECT value FROM json_each(?4))
         ORDER BY user_id";
    let rows: Vec<(String, i64)> = sqlx::query_as(OTHERS)
        .bind(&key.account)
        .bind(&key.scope)
        .bind(stored_group(key, group))
        .bind(json_list(asked.iter().copied()))
        .fetch_all(connection)
        .await?;
    Ok(rows
        .into_iter()
        .map(|(id, pending)| (id, Membership::of(pending, group)))
        .collect())
}
