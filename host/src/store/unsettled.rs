//! Which create, whose outcome is unclear, a resource that turns up is the outcome of.

use scimguard_core::facts::{ResourceKind, RowId};
use scimguard_core::fold;
use scimguard_core::record::IntentKey;
use sqlx::SqliteConnection;

/// Creates whose outcome is unclear, of one account and kind. There are few at any time.
pub(super) struct Unsettled {
    account: String,
    kind: ResourceKind,
    rows: Vec<UnsettledRow>,
}

/// An intent as stored.
#[derive(sqlx::FromRow)]
struct Intended {
    id: String,
    name: Option<String>,
    derived_id: Option<String>,
    external_id: Option<String>,
}

impl Intended {
    fn row(self) -> UnsettledRow {
        let (RowId::Intent(key) | RowId::Known(key)) = RowId::from_text(self.id);
        let names = [self.name, self.derived_id].into_iter().flatten();
        UnsettledRow {
            key,
            names: names.map(|name| fold(&name)).collect(),
            external_id: self.external_id,
        }
    }
}

/// An intent's key, the folded names under which its resource is found, and its external id.
struct UnsettledRow {
    key: String,
    names: Vec<String>,
    external_id: Option<String>,
}

impl Unsettled {
    pub(super) async fn read(
        connection: &mut SqliteConnection,
        account: &str,
        kind: ResourceKind,
    ) -> Result<Self, sqlx::Error> {
        let unsettled = match kind {
            ResourceKind::User => {
                "SELECT id, user_name AS name, NULL AS derived_id, external_id FROM users
                  WHERE account = ?1 AND intent = 1"
            }
            ResourceKind::Group => {
                "SELECT id, display_name AS name, derived_id, external_id FROM groups
                  WHERE account = ?1 AND intent = 1 AND scope = ''"
            }
        };
        let rows: Vec<Intended> = sqlx::query_as(unsettled)
            .bind(account)
            .fetch_all(connection)
            .await?;
        Ok(Self {
            account: account.to_owned(),
            kind,
            rows: rows.into_iter().map(Intended::row).collect(),
        })
    }

    /// The create that a resource of these names and this external id is the outcome of.
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
