//! How a row of the record is written in columns.

use scimguard_core::facts::{
    Group, GroupRow, Membership, MembershipRow, Origin, RetryRow, RowId, User, UserRow,
};
use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, Row};

use crate::store::to_millis;

/// A user or group, with the id that it is kept under.
#[derive(Clone)]
pub(in crate::store) struct Stored<R> {
    pub(in crate::store) id: RowId,
    pub(in crate::store) row: R,
}

impl FromRow<'_, SqliteRow> for Stored<UserRow> {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        let id = RowId::from_text(row.try_get("id")?);
        let user = User {
            account: row.try_get("account")?,
            id: id.as_known().map(str::to_owned),
            user_name: row.try_get("user_name")?,
            display_name: row.try_get("display_name")?,
            external_id: row.try_get("external_id")?,
            active: row.try_get("active")?,
            managed_by: row.try_get("managed_by")?,
            write_pending: row.try_get("pending")?,
            deletion_pending: row.try_get("leaving")?,
            since: to_millis(row.try_get("since")?),
            origin: origin(row)?,
            in_managed_group: row.try_get("in_managed_group")?,
        };
        let opened = to_millis(row.try_get("opened")?);
        Ok(Self {
            id,
            row: UserRow { user, opened },
        })
    }
}

impl FromRow<'_, SqliteRow> for Stored<GroupRow> {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        let id = RowId::from_text(row.try_get("id")?);
        let group = Group {
            account: row.try_get("account")?,
            scope: row.try_get("scope")?,
            id: id.as_known().map(str::to_owned),
            display_name: row.try_get("display_name")?,
            derived_id: row.try_get("derived_id")?,
            external_id: row.try_get("external_id")?,
            managed_by: row.try_get("managed_by")?,
            write_pending: row.try_get("pending")?,
            deletion_pending: row.try_get("leaving")?,
            since: to_millis(row.try_get("since")?),
            origin: origin(row)?,
            members_known: row.try_get("members_known")?,
        };
        let attempts: u32 = row.try_get("attempts")?;
        let row = GroupRow {
            group,
            taken: row.try_get("taken")?,
            repeated: attempts.saturating_sub(1),
            opened: to_millis(row.try_get("opened")?),
        };
        Ok(Self { id, row })
    }
}

/// From the columns of `members`; `None` if they are those of no row.
pub(super) fn membership_row(row: &SqliteRow) -> Result<Option<MembershipRow>, sqlx::Error> {
    let pending: Option<i64> = row.try_get("pending")?;
    pending
        .map(|pending| {
            Ok(MembershipRow {
                membership: membership(pending),
                token: row.try_get("token")?,
                opened: to_millis(row.try_get("opened")?),
            })
        })
        .transpose()
}

/// From the columns of `retries`, of which the token is called `retry_token`; `None` if they are those
/// of no row.
pub(super) fn retry_row(row: &SqliteRow) -> Result<Option<RetryRow>, sqlx::Error> {
    let present: Option<bool> = row.try_get("present")?;
    present
        .map(|present| {
            Ok(RetryRow {
                present,
                status: row.try_get("status")?,
                first_seen: to_millis(row.try_get("first_seen")?).unwrap_or_default(),
                last_tried: to_millis(row.try_get("last_tried")?).unwrap_or_default(),
                attempts: row.try_get("attempts")?,
                token: row.try_get("retry_token")?,
                asked: to_millis(row.try_get("asked")?),
            })
        })
        .transpose()
}

/// The column `members.pending`. Statements and indexes know that a confirmed one has 0.
pub(super) fn pending(membership: Membership) -> i64 {
    match membership {
        Membership::Confirmed => 0,
        Membership::Adding => 1,
        Membership::Removing => 2,
        Membership::Unconfirmed => 3,
    }
}

/// From the column `members.pending`.
pub(in crate::store) fn membership(pending: i64) -> Membership {
    match pending {
        0 => Membership::Confirmed,
        2 => Membership::Removing,
        3 => Membership::Unconfirmed,
        _ => Membership::Adding,
    }
}

/// The column `origin`.
pub(super) fn written(origin: &Origin) -> String {
    serde_json::json!(origin).to_string()
}

fn origin(row: &SqliteRow) -> Result<Option<Origin>, sqlx::Error> {
    let text: Option<String> = row.try_get("origin")?;
    text.map(|text| serde_json::from_str(&text).map_err(|error| sqlx::Error::Decode(error.into())))
        .transpose()
}
