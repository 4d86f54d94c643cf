//! Reports and corrections of ownership.

use rusqlite::{Connection, Row, params};
use scimguard_core::facts::{
    Answer, Group, Key, Membership, Origin, ResourceKind, RowId, Unseen, User, UserKey,
};
use scimguard_core::record::Record;
use scimguard_core::record::transition::Transition;
use serde::Serialize;

use super::retries::RetryRow;
use super::rows::Pending;
use super::{Error, Store, from_millis, groups, records, users};
use crate::database::{Columns, Statements as _};
use crate::now;

/// A membership of a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MembershipRow {
    /// The group's scope.
    pub scope: String,
    /// The group's id.
    pub group: String,
    /// The group's name, if it is on record.
    pub display_name: Option<String>,
    /// The provider that pushed the group.
    pub managed_by: Option<String>,
    /// `confirmed`, or `joining` or `leaving` while a change is open.
    pub state: &'static str,
}

/// A correction of the record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CorrectionRow {
    /// Milliseconds since 1970.
    pub at: i64,
    /// Its owner before; `None`: nobody.
    pub before: Option<String>,
    /// Its owner afterwards; `None`: nobody.
    pub after: Option<String>,
    /// The reason.
    pub reason: String,
}

/// Counts of an account's record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Users owned by a provider.
    pub managed_users: i64,
    /// Users without an owner.
    pub native_users: i64,
    /// Groups owned by a provider.
    pub managed_groups: i64,
    /// Groups without an owner.
    pub native_groups: i64,
    /// Users and groups with an open change or create.
    pub open: i64,
    /// Memberships with an open change.
    pub open_memberships: i64,
    /// Membership changes to be repeated.
    pub retries: i64,
}

/// Counts of a group's recorded members.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct MemberCounts {
    /// Certain members.
    pub confirmed: i64,
    /// Users being added.
    pub joining: i64,
    /// Members being removed.
    pub leaving: i64,
}

impl Store {
    /// The user with this id or name.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn user(&self, account: &str, reference: &str) -> Result<Option<User>, Error> {
        let key = |value: &str| UserKey {
            account: account.to_owned(),
            value: value.to_owned(),
            unseen: Unseen::Absent,
        };
        let keys = [Key::User(key(reference)), Key::UserByName(key(reference))];
        let answers = self.answer(&keys).await?;
        Ok(answers.into_iter().find_map(|answer| match answer {
            Answer::User(user) => Some(user),
            _ => None,
        }))
    }

    /// The group with this id.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn group(
        &self,
        account: &str,
        scope: &str,
        id: &str,
    ) -> Result<Option<Group>, Error> {
        let mut found = self
            .database
            .read(|connection| groups::resolve(connection, account, scope, &[id]))?;
        Ok(found.pop().flatten().map(|found| found.row.seen()))
    }

    /// The groups of a user, with the state of each membership.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn memberships(&self, user: &User) -> Result<Vec<MembershipRow>, Error> {
        const MEMBERSHIPS: &str = "
            SELECT m.scope, m.group_id, g.display_name, g.managed_by, m.pending
              FROM members m
              LEFT JOIN groups g
                ON g.account = m.account AND g.scope = m.scope AND g.id = m.group_id
             WHERE m.account = ?1 AND m.user_id = ?2
             ORDER BY m.scope, m.group_id";
        let account = user.account.clone();
        let reference = user.id.as_ref().unwrap_or(&user.user_name).clone();
        let question = move |connection: &Connection| {
            let mut found = users::resolve(connection, &account, &[&reference], true)?;
            let stored = found.pop().flatten().map(|found| found.id);
            let id = stored.as_ref().map(RowId::text);
            connection.all(MEMBERSHIPS, params![account, id], membership)
        };
        Ok(self.database.read_large(question).await?)
    }

    /// The number of members of a group.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn member_counts(&self, group: &Group) -> Result<MemberCounts, Error> {
        const COUNTS: &str = "
            SELECT pending, count(*) FROM members
             WHERE account = ?1 AND scope = ?2 AND group_id = ?3 GROUP BY pending";
        let (account, scope, id) = (group.account.clone(), group.scope.clone(), group.id.clone());
        let question = move |connection: &Connection| {
            connection.all(COUNTS, params![account, scope, id], |row| {
                Ok((row.get(0)?, row.get::<_, i64>(1)?))
            })
        };
        let mut counts = MemberCounts::default();
        for (Pending(membership), count) in self.database.read_large(question).await? {
            *match membership {
                Membership::Confirmed => &mut counts.confirmed,
                Membership::Adding | Membership::Unconfirmed => &mut counts.joining,
                Membership::Removing => &mut counts.leaving,
            } += count;
        }
        Ok(counts)
    }

    /// Counts the record of an account.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn counts(&self, account: &str) -> Result<Counts, Error> {
        const COUNTS: &str = "
            SELECT
              (SELECT count(*) FROM users WHERE account = ?1 AND managed_by IS NOT NULL),
              (SELECT count(*) FROM users WHERE account = ?1 AND managed_by IS NULL),
              (SELECT count(*) FROM groups WHERE account = ?1 AND managed_by IS NOT NULL),
              (SELECT count(*) FROM groups WHERE account = ?1 AND managed_by IS NULL),
              (SELECT count(*) FROM users WHERE account = ?1 AND pending = 1)
                + (SELECT count(*) FROM groups WHERE account = ?1 AND pending = 1),
              (SELECT count(*) FROM members WHERE account = ?1 AND pending <> 0),
              (SELECT count(*) FROM retries WHERE account = ?1)";
        let account = account.to_owned();
        let question = move |connection: &Connection| {
            connection.one(COUNTS, [account], |row| {
                let mut columns = Columns::of(row);
                Ok(Counts {
                    managed_users: columns.next()?,
                    native_users: columns.next()?,
                    managed_groups: columns.next()?,
                    native_groups: columns.next()?,
                    open: columns.next()?,
                    open_memberships: columns.next()?,
                    retries: columns.next()?,
                })
            })
        };
        Ok(self.database.read_large(question).await?)
    }

    /// Whether an account has anything on record: a user, group, token, principal or import.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn has_account(&self, account: &str) -> Result<bool, Error> {
        const ANYTHING: &str = "
            SELECT EXISTS (SELECT 1 FROM users WHERE account = ?1)
                OR EXISTS (SELECT 1 FROM groups WHERE account = ?1)
                OR EXISTS (SELECT 1 FROM tokens WHERE account = ?1)
                OR EXISTS (SELECT 1 FROM principals WHERE account = ?1)
                OR EXISTS (SELECT 1 FROM first_fills WHERE account = ?1)";
        let question = |connection: &Connection| connection.value(ANYTHING, [account]);
        Ok(self.database.read(question)?)
    }

    /// The corrections of a user or group, oldest first.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn corrections(
        &self,
        kind: ResourceKind,
        account: &str,
        scope: &str,
        id: &str,
    ) -> Result<Vec<CorrectionRow>, Error> {
        const CORRECTIONS: &str = "
            SELECT at, before, after, reason FROM corrections
             WHERE account = ?1 AND kind = ?2 AND scope = ?3 AND id = ?4 ORDER BY at, rowid";
        Ok(self.database.read(|connection| {
            let parameters = [account, kind_name(kind), scope, id];
            connection.all(CORRECTIONS, parameters, |row| {
                Ok(CorrectionRow {
                    at: row.get(0)?,
                    before: row.get(1)?,
                    after: row.get(2)?,
                    reason: row.get(3)?,
                })
            })
        })?)
    }

    /// The membership changes of an account, a user or a group that are to be repeated, the oldest
    /// first.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn retries(
        &self,
        account: Option<&str>,
        user: Option<&str>,
        group: Option<(&str, &str)>,
    ) -> Result<Vec<RetryRow>, Error> {
        const RETRIES: &str = "
            SELECT * FROM retries
             WHERE (?1 IS NULL OR account = ?1) AND (?2 IS NULL OR user_id = ?2)
               AND (?4 IS NULL OR (scope = ?3 AND group_id = ?4))
             ORDER BY first_seen, account, scope, group_id, user_id";
        let (account, user) = (account.map(str::to_owned), user.map(str::to_owned));
        let group = group.map(|(scope, id)| (scope.to_owned(), id.to_owned()));
        let question = move |connection: &Connection| {
            let (scope, id) = group.unzip();
            connection.all(RETRIES, params![account, user, scope, id], RetryRow::of)
        };
        Ok(self.database.read_large(question).await?)
    }

    /// Corrects the owner of a user and records the reason.
    ///
    /// # Errors
    /// If the database fails, or the user has no id yet.
    pub async fn correct_user(
        &self,
        user: User,
        owner: Option<&str>,
        reason: &str,
        at: u64,
    ) -> Result<(), Error> {
        let before = user.managed_by.clone();
        let corrected = User {
            managed_by: owner.map(str::to_owned),
            since: Some(at),
            origin: Some(Origin::Corrected(Some(reason.to_owned()))),
            write_pending: false,
            deletion_pending: false,
            ..user
        };
        let (account, id) = (corrected.account.clone(), settled(&corrected.id)?);
        let corrected_id = (ResourceKind::User, account, String::new(), id);
        let row = correction(before, owner, reason, at);
        self.correct(Record::User(corrected), corrected_id, row)
            .await
    }

    /// Corrects the owner of a group and records the reason.
    ///
    /// # Errors
    /// If the database fails, or the group has no id yet.
    pub async fn correct_group(
        &self,
        group: Group,
        owner: Option<&str>,
        reason: &str,
        at: u64,
    ) -> Result<(), Error> {
        let before = group.managed_by.clone();
        let corrected = Group {
            managed_by: owner.map(str::to_owned),
            since: Some(at),
            origin: Some(Origin::Corrected(Some(reason.to_owned()))),
            write_pending: false,
            deletion_pending: false,
            ..group
        };
        let (account, id) = (corrected.account.clone(), settled(&corrected.id)?);
        let corrected_id = (ResourceKind::Group, account, corrected.scope.clone(), id);
        let row = correction(before, owner, reason, at);
        self.correct(Record::Group(corrected), corrected_id, row)
            .await
    }

    async fn correct(
        &self,
        record: Record,
        (kind, account, scope, id): (ResourceKind, String, String, String),
        row: CorrectionRow,
    ) -> Result<(), Error> {
        const INSERT: &str = "
            INSERT INTO corrections (account, kind, scope, id, at, before, after, reason)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        self.database
            .write(2, move |connection| {
                records::apply(connection, [Transition::Record(&record)], now())?;
                connection.change(
                    INSERT,
                    params![
                        account,
                        kind_name(kind),
                        scope,
                        id,
                        row.at,
                        row.before,
                        row.after,
                        row.reason
                    ],
                )?;
                Ok(())
            })
            .await
    }
}

/// The columns of a membership and its group.
fn membership(row: &Row<'_>) -> rusqlite::Result<MembershipRow> {
    Ok(MembershipRow {
        scope: row.get(0)?,
        group: row.get(1)?,
        display_name: row.get(2)?,
        managed_by: row.get(3)?,
        state: match row.get::<_, Pending>(4)?.0 {
            Membership::Confirmed => "confirmed",
            Membership::Adding | Membership::Unconfirmed => "joining",
            Membership::Removing => "leaving",
        },
    })
}

fn correction(before: Option<String>, after: Option<&str>, reason: &str, at: u64) -> CorrectionRow {
    CorrectionRow {
        at: from_millis(at),
        before,
        after: after.map(str::to_owned),
        reason: reason.to_owned(),
    }
}

fn settled(id: &Option<String>) -> Result<String, Error> {
    id.clone().ok_or(Error::Unsettled)
}

fn kind_name(kind: ResourceKind) -> &'static str {
    match kind {
        ResourceKind::User => "user",
        ResourceKind::Group => "group",
    }
}
