//! What is open: creates, changes and memberships whose outcome nobody has seen. And how it is
//! settled by what the backend says.

use std::collections::BTreeSet;

use scimguard_core::facts::{
    Group, GroupRow, GroupRowKey, MembershipKey, ResourceKind, RowId, User, UserRow,
};
use scimguard_core::record::transition::{Presence, Transition};
use scimguard_core::record::{IntentKey, Record, Settled};
use sqlx::FromRow;

use super::rows::Stored;
use super::{Error, Store, from_millis};

/// A create that is not settled.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OpenIntent {
    /// What is created.
    pub kind: ResourceKind,
    /// The account.
    pub account: String,
    /// As in the intent.
    pub key: String,
    /// The user name, or the group's name.
    pub name: String,
    /// The id that a group's name gives, where ids are derived.
    pub derived_id: Option<String>,
    /// A group has that id already, or may have it by an earlier attempt: this one may have another.
    pub taken: bool,
    /// The provider's id.
    pub external_id: Option<String>,
    /// Milliseconds since 1970.
    pub opened: i64,
}

/// A group with memberships that are not settled.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, FromRow)]
pub struct OpenMembers {
    /// The account.
    pub account: String,
    /// The group's id.
    pub group_id: String,
}

/// How many of a kind are settled in one go.
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
        type Row = (
            i64,
            String,
            String,
            String,
            Option<String>,
            bool,
            Option<String>,
            i64,
        );
        let intent = only.map(|(_, key)| RowId::Intent(key.to_owned()));
        let rows: Vec<Row> = sqlx::query_as(INTENTS)
            .bind(BATCH)
            .bind(only.map(|(account, _)| account))
            .bind(intent.as_ref().map(RowId::text))
            .fetch_all(&self.readers)
            .await?;
        let intents = rows.into_iter().map(|row| {
            let (kind, account, id, name, derived_id, taken, external_id, opened) = row;
            let (RowId::Intent(key) | RowId::Known(key)) = RowId::from_text(id);
            OpenIntent {
                kind: match kind {
                    0 => ResourceKind::User,
                    _ => ResourceKind::Group,
                },
                account,
                key,
                name,
                derived_id,
                taken,
                external_id,
                opened,
            }
        });
        Ok(intents.collect())
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
        const USERS: &str = "
            SELECT *, 0 AS in_managed_group FROM users
             WHERE pending = 1 AND intent = 0 AND coalesce(opened, 0) <= ?1
               AND (?3 IS NULL OR (account = ?3 AND id = ?4))
             ORDER BY opened LIMIT ?2";
        let rows: Vec<Stored<UserRow>> = sqlx::query_as(USERS)
            .bind(from_millis(before))
            .bind(BATCH)
            .bind(only.map(|(account, _)| account))
            .bind(only.map(|(_, id)| id))
            .fetch_all(&self.readers)
            .await?;
        Ok(rows.into_iter().map(|found| found.row.user).collect())
    }

    /// Groups with an open change that was begun before a time, the oldest first; or the one of this
    /// account and id. Providers write
    /// only to groups of the account itself.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn open_groups(
        &self,
        before: u64,
        only: Option<(&str, &str)>,
    ) -> Result<Vec<Group>, Error> {
        const GROUPS: &str = "
            SELECT * FROM groups
             WHERE pending = 1 AND intent = 0 AND scope = '' AND coalesce(opened, 0) <= ?1
               AND (?3 IS NULL OR (account = ?3 AND id = ?4))
             ORDER BY opened LIMIT ?2";
        let rows: Vec<Stored<GroupRow>> = sqlx::query_as(GROUPS)
            .bind(from_millis(before))
            .bind(BATCH)
            .bind(only.map(|(account, _)| account))
            .bind(only.map(|(_, id)| id))
            .fetch_all(&self.readers)
            .await?;
        Ok(rows.into_iter().map(|found| found.row.group).collect())
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
        let intents = RowId::Intent(String::new());
        Ok(sqlx::query_as(MEMBERS)
            .bind(from_millis(before))
            .bind(BATCH)
            .bind(intents.text())
            .fetch_all(&self.readers)
            .await?)
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
        let users: Vec<String> = sqlx::query_scalar(
            "SELECT user_id FROM members
              WHERE account = ?1 AND scope = '' AND group_id = ?2 AND pending <> 0
                AND coalesce(opened, 0) <= ?3",
        )
        .bind(&group.account)
        .bind(&group.group_id)
        .bind(from_millis(before))
        .fetch_all(&self.readers)
        .await?;
        Ok(users.into_iter().collect())
    }

    /// The group of exactly this id in the account itself, whatever is being created in its place.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn recorded_group(&self, account: &str, id: &str) -> Result<Option<Group>, Error> {
        let found: Option<Stored<GroupRow>> = sqlx::query_as(
            "SELECT * FROM groups WHERE account = ?1 AND scope = '' AND id = ?2 AND intent = 0",
        )
        .bind(account)
        .bind(id)
        .fetch_optional(&self.readers)
        .await?;
        Ok(found.map(|found| found.row.group))
    }

    /// A create is settled by a resource of its name. What else the resource has stays open, and is
    /// asked for by its id.
    ///
    /// # Errors
    /// If the database fails; nothing is settled then.
    pub async fn settle_by_name(&self, intent: IntentKey, id: String) -> Result<(), Error> {
        let settle = Record::Settle(Settled {
            intent: intent.clone(),
            id: id.clone(),
        });
        self.transact(&[
            Transition::Record(&settle),
            Transition::Reopen(intent.kind, &intent.account, &id),
        ])
        .await
    }

    /// A create is over, all attempts of it: it made the resource of this id, or nothing.
    ///
    /// # Errors
    /// If the database fails; nothing is settled then.
    pub async fn settle_at_last(&self, intent: IntentKey, id: Option<&str>) -> Result<(), Error> {
        let conclude = Transition::Conclude(&intent, id);
        match id {
            Some(id) => {
                let reopen = Transition::Reopen(intent.kind, &intent.account, id);
                self.transact(&[conclude, reopen]).await
            }
            None => self.transact(&[conclude]).await,
        }
    }

    /// A group whose deletion nobody answered is there. It may be another one of the same id, so that
    /// its members are open now.
    ///
    /// # Errors
    /// If the database fails; nothing is settled then.
    pub async fn settle_deletion(&self, group: Group) -> Result<(), Error> {
        let id = RowId::Known(group.id.clone().unwrap_or_default());
        let doubt = Transition::DoubtMembers(GroupRowKey::new(&group.account, &group.scope, id));
        let record = Record::Group(group);
        self.transact(&[Transition::Record(&record), doubt]).await
    }

    /// Settles open memberships by what the backend says. A change that it did not do is kept to be
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
        let steps: Vec<Transition<'_>> = found
            .iter()
            .map(|(key, found)| Transition::SettleMember(key, *found))
            .collect();
        self.transact(&steps).await
    }
}
