//! Who owns what, for those who ask, and corrections of it.

use scimguard_core::facts::{
    Answer, Group, Key, Membership, Origin, ResourceKind, RowId, Unseen, User, UserKey,
};
use scimguard_core::record::Record;
use scimguard_core::record::transition::Transition;
use serde::Serialize;
use sqlx::FromRow;

use super::retries::RetryRow;
use super::{Error, Store, from_millis, groups, records, rows, users};

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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, FromRow)]
pub struct CorrectionRow {
    /// Milliseconds since 1970.
    pub at: i64,
    /// Who owned it before; `None`: nobody.
    pub before: Option<String>,
    /// Who owns it since; `None`: nobody.
    pub after: Option<String>,
    /// Why.
    pub reason: String,
}

/// How many of something an account has on record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, FromRow)]
pub struct Counts {
    /// Users that a provider owns.
    pub managed_users: i64,
    /// Users that nobody owns.
    pub native_users: i64,
    /// Groups that a provider owns.
    pub managed_groups: i64,
    /// Groups that nobody owns.
    pub native_groups: i64,
    /// Users and groups with an open change or create.
    pub open: i64,
    /// Memberships with an open change.
    pub open_memberships: i64,
    /// Membership changes to be repeated.
    pub retries: i64,
}

/// How many members a group has on record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct MemberCounts {
    /// Members for certain.
    pub confirmed: i64,
    /// Being put in.
    pub joining: i64,
    /// Being taken out.
    pub leaving: i64,
}

impl Store {
    /// The user of this id or name.
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

    /// The group of this id.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn group(
        &self,
        account: &str,
        scope: &str,
        id: &str,
    ) -> Result<Option<Group>, Error> {
        let mut connection = self.readers.acquire().await?;
        let mut found = groups::resolve(&mut connection, account, scope, &[id]).await?;
        Ok(found.pop().flatten().map(|found| found.row.seen()))
    }

    /// The groups that a user is in, with the state of each membership.
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
        let mut connection = self.readers.acquire().await?;
        let reference = user.id.as_deref().unwrap_or(&user.user_name);
        let mut rows = users::resolve(&mut connection, &user.account, &[reference], true).await?;
        let stored = rows.pop().flatten().map(|found| found.id);
        type Row = (String, String, Option<String>, Option<String>, i64);
        let rows: Vec<Row> = sqlx::query_as(MEMBERSHIPS)
            .bind(&user.account)
            .bind(stored.as_ref().map(RowId::text))
            .fetch_all(&mut *connection)
            .await?;
        let memberships = rows.into_iter().map(|row| {
            let (scope, group, display_name, managed_by, pending) = row;
            MembershipRow {
                scope,
                group,
                display_name,
                managed_by,
                state: match rows::membership(pending) {
                    Membership::Confirmed => "confirmed",
                    Membership::Adding | Membership::Unconfirmed => "joining",
                    Membership::Removing => "leaving",
                },
            }
        });
        Ok(memberships.collect())
    }

    /// How many members a group has.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn member_counts(&self, group: &Group) -> Result<MemberCounts, Error> {
        const COUNTS: &str = "
            SELECT pending, count(*) FROM members
             WHERE account = ?1 AND scope = ?2 AND group_id = ?3 GROUP BY pending";
        let rows: Vec<(i64, i64)> = sqlx::query_as(COUNTS)
            .bind(&group.account)
            .bind(&group.scope)
            .bind(&group.id)
            .fetch_all(&self.readers)
            .await?;
        let mut counts = MemberCounts::default();
        for (pending, count) in rows {
            *match rows::membership(pending) {
                Membership::Confirmed => &mut counts.confirmed,
                Membership::Adding | Membership::Unconfirmed => &mut counts.joining,
                Membership::Removing => &mut counts.leaving,
            } += count;
        }
        Ok(counts)
    }

    /// What an account has on record.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn counts(&self, account: &str) -> Result<Counts, Error> {
        const COUNTS: &str = "
            SELECT
              (SELECT count(*) FROM users WHERE account = ?1 AND managed_by IS NOT NULL)
                AS managed_users,
              (SELECT count(*) FROM users WHERE account = ?1 AND managed_by IS NULL)
                AS native_users,
              (SELECT count(*) FROM groups WHERE account = ?1 AND managed_by IS NOT NULL)
                AS managed_groups,
              (SELECT count(*) FROM groups WHERE account = ?1 AND managed_by IS NULL)
                AS native_groups,
              (SELECT count(*) FROM users WHERE account = ?1 AND pending = 1)
                + (SELECT count(*) FROM groups WHERE account = ?1 AND pending = 1) AS open,
              (SELECT count(*) FROM members WHERE account = ?1 AND pending <> 0)
                AS open_memberships,
              (SELECT count(*) FROM retries WHERE account = ?1) AS retries";
        Ok(sqlx::query_as(COUNTS)
            .bind(account)
            .fetch_one(&self.readers)
            .await?)
    }

    /// Whether anything of an account is on record: a user, a group, a token, a principal, an import.
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
        Ok(sqlx::query_scalar(ANYTHING)
            .bind(account)
            .fetch_one(&self.readers)
            .await?)
    }

    /// The corrections of a user or group, the oldest first.
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
        Ok(sqlx::query_as(
            "SELECT at, before, after, reason FROM corrections
              WHERE account = ?1 AND kind = ?2 AND scope = ?3 AND id = ?4 ORDER BY at, rowid",
        )
        .bind(account)
        .bind(kind_name(kind))
        .bind(scope)
        .bind(id)
        .fetch_all(&self.readers)
        .await?)
    }

    /// The membership changes to be repeated, the oldest first: of an account, a user, a group.
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
        Ok(sqlx::query_as(RETRIES)
            .bind(account)
            .bind(user)
            .bind(group.map(|(scope, _)| scope))
            .bind(group.map(|(_, id)| id))
            .fetch_all(&self.readers)
            .await?)
    }

    /// Corrects who owns a user, and keeps the reason.
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
        let kept = (ResourceKind::User, account, String::new(), id);
        self.correct(Record::User(corrected), kept, before, owner, reason, at)
            .await
    }

    /// Corrects who owns a group, and keeps the reason.
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
        let kept = (ResourceKind::Group, account, corrected.scope.clone(), id);
        self.correct(Record::Group(corrected), kept, before, owner, reason, at)
            .await
    }

    async fn correct(
        &self,
        record: Record,
        (kind, account, scope, id): (ResourceKind, String, String, String),
        before: Option<String>,
        after: Option<&str>,
        reason: &str,
        at: u64,
    ) -> Result<(), Error> {
        let mut transaction = self.database.begin().await?;
        records::apply(&mut transaction, &Transition::Record(&record)).await?;
        sqlx::query(
            "INSERT INTO corrections (account, kind, scope, id, at, before, after, reason)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )
        .bind(account)
        .bind(kind_name(kind))
        .bind(scope)
        .bind(id)
        .bind(from_millis(at))
        .bind(before)
        .bind(after)
        .bind(reason)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(())
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
