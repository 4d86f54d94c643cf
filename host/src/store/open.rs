//! Open creates, changes and memberships, whose outcome the guard has not seen.

use std::collections::BTreeSet;

use rusqlite::{Connection, Row, params};
use scimguard_core::facts::{Answer, Group, GroupRow, Key, RowId, User, UserRow};
use scimguard_core::record::settlement::Step;
use scimguard_knowledge::{OpenIntent, OpenMembers};

use super::rows::{FromColumns as _, Stored, group_columns, user_columns};
use super::{Error, Store, from_millis, kind_of, records};
use crate::database::Statements as _;

/// Most rows of a kind that are settled at a time.
const BATCH: i64 = 500;

impl scimguard_knowledge::Store for Store {
    type Error = Error;

    async fn answer(&self, keys: &[Key]) -> Result<Vec<Answer>, Error> {
        Self::answer(self, keys).await
    }

    async fn apply(&self, steps: Vec<Step>) -> Result<(), Error> {
        self.database
            .write(steps.len(), move |connection| {
                records::apply(connection, steps.iter().map(Step::transition))
            })
            .await
    }

    async fn open_intents(&self, only: Option<(&str, &str)>) -> Result<Vec<OpenIntent>, Error> {
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
        let (account, key) = only.unzip();
        let account = account.map(str::to_owned);
        let id = key.map(|key: &str| RowId::Intent(key.to_owned()).text().into_owned());
        let question = move |connection: &Connection| {
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
        };
        Ok(self.database.read_large(question).await?)
    }

    async fn open_users(
        &self,
        before: u64,
        only: Option<(&str, &str)>,
    ) -> Result<Vec<User>, Error> {
        const USERS: &str = concat!(
            "SELECT ",
            user_columns!("0"),
            " FROM users u
              WHERE pending = 1 AND intent = 0 AND coalesce(opened, 0) <= ?1
                AND (?3 IS NULL OR (account = ?3 AND id = ?4))
              ORDER BY opened LIMIT ?2"
        );
        let user = |row: &Row<'_>| Ok(Stored::<UserRow>::of(row)?.row.user);
        self.open_rows(USERS, before, only, user).await
    }

    async fn open_groups(
        &self,
        before: u64,
        only: Option<(&str, &str)>,
    ) -> Result<Vec<Group>, Error> {
        const GROUPS: &str = concat!(
            "SELECT ",
            group_columns!(),
            " FROM groups g
              WHERE pending = 1 AND intent = 0 AND scope = '' AND coalesce(opened, 0) <= ?1
                AND (?3 IS NULL OR (account = ?3 AND id = ?4))
              ORDER BY opened LIMIT ?2"
        );
        let group = |row: &Row<'_>| Ok(Stored::<GroupRow>::of(row)?.row.group);
        self.open_rows(GROUPS, before, only, group).await
    }

    async fn open_members(&self, before: u64) -> Result<Vec<OpenMembers>, Error> {
        const MEMBERS: &str = "
            SELECT DISTINCT account, group_id FROM members
             WHERE pending <> 0 AND scope = '' AND coalesce(opened, 0) <= ?1
               AND substr(group_id, 1, 1) <> ?3
             LIMIT ?2";
        let question = move |connection: &Connection| {
            let intents = RowId::Intent(String::new());
            let parameters = params![from_millis(before), BATCH, intents.text()];
            connection.all(MEMBERS, parameters, |row| {
                Ok(OpenMembers {
                    account: row.get(0)?,
                    group_id: row.get(1)?,
                })
            })
        };
        Ok(self.database.read_large(question).await?)
    }

    async fn open_members_of(
        &self,
        group: &OpenMembers,
        before: u64,
    ) -> Result<BTreeSet<String>, Error> {
        const MEMBERS: &str = "
            SELECT user_id FROM members
             WHERE account = ?1 AND scope = '' AND group_id = ?2 AND pending <> 0
               AND coalesce(opened, 0) <= ?3";
        let group = group.clone();
        let question = move |connection: &Connection| {
            let parameters = params![group.account, group.group_id, from_millis(before)];
            connection.all(MEMBERS, parameters, |row| row.get(0))
        };
        let users = self.database.read_large(question).await?;
        Ok(users.into_iter().collect())
    }

    async fn recorded_group(&self, account: &str, id: &str) -> Result<Option<Group>, Error> {
        const GROUP: &str = concat!(
            "SELECT ",
            group_columns!(),
            " FROM groups g WHERE account = ?1 AND scope = '' AND id = ?2 AND intent = 0"
        );
        let found = self
            .database
            .read(|connection| connection.first(GROUP, [account, id], Stored::<GroupRow>::of))?;
        Ok(found.map(|found| found.row.group))
    }
}

impl Store {
    async fn open_rows<T: Send + 'static>(
        &self,
        sql: &'static str,
        before: u64,
        only: Option<(&str, &str)>,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<Vec<T>, Error> {
        let (account, id) = only
            .map(|(account, id)| (account.to_owned(), id.to_owned()))
            .unzip();
        let question = move |connection: &Connection| {
            connection.all(sql, params![from_millis(before), BATCH, account, id], read)
        };
        Ok(self.database.read_large(question).await?)
    }
}
