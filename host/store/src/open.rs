//! Open creates, changes and memberships: their outcome is unknown.

use std::collections::BTreeSet;

use rusqlite::{Connection, params};
use scimguard_core::facts::{Answer, Group, GroupRow, Key, RowId, User, UserRow};
use scimguard_core::record::settlement::Step;
use scimguard_knowledge::{OpenIntent, OpenMembers};

use super::rows::{FromColumns as _, Stored, group_columns, user_columns};
use super::{Error, Store, from_millis, kind_of, records};
use crate::database::Statements as _;
use crate::now;

/// The most rows of one kind that are settled at a time.
const BATCH: i64 = 500;

impl scimguard_knowledge::Store for Store {
    type Error = Error;

    async fn answer(&self, keys: &[Key]) -> Result<Vec<Answer>, Error> {
        Self::answer(self, keys).await
    }

    async fn apply(&self, steps: Vec<Step>) -> Result<(), Error> {
        self.database
            .write(steps.len(), move |connection| {
                records::apply(connection, steps.iter().map(Step::transition), now())
            })
            .await
    }

    async fn open_intents(&self, only: Option<(&str, &str)>) -> Result<Vec<OpenIntent>, Error> {
        let only = owned(only);
        let question = move |connection: &Connection| open_intents(connection, only.as_ref());
        Ok(self.database.read_large(question).await?)
    }

    async fn open_users(
        &self,
        before: u64,
        only: Option<(&str, &str)>,
    ) -> Result<Vec<User>, Error> {
        let only = owned(only);
        let question = move |connection: &Connection| open_users(connection, before, only.as_ref());
        Ok(self.database.read_large(question).await?)
    }

    async fn open_groups(
        &self,
        before: u64,
        only: Option<(&str, &str)>,
    ) -> Result<Vec<Group>, Error> {
        let only = owned(only);
        let question =
            move |connection: &Connection| open_groups(connection, before, only.as_ref());
        Ok(self.database.read_large(question).await?)
    }

    async fn open_members(&self, before: u64) -> Result<Vec<OpenMembers>, Error> {
        let question = move |connection: &Connection| open_members(connection, before);
        Ok(self.database.read_large(question).await?)
    }

    async fn open_members_of(
        &self,
        group: &OpenMembers,
        before: u64,
    ) -> Result<BTreeSet<String>, Error> {
        let group = group.clone();
        let question = move |connection: &Connection| open_members_of(connection, &group, before);
        Ok(self.database.read_large(question).await?)
    }

    async fn recorded_group(&self, account: &str, id: &str) -> Result<Option<Group>, Error> {
        let question = |connection: &Connection| recorded_group(connection, account, id);
        Ok(self.database.read(question)?)
    }
}

/// An account and a key or id.
pub type Only = (String, String);

fn owned(only: Option<(&str, &str)>) -> Option<Only> {
    only.map(|(account, id)| (account.to_owned(), id.to_owned()))
}

pub(crate) fn open_intents(
    connection: &Connection,
    only: Option<&Only>,
) -> rusqlite::Result<Vec<OpenIntent>> {
    const INTENTS: &str = "
        SELECT 0, account, id, user_name, NULL, 0, external_id, coalesce(opened, since, 0)
          FROM users
         WHERE intent = 1 AND (?2 IS NULL OR (account = ?2 AND id = ?3))
        UNION ALL
        SELECT 1, account, id, coalesce(display_name, ''), derived_id,
               taken OR EXISTS (SELECT 1 FROM groups g
                 WHERE g.account = i.account AND g.scope = '' AND g.id = i.derived_id),
               external_id, coalesce(opened, since, 0)
          FROM groups i
         WHERE intent = 1 AND scope = ''
           AND (?2 IS NULL OR (account = ?2 AND id = ?3))
        ORDER BY 8 LIMIT ?1";
    let (account, key) = only.map(|(account, key)| (account, key)).unzip();
    let id = key.map(|key| RowId::Intent(key.clone()).text().into_owned());
    connection.all(INTENTS, params![BATCH, account, id], |row| {
        let (RowId::Intent(key) | RowId::Known(key)) = RowId::from_text(row.get(2)?);
        Ok(OpenIntent {
            kind: kind_of(row.get(0)?),
            account: row.get(1)?,
            key,
            name: row.get(3)?,
            derived_id: row.get(4)?,
            taken: row.get(5)?,
            external_id: row.get(6)?,
            opened: row.get(7)?,
        })
    })
}

/// Whether the outcome of a create in this account is unknown.
pub(crate) fn has_intents(connection: &Connection, account: &str) -> rusqlite::Result<bool> {
    const ANY: &str = "
        SELECT EXISTS (SELECT 1 FROM users WHERE account = ?1 AND intent = 1)
            OR EXISTS (SELECT 1 FROM groups WHERE account = ?1 AND intent = 1)";
    connection.value(ANY, [account])
}

pub(crate) fn open_users(
    connection: &Connection,
    before: u64,
    only: Option<&Only>,
) -> rusqlite::Result<Vec<User>> {
    const USERS: &str = concat!(
        "SELECT ",
        user_columns!("0"),
        " FROM users u
          WHERE pending = 1 AND intent = 0 AND coalesce(opened, 0) <= ?1
            AND (?3 IS NULL OR (account = ?3 AND id = ?4))
          ORDER BY opened LIMIT ?2"
    );
    let (account, id) = only.map(|(account, id)| (account, id)).unzip();
    let parameters = params![from_millis(before), BATCH, account, id];
    connection.all(USERS, parameters, |row| {
        Ok(Stored::<UserRow>::of(row)?.row.user)
    })
}

pub(crate) fn open_groups(
    connection: &Connection,
    before: u64,
    only: Option<&Only>,
) -> rusqlite::Result<Vec<Group>> {
    const GROUPS: &str = concat!(
        "SELECT ",
        group_columns!(),
        " FROM groups g
          WHERE pending = 1 AND intent = 0 AND scope = '' AND coalesce(opened, 0) <= ?1
            AND (?3 IS NULL OR (account = ?3 AND id = ?4))
          ORDER BY opened LIMIT ?2"
    );
    let (account, id) = only.map(|(account, id)| (account, id)).unzip();
    let parameters = params![from_millis(before), BATCH, account, id];
    connection.all(GROUPS, parameters, |row| {
        Ok(Stored::<GroupRow>::of(row)?.row.group)
    })
}

pub(crate) fn open_members(
    connection: &Connection,
    before: u64,
) -> rusqlite::Result<Vec<OpenMembers>> {
    const MEMBERS: &str = "
        SELECT DISTINCT account, group_id FROM members
         WHERE pending <> 0 AND scope = '' AND coalesce(opened, 0) <= ?1
           AND substr(group_id, 1, 1) <> ?3
         LIMIT ?2";
    let intents = RowId::Intent(String::new());
    let parameters = params![from_millis(before), BATCH, intents.text()];
    connection.all(MEMBERS, parameters, |row| {
        Ok(OpenMembers {
            account: row.get(0)?,
            group_id: row.get(1)?,
        })
    })
}

pub(crate) fn open_members_of(
    connection: &Connection,
    group: &OpenMembers,
    before: u64,
) -> rusqlite::Result<BTreeSet<String>> {
    const MEMBERS: &str = "
        SELECT user_id FROM members
         WHERE account = ?1 AND scope = '' AND group_id = ?2 AND pending <> 0
           AND coalesce(opened, 0) <= ?3";
    let parameters = params![group.account, group.group_id, from_millis(before)];
    let users: Vec<String> = connection.all(MEMBERS, parameters, |row| row.get(0))?;
    Ok(users.into_iter().collect())
}

pub(crate) fn recorded_group(
    connection: &Connection,
    account: &str,
    id: &str,
) -> rusqlite::Result<Option<Group>> {
    const GROUP: &str = concat!(
        "SELECT ",
        group_columns!(),
        " FROM groups g WHERE account = ?1 AND scope = '' AND id = ?2 AND intent = 0"
    );
    let found = connection.first(GROUP, [account, id], Stored::<GroupRow>::of)?;
    Ok(found.map(|found| found.row.group))
}
