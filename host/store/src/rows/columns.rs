//! The columns of the rows of the record.

use rusqlite::types::{FromSql, FromSqlResult, ValueRef};
use rusqlite::{Result, Row};
use scimguard_core::facts::{
    Group, GroupRow, Membership, MembershipRow, RetryRow, RowId, User, UserRow,
};

use crate::database::{Columns, Json};
use crate::to_millis;

/// A user or group, and the id of its row.
#[derive(Clone)]
pub(crate) struct Stored<R> {
    pub(crate) id: RowId,
    pub(crate) row: R,
}

/// A row that can be read from its columns.
pub(crate) trait FromColumns: Sized {
    fn read(columns: &mut Columns<'_>) -> Result<Self>;

    /// Reads a row that starts with its columns.
    fn of(row: &Row<'_>) -> Result<Self> {
        Self::read(&mut Columns::of(row))
    }
}

/// The columns of a `Stored<UserRow>` in the table `users u`. Callers that need not know whether
/// the user is in a managed group pass `0` for it.
macro_rules! user_columns {
    ($in_managed_group:literal) => {
        concat!(
            "u.id, u.account, u.user_name, u.display_name, u.external_id, u.active, u.managed_by,
             u.pending, u.leaving, u.since, u.origin, ",
            $in_managed_group,
            ", u.opened"
        )
    };
}
pub(crate) use user_columns;

impl FromColumns for Stored<UserRow> {
    fn read(columns: &mut Columns<'_>) -> Result<Self> {
        let id = RowId::from_text(columns.next()?);
        let user = User {
            id: id.as_known().map(str::to_owned),
            account: columns.next()?,
            user_name: columns.next()?,
            display_name: columns.next()?,
            external_id: columns.next()?,
            active: columns.next()?,
            managed_by: columns.next()?,
            write_pending: columns.next()?,
            deletion_pending: columns.next()?,
            since: to_millis(columns.next()?),
            origin: columns.next::<Option<Json<_>>>()?.map(|Json(it)| it),
            in_managed_group: columns.next()?,
        };
        let opened = to_millis(columns.next()?);
        Ok(Self {
            id,
            row: UserRow { user, opened },
        })
    }
}

/// The columns of a `Stored<GroupRow>` in the table `groups g`.
macro_rules! group_columns {
    () => {
        "g.id, g.account, g.scope, g.display_name, g.derived_id, g.external_id, g.managed_by,
         g.pending, g.leaving, g.since, g.origin, g.members_known, g.taken, g.attempts, g.opened"
    };
}
pub(crate) use group_columns;

impl FromColumns for Stored<GroupRow> {
    fn read(columns: &mut Columns<'_>) -> Result<Self> {
        let id = RowId::from_text(columns.next()?);
        let group = Group {
            id: id.as_known().map(str::to_owned),
            account: columns.next()?,
            scope: columns.next()?,
            display_name: columns.next()?,
            derived_id: columns.next()?,
            external_id: columns.next()?,
            managed_by: columns.next()?,
            write_pending: columns.next()?,
            deletion_pending: columns.next()?,
            since: to_millis(columns.next()?),
            origin: columns.next::<Option<Json<_>>>()?.map(|Json(it)| it),
            members_known: columns.next()?,
        };
        let row = GroupRow {
            group,
            taken: columns.next()?,
            repeated: columns.next::<u32>()?.saturating_sub(1),
            opened: to_millis(columns.next()?),
        };
        Ok(Self { id, row })
    }
}

/// The columns `pending`, `token` and `opened` of `members`; `None` if there is no row.
pub(super) fn membership_row(columns: &mut Columns<'_>) -> Result<Option<MembershipRow>> {
    let membership: Option<Pending> = columns.next()?;
    let (token, opened) = (columns.next()?, to_millis(columns.next()?));
    Ok(membership.map(|Pending(membership)| MembershipRow {
        membership,
        token,
        opened,
    }))
}

/// The columns of `retries` after its key; `None` if there is no row.
pub(super) fn retry_row(columns: &mut Columns<'_>) -> Result<Option<RetryRow>> {
    let Some(present) = columns.next()? else {
        return Ok(None);
    };
    Ok(Some(RetryRow {
        present,
        status: columns.next()?,
        first_seen: to_millis(columns.next()?).unwrap_or_default(),
        last_tried: to_millis(columns.next()?).unwrap_or_default(),
        attempts: columns.next()?,
        token: columns.next()?,
        asked: to_millis(columns.next()?),
    }))
}

/// The column `members.pending`. Statements and indexes rely on 0 for a confirmed membership.
#[derive(Clone, Copy)]
pub(crate) struct Pending(pub(crate) Membership);

impl Pending {
    pub(super) fn number(self) -> i64 {
        match self.0 {
            Membership::Confirmed => 0,
            Membership::Adding => 1,
            Membership::Removing => 2,
            Membership::Unconfirmed => 3,
        }
    }
}

impl FromSql for Pending {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Ok(Self(match value.as_i64()? {
            0 => Membership::Confirmed,
            2 => Membership::Removing,
            3 => Membership::Unconfirmed,
            _ => Membership::Adding,
        }))
    }
}
