//! What a crawl of the backend adds to the record: resources that nobody has recorded yet. Each
//! transaction also notes how far the crawl is, so that one that was killed goes on where it was.
//!
//! What is on record already is never changed: the guard has seen more of it than a crawl does.

use std::collections::BTreeSet;

use scimguard_core::facts::{Group, GroupRowKey, MembershipRow, ResourceKind, RowId, User};
use scimguard_core::fold;
use scimguard_core::record::transition::{RowChange, Transition};
use scimguard_core::record::{IntentKey, Record, Settled};
use serde::{Deserialize, Serialize};
use sqlx::SqliteConnection;

use super::unsettled::Unsettled;
use super::{Error, Store, from_millis, json_list, records, rows};
use crate::database::Transaction;

/// A crawl of an account: what it was asked for, and how far it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Crawl {
    pub(crate) asked: Asked,
    /// What is being read: users first, since groups name them.
    pub(crate) kind: ResourceKind,
    /// `startIndex` of the first one that is not recorded yet.
    pub(crate) next: u64,
    /// The group whose members are being recorded.
    pub(crate) open: Option<String>,
    pub(crate) tally: Tally,
}

/// Two crawls that were asked for the same can be one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Asked {
    /// Who owns what is new; `None` is native.
    pub(crate) managed_by: Option<String>,
    pub(crate) filter: Option<String>,
    pub(crate) only: Option<ResourceKind>,
}

/// What became of what the backend has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tally {
    pub(crate) users: Count,
    pub(crate) groups: Count,
    /// Memberships that are recorded now and were not before.
    pub(crate) members: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Count {
    /// New on record.
    pub(crate) recorded: u64,
    /// On record already, and left as it is.
    pub(crate) known: u64,
    /// The outcome of a create that was unclear.
    pub(crate) settled: u64,
}

/// Whether a group's members are still to be recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Members {
    Wanted,
    Known,
}

impl Asked {
    /// Whether such a crawl sees all that there is.
    pub(crate) fn is_complete(&self) -> bool {
        self.filter.is_none() && self.only.is_none()
    }
}

impl Store {
    /// The crawl of this account that has not ended.
    pub(crate) async fn crawl(&self, account: &str) -> Result<Option<Crawl>, Error> {
        let text: Option<Option<String>> =
            sqlx::query_scalar("SELECT crawl FROM first_fills WHERE account = ?1")
                .bind(account)
                .fetch_optional(&self.readers)
                .await?;
        // What an older version wrote and this one cannot read begins anew.
        Ok(text
            .flatten()
            .and_then(|text| serde_json::from_str(&text).ok()))
    }

    /// Records the users of one page that are new. They are `crawl.next` and those after it.
    pub(crate) async fn add_users(
        &self,
        account: &str,
        users: &[User],
        mut crawl: Crawl,
    ) -> Result<Crawl, Error> {
        let mut transaction = self.database.begin().await?;
        let connection = &mut *transaction;
        let mut unsettled = Unsettled::read(connection, account, ResourceKind::User).await?;
        let mut known = recorded(connection, account, users).await?;
        let count = &mut crawl.tally.users;
        for user in users {
            let Some(id) = &user.id else { continue };
            let names = [Some(fold(&user.user_name))];
            if let Some(intent) = unsettled.take(&names, user.external_id.as_deref()) {
                settle(connection, intent, id).await?;
                count.settled += 1;
            } else if known.contains(id) {
                count.known += 1;
            } else {
                let record = Record::User(user.clone());
                records::apply(connection, &Transition::Record(&record)).await?;
                count.recorded += 1;
            }
            known.insert(id.clone());
        }
        crawl.next += length(users);
        commit(transaction, account, &crawl).await?;
        Ok(crawl)
    }

    /// Whether all members of this group are on record.
    pub(crate) async fn knows_members(&self, group: &Group) -> Result<bool, Error> {
        let mut connection = self.readers.acquire().await?;
        let known = members_known(&mut connection, group).await?;
        Ok(known == Some(true))
    }

    /// Records a group, which is `crawl.next`, if it is new. Unless its members are known, those
    /// are next.
    pub(crate) async fn add_group(
        &self,
        group: &Group,
        mut crawl: Crawl,
    ) -> Result<(Members, Crawl), Error> {
        let Some(id) = &group.id else {
            return Ok((Members::Known, crawl));
        };
        let mut transaction = self.database.begin().await?;
        let connection = &mut *transaction;
        let members_known = members_known(connection, group).await?;
        let goes_on = crawl.open.as_ref() == Some(id);
        let count = &mut crawl.tally.groups;
        let members = match members_known {
            Some(members_known) => {
                count.known += u64::from(!goes_on);
                if members_known {
                    Members::Known
                } else {
                    Members::Wanted
                }
            }
            None => {
                let kind = ResourceKind::Group;
                let mut unsettled = Unsettled::read(connection, &group.account, kind).await?;
                let names = [
                    Some(fold(id)),
                    group.derived_id.as_deref().map(fold),
                    group.display_name.as_deref().map(fold),
                ];
                match unsettled.take(&names, group.external_id.as_deref()) {
                    Some(intent) => {
                        settle(connection, intent, id).await?;
                        count.settled += 1;
                        // A push that was unclear knows whom it sent.
                        Members::Known
                    }
                    None => {
                        let record = Record::Group(group.clone());
                        records::apply(connection, &Transition::Record(&record)).await?;
                        count.recorded += 1;
                        Members::Wanted
                    }
                }
            }
        };
        match members {
            Members::Wanted => crawl.open = Some(id.clone()),
            Members::Known => {
                crawl.open = None;
                crawl.next += 1;
            }
        }
        commit(transaction, &group.account, &crawl).await?;
        Ok((members, crawl))
    }

    /// Records some members of the group that is open, if it is still there and its members are not
    /// known yet.
    pub(crate) async fn add_members(
        &self,
        group: &Group,
        users: &[String],
        mut crawl: Crawl,
    ) -> Result<Crawl, Error> {
        let mut transaction = self.database.begin().await?;
        let connection = &mut *transaction;
        if let Some(id) = &group.id
            && members_known(connection, group).await? == Some(false)
        {
            let new = RowChange::PutMembers {
                group: GroupRowKey::new(&group.account, &group.scope, RowId::known(id)),
                users,
                row: MembershipRow::CONFIRMED,
                replaced: &[],
            };
            crawl.tally.members += rows::keep(connection, new).await?;
        }
        commit(transaction, &group.account, &crawl).await?;
        Ok(crawl)
    }

    /// Notes that the group that is open is done, and whether its members are known now.
    pub(crate) async fn close_group(
        &self,
        group: &Group,
        members: Members,
        mut crawl: Crawl,
    ) -> Result<Crawl, Error> {
        let mut transaction = self.database.begin().await?;
        sqlx::query(
            "UPDATE groups SET members_known = max(members_known, ?4)
              WHERE account = ?1 AND scope = ?2 AND id = ?3",
        )
        .bind(&group.account)
        .bind(&group.scope)
        .bind(&group.id)
        .bind(members == Members::Known)
        .execute(&mut *transaction)
        .await?;
        crawl.open = None;
        crawl.next += 1;
        commit(transaction, &group.account, &crawl).await?;
        Ok(crawl)
    }

    /// Notes that a crawl goes on with this.
    pub(crate) async fn note_crawl(&self, account: &str, crawl: &Crawl) -> Result<(), Error> {
        commit(self.database.begin().await?, account, crawl).await
    }

    /// Notes that the crawl has ended, and with it the first fill if it was a complete one.
    pub(crate) async fn end_crawl(
        &self,
        account: &str,
        crawl: &Crawl,
        now: u64,
    ) -> Result<(), Error> {
        self.database
            .execute(
                sqlx::query(
                    "UPDATE first_fills SET crawl = NULL, finished = coalesce(?2, finished)
              WHERE account = ?1",
                )
                .bind(account)
                .bind(crawl.asked.is_complete().then_some(from_millis(now))),
            )
            .await?;
        Ok(())
    }

    /// Whether all that the account had has been recorded once.
    ///
    /// # Errors
    /// If the database fails.
    pub(crate) async fn is_filled(&self, account: &str) -> Result<bool, Error> {
        Ok(sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM first_fills
              WHERE account = ?1 AND finished IS NOT NULL)",
        )
        .bind(account)
        .fetch_one(&self.readers)
        .await?)
    }

    /// Accounts with tokens of which that is not so, at most `limit`.
    pub(crate) async fn unfilled_accounts(&self, limit: u32) -> Result<Vec<String>, Error> {
        Ok(sqlx::query_scalar(
            "SELECT DISTINCT account FROM tokens WHERE revoked = 0 AND account NOT IN
                 (SELECT account FROM first_fills WHERE finished IS NOT NULL)
              ORDER BY account LIMIT ?1",
        )
        .bind(limit)
        .fetch_all(&self.readers)
        .await?)
    }
}

/// `None`: the group is not on record.
async fn members_known(
    connection: &mut SqliteConnection,
    group: &Group,
) -> Result<Option<bool>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT members_known FROM groups
          WHERE account = ?1 AND scope = ?2 AND id = ?3 AND intent = 0",
    )
    .bind(&group.account)
    .bind(&group.scope)
    .bind(&group.id)
    .fetch_optional(connection)
    .await
}

async fn recorded(
    connection: &mut SqliteConnection,
    account: &str,
    users: &[User],
) -> Result<BTreeSet<String>, sqlx::Error> {
    let ids = users.iter().filter_map(|user| user.id.as_deref());
    let known: Vec<String> = sqlx::query_scalar(
        "SELECT u.id FROM json_each(?2) j CROSS JOIN users u
          WHERE u.account = ?1 AND u.id = j.value",
    )
    .bind(account)
    .bind(json_list(ids))
    .fetch_all(connection)
    .await?;
    Ok(known.into_iter().collect())
}

async fn settle(
    connection: &mut SqliteConnection,
    intent: IntentKey,
    id: &str,
) -> Result<(), sqlx::Error> {
    let id = id.to_owned();
    let settle = Record::Settle(Settled { intent, id });
    records::apply(connection, &Transition::Record(&settle)).await
}

async fn commit(mut transaction: Transaction, account: &str, crawl: &Crawl) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO first_fills (account, crawl) VALUES (?1, ?2)
             ON CONFLICT (account) DO UPDATE SET crawl = excluded.crawl",
    )
    .bind(account)
    .bind(serde_json::json!(crawl).to_string())
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(())
}

fn length<T>(list: &[T]) -> u64 {
    u64::try_from(list.len()).unwrap_or(u64::MAX)
}
