//! Finds the uncertain create that a new resource results from.

use rusqlite::{Connection, Result, Row};
use scimguard_core::facts::{ResourceKind, RowId};
use scimguard_core::fold;
use scimguard_core::record::IntentKey;

use crate::database::Statements as _;

/// The uncertain creates of one account and kind. There are few at any time.
pub(super) struct Unsettled {
    account: String,
    kind: ResourceKind,
    rows: Vec<UnsettledRow>,
}

/// An intent's key, the folded names under which its resource is found, and its external id.
struct UnsettledRow {
    key: String,
    names: Vec<String>,
    external_id: Option<String>,
}

impl UnsettledRow {
    fn of(row: &Row<'_>) -> Result<Self> {
        let (RowId::Intent(key) | RowId::Known(key)) = RowId::from_text(row.get(0)?);
        let names: [Option<String>; 2] = [row.get(1)?, row.get(2)?];
        Ok(Self {
            key,
            names: names.iter().flatten().map(|name| fold(name)).collect(),
            external_id: row.get(3)?,
        })
    }
}

impl Unsettled {
    pub(super) fn read(connection: &Connection, account: &str, kind: ResourceKind) -> Result<Self> {
        let unsettled = match kind {
            ResourceKind::User => {
                "SELECT id, user_name, NULL, external_id FROM users
                  WHERE account = ?1 AND intent = 1"
            }
            ResourceKind::Group => {
                "SELECT id, display_name, derived_id, external_id FROM groups
                  WHERE account = ?1 AND intent = 1 AND scope = ''"
            }
        };
        Ok(Self {
            account: account.to_owned(),
            kind,
            rows: connection.all(unsettled, [account], UnsettledRow::of)?,
        })
    }

    /// The create that a resource with these names and this external id results from.
    pub(super) fn take(
        &mut self,
        names: &[Option<String>],
        external_id: Option<&str>,
    ) -> Option<IntentKey> {
        let named =
            |row: &UnsettledRow| names.iter().flatten().any(|name| row.names.contains(name));
        let identified =
            |row: &UnsettledRow| external_id.is_some() && row.external_id.as_deref() == external_id;
        let rows = &self.rows;
        let position = rows
            .iter()
            .position(named)
            .or_else(|| rows.iter().position(identified))?;
        Some(IntentKey {
            kind: self.kind,
            account: self.account.clone(),
            key: self.rows.swap_remove(position).key,
        })
    }
}
