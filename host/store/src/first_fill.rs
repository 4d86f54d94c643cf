//! Crawls of the backend, which add resources that are not recorded yet. Each transaction also
//! stores the crawl's progress, so that an interrupted crawl resumes where it stopped.
//!
//! A crawl never changes recorded resources, since the guard knows more about them.

use std::collections::BTreeSet;

use rusqlite::{Connection, params};
use scimguard_core::facts::{Group, GroupRowKey, MembershipRow, ResourceKind, RowId, User};
use scimguard_core::fold;
use scimguard_core::record::transition::{RowChange, Transition};
use scimguard_core::record::{IntentKey, Record, Settled};
use serde::{Deserialize, Serialize};

use super::unsettled::Unsettled;
use super::{Error, Store, from_millis, records, rows};
use crate::database::{Json, Statements as _, json_list};
use crate::now;

/// A crawl of an account: its purpose and its progress.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crawl {
    /// Its purpose.
    pub asked: Asked,
    /// The kind that it is reading: users first, since groups refer to them.
    pub kind: ResourceKind,
    /// `startIndex` of the first resource that is not recorded yet.
    pub next: u64,
    /// The group whose members are being recorded.
    pub open: Option<String>,
    /// The results so far.
    pub tally: Tally,
}

/// The purpose of a crawl. A crawl for the same purpose can resume another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// The owner of what is new; `None` is native.
    pub managed_by: Option<String>,
    /// A SCIM filter of what is imported.
    pub filter: Option<String>,
    /// The only kind that is imported; `None`: both.
    pub only: Option<ResourceKind>,
}

/// The results for the backend's resources.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Of users.
    pub users: Count,
    /// Of groups.
    pub groups: Count,
    /// Memberships that were added to the record.
    pub members: u64,
}

/// The results for resources of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// Added to the record.
    pub recorded: u64,
    /// Already on record, and left as they are.
    pub known: u64,
    /// Outcomes of creates that were unclear.
    pub settled: u64,
}

/// Whether a group's members are still to be recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Members {
    /// They are to be recorded.
    Wanted,
    /// They are on record already.
    Known,
}

impl Asked {
    /// Whether a crawl for this purpose reads everything.
    pub fn is_complete(&self) -> bool {
        self.filter.is_none() && self.only.is_none()
    }
}

impl Store {
    /// The unfinished crawl of this account.
    pub async fn crawl(&self, account: &str) -> Result<Option<Crawl>, Error> {
        const CRAWL: &str = "SELECT crawl FROM first_fills WHERE account = ?1";
        let text: Option<Option<String>> = self
            .database
            .read(|connection| connection.first(CRAWL, [account], |row| row.get(0)))?;
        // A crawl stored by another version that this one cannot read starts over.
        Ok(text
            .flatten()
            .and_then(|text| serde_json::from_str(&text).ok()))
    }

    /// Records the new users of one page, which starts at `crawl.next`.
    pub async fn add_users(
        &self,
        account: &str,
        users: &[User],
        crawl: Crawl,
    ) -> Result<Crawl, Error> {
        let (account, users) = (account.to_owned(), users.to_vec());
        self.database
            .write(users.len(), move |connection| {
                let mut crawl = crawl.clone();
                let mut unsettled = Unsettled::read(connection, &account, ResourceKind::User)?;
                let mut known = recorded(connection, &account, &users)?;
                let count = &mut crawl.tally.users;
                for user in &users {
                    let Some(id) = &user.id else { continue };
                    let names = [Some(fold(&user.user_name))];
                    if let Some(intent) = unsettled.take(&names, user.external_id.as_deref()) {
                        settle(connection, intent, id)?;
                        count.settled += 1;
                    } else if known.contains(id) {
                        count.known += 1;
                    } else {
                        let record = Record::User(user.clone());
                        records::apply(connection, [Transition::Record(&record)], now())?;
                        count.recorded += 1;
                    }
                    known.insert(id.clone());
                }
                crawl.next += number(users.len());
                note(connection, &account, &crawl)?;
                Ok(crawl)
            })
            .await
    }

    /// Whether all members of this group are on record.
    pub async fn knows_members(&self, group: &Group) -> Result<bool, Error> {
        let known = self
            .database
            .read(|connection| members_known(connection, group))?;
        Ok(known == Some(true))
    }

    /// Records the group at `crawl.next`, if it is new. Its members are recorded next, unless they
    /// are known.
    pub async fn add_group(&self, group: &Group, crawl: Crawl) -> Result<(Members, Crawl), Error> {
        let Some(id) = group.id.clone() else {
            return Ok((Members::Known, crawl));
        };
        let group = group.clone();
        self.database
            .write(1, move |connection| {
                let mut crawl = crawl.clone();
                let members = add_group(connection, &group, &id, &mut crawl)?;
                match members {
                    Members::Wanted => crawl.open = Some(id.clone()),
                    Members::Known => {
                        crawl.open = None;
                        crawl.next += 1;
                    }
                }
                note(connection, &group.account, &crawl)?;
                Ok((members, crawl))
            })
            .await
    }

    /// Records some members of the open group, if the group is still on record and its members are
    /// not known yet.
    pub async fn add_members(
        &self,
        group: &Group,
        users: &[String],
        crawl: Crawl,
    ) -> Result<Crawl, Error> {
        let (group, users) = (group.clone(), users.to_vec());
        self.database
            .write(users.len(), move |connection| {
                let mut crawl = crawl.clone();
                if let Some(id) = &group.id
                    && members_known(connection, &group)? == Some(false)
                {
                    let new = RowChange::PutMembers {
                        group: GroupRowKey::new(&group.account, &group.scope, RowId::known(id)),
                        users: &users,
                        row: MembershipRow::CONFIRMED,
                        replaced: &[],
                    };
                    crawl.tally.members += number(rows::keep(connection, new)?);
                }
                note(connection, &group.account, &crawl)?;
                Ok(crawl)
            })
            .await
    }

    /// Records that the open group is finished, and whether its members are now known.
    pub async fn close_group(
        &self,
        group: &Group,
        members: Members,
        mut crawl: Crawl,
    ) -> Result<Crawl, Error> {
        const CLOSE: &str = "
            UPDATE groups SET members_known = max(members_known, ?4)
             WHERE account = ?1 AND scope = ?2 AND id = ?3";
        let group = group.clone();
        crawl.open = None;
        crawl.next += 1;
        self.database
            .write(1, move |connection| {
                let known = members == Members::Known;
                connection.change(CLOSE, params![group.account, group.scope, group.id, known])?;
                note(connection, &group.account, &crawl)?;
                Ok(crawl.clone())
            })
            .await
    }

    /// Records the progress of a crawl.
    pub async fn note_crawl(&self, account: &str, crawl: &Crawl) -> Result<(), Error> {
        let (account, crawl) = (account.to_owned(), crawl.clone());
        self.database
            .write(1, move |connection| Ok(note(connection, &account, &crawl)?))
            .await
    }

    /// Records the end of the crawl, and of the initial import if the crawl was complete.
    pub async fn end_crawl(&self, account: &str, crawl: &Crawl, now: u64) -> Result<(), Error> {
        const END: &str = "
            UPDATE first_fills SET crawl = NULL, finished = coalesce(?2, finished)
             WHERE account = ?1";
        let account = account.to_owned();
        let finished = crawl.asked.is_complete().then_some(from_millis(now));
        self.database
            .write(1, move |connection| {
                connection.change(END, params![account, finished])?;
                Ok(())
            })
            .await
    }

    /// Whether an initial import of the account has finished.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn is_filled(&self, account: &str) -> Result<bool, Error> {
        const FILLED: &str = "
            SELECT EXISTS (SELECT 1 FROM first_fills
              WHERE account = ?1 AND finished IS NOT NULL)";
        let question = |connection: &Connection| connection.value(FILLED, [account]);
        Ok(self.database.read(question)?)
    }

    /// Accounts with tokens and without a finished initial import, at most `limit`.
    pub async fn unfilled_accounts(&self, limit: u32) -> Result<Vec<String>, Error> {
        const UNFILLED: &str = "
            SELECT DISTINCT account FROM tokens WHERE revoked = 0 AND account NOT IN
                (SELECT account FROM first_fills WHERE finished IS NOT NULL)
             ORDER BY account LIMIT ?1";
        let question =
            move |connection: &Connection| connection.all(UNFILLED, [limit], |row| row.get(0));
        Ok(self.database.read_large(question).await?)
    }
}

/// Records a group if it is new.
fn add_group(
    connection: &Connection,
    group: &Group,
    id: &str,
    crawl: &mut Crawl,
) -> Result<Members, Error> {
    let resumed = crawl.open.as_deref() == Some(id);
    let count = &mut crawl.tally.groups;
    if let Some(members_known) = members_known(connection, group)? {
        count.known += u64::from(!resumed);
        return Ok(match members_known {
            true => Members::Known,
            false => Members::Wanted,
        });
    }
    let mut unsettled = Unsettled::read(connection, &group.account, ResourceKind::Group)?;
    let names = [
        Some(fold(id)),
        group.derived_id.as_deref().map(fold),
        group.display_name.as_deref().map(fold),
    ];
    if let Some(intent) = unsettled.take(&names, group.external_id.as_deref()) {
        settle(connection, intent, id)?;
        count.settled += 1;
        // The intent has the members that the provider sent.
        return Ok(Members::Known);
    }
    let record = Record::Group(group.clone());
    records::apply(connection, [Transition::Record(&record)], now())?;
    count.recorded += 1;
    Ok(Members::Wanted)
}

/// `None`: the group is not on record.
fn members_known(connection: &Connection, group: &Group) -> rusqlite::Result<Option<bool>> {
    connection.first(
        "SELECT members_known FROM groups
          WHERE account = ?1 AND scope = ?2 AND id = ?3 AND intent = 0",
        params![group.account, group.scope, group.id],
        |row| row.get(0),
    )
}

fn recorded(
    connection: &Connection,
    account: &str,
    users: &[User],
) -> rusqlite::Result<BTreeSet<String>> {
    let ids = users.iter().filter_map(|user| user.id.as_deref());
    let known = connection.all(
        "SELECT u.id FROM json_each(?2) j CROSS JOIN users u
          WHERE u.account = ?1 AND u.id = j.value",
        params![account, json_list(ids)],
        |row| row.get(0),
    )?;
    Ok(known.into_iter().collect())
}

fn settle(connection: &Connection, intent: IntentKey, id: &str) -> Result<(), Error> {
    let id = id.to_owned();
    let settle = Record::Settle(Settled { intent, id });
    records::apply(connection, [Transition::Record(&settle)], now())
}

/// Records the progress of a crawl.
fn note(connection: &Connection, account: &str, crawl: &Crawl) -> rusqlite::Result<()> {
    connection.change(
        "INSERT INTO first_fills (account, crawl) VALUES (?1, ?2)
             ON CONFLICT (account) DO UPDATE SET crawl = excluded.crawl",
        params![account, Json(crawl)],
    )?;
    Ok(())
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
