//! Open creates, changes and memberships, whose outcome the guard has not seen, and how the backend's
//! answers settle them.

use std::collections::BTreeSet;

use rusqlite::{Connection, Row, params};
use scimguard_core::facts::{
    Group, GroupRow, GroupRowKey, MembershipKey, ResourceKind, RowId, User, UserRow,
};
use scimguard_core::record::transition::{Presence, Transition};
use scimguard_core::record::{IntentKey, Record, Settled};

use super::rows::{FromColumns as _, Stored, group_columns, user_columns};
use super::{Error, Store, from_millis, kind_of, records};
use crate::database::Statements as _;

/// A create that is not settled.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OpenIntent {
    /// What is created.
    pub kind: ResourceKind,
    /// The account.
    pub account: String,
    /// The key of the intent.
    pub key: String,
    /// The user name, or the group's name.
    pub name: String,
    /// The id that a group's name gives, where ids are derived.
    pub derived_id: Option<String>,
    /// A group has that id already, or may have it from an earlier attempt, so that this create may get
    /// another.
    pub taken: bool,
    /// The provider's id.
    pub external_id: Option<String>,
    /// Milliseconds since 1970.
    pub opened: i64,
}

/// A group with memberships that are not settled.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OpenMembers {
    /// The account.
    pub account: String,
    /// The group's id.
    pub group_id: String,
}

/// Most rows of a kind that are settled at a time.
const BATCH: i64 = 500;

impl Store {
    /// Creates that are not settled, the oldest first; or the one of this account and key.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn open_intents(&self, only: Option<(&str, &str)>) -> Result<Vec<OpenIntent>, Error> {
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

    /// Users with an open change that was begun before a time, the oldest first; or the one of this
    /// account and id.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn open_users(
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

    /// Groups with an open change that was begun before a time, the oldest first; or the one of this
    /// account and id. Providers write only to groups of the account itself.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn open_groups(
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

    /// Groups with open memberships that were begun before a time.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn open_members(&self, before: u64) -> Result<Vec<OpenMembers>, Error> {
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

    /// The open members of a group that were begun before a time.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn open_members_of(
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

    /// The group of exactly this id in the account itself, even if another is being created in its place.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn recorded_group(&self, account: &str, id: &str) -> Result<Option<Group>, Error> {
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

    /// A resource of its name settles a create. The resource's other fields stay open: the backend is
    /// asked for them by its id.
    ///
    /// # Errors
    /// If the database fails; nothing is settled then.
    pub async fn settle_by_name(&self, intent: IntentKey, id: String) -> Result<(), Error> {
        let settle = Record::Settle(Settled {
            intent: intent.clone(),
            id: id.clone(),
        });
        self.database
            .write(2, move |connection| {
                let reopen = Transition::Reopen(intent.kind, &intent.account, &id);
                records::apply(connection, [Transition::Record(&settle), reopen])
            })
            .await
    }

    /// All attempts of a create are over: they created the resource of this id, or nothing.
    ///
    /// # Errors
    /// If the database fails; nothing is settled then.
    pub async fn settle_at_last(&self, intent: IntentKey, id: Option<&str>) -> Result<(), Error> {
        let id = id.map(str::to_owned);
        self.database
            .write(2, move |connection| {
                let id = id.as_deref();
                let reopen = id.map(|id| Transition::Reopen(intent.kind, &intent.account, id));
                let conclude = [Transition::Conclude(&intent, id)];
                records::apply(connection, conclude.into_iter().chain(reopen))
            })
            .await
    }

    /// A group still exists although its deletion was sent and not answered. It may be a new group of
    /// the same id, so that its members are open now.
    ///
    /// # Errors
    /// If the database fails; nothing is settled then.
    pub async fn settle_deletion(&self, group: Group) -> Result<(), Error> {
        let id = RowId::Known(group.id.clone().unwrap_or_default());
        let key = GroupRowKey::new(&group.account, &group.scope, id);
        let record = Record::Group(group);
        self.database
            .write(2, move |connection| {
                let doubt = Transition::DoubtMembers(key.clone());
                records::apply(connection, [Transition::Record(&record), doubt])
            })
            .await
    }

    /// Settles open memberships by the backend's answer. A change that it did not make is kept to be
    /// repeated.
    ///
    /// # Errors
    /// If the database fails; nothing is settled then.
    pub async fn settle_members(
        &self,
        group: &OpenMembers,
        members: &BTreeSet<String>,
        others: &BTreeSet<String>,
    ) -> Result<(), Error> {
        let group = GroupRowKey::new(&group.account, "", RowId::known(&group.group_id));
        let key = |user: &String| MembershipKey::of(&group, user);
        let members = members.iter().map(|user| (key(user), Presence::In));
        let others = others.iter().map(|user| (key(user), Presence::Out));
        let found: Vec<(MembershipKey, Presence)> = members.chain(others).collect();
        self.database
            .write(found.len(), move |connection| {
                let steps = found.iter();
                let steps = steps.map(|(key, found)| Transition::SettleMember(key, *found));
                records::apply(connection, steps)
            })
            .await
    }
}
