//! Pages by cursor (RFC 9865), for a backend that offers no others.

use std::collections::HashSet;

use anyhow::ensure;
use serde::Deserialize;

use crate::proxy::Reader;

/// The next page by cursor.
#[derive(Default)]
pub(super) struct Cursor {
    /// The first page is requested with an empty one.
    next: String,
    /// Cursors received so far.
    given: HashSet<String>,
}

/// The pagination section of a ServiceProviderConfig (RFC 9865 §4).
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Pagination {
    cursor: bool,
    index: bool,
    max_page_size: Option<u64>,
}

impl Pagination {
    /// What the backend offers; if it does not say, the pages of RFC 7644.
    pub(super) async fn of(reader: &Reader, account: &str) -> Self {
        #[derive(Deserialize)]
        struct Config {
            pagination: Option<Pagination>,
        }
        let config: Option<Config> = reader.service(account).await.ok();
        config
            .and_then(|config| config.pagination)
            .unwrap_or_default()
    }

    /// Whether cursors are the only way.
    pub(super) fn is_by_cursor(&self) -> bool {
        self.cursor && !self.index
    }

    /// The page size, bounded by the backend's maximum.
    pub(super) fn bounded(&self, wanted: u64) -> u64 {
        let most = self.max_page_size.filter(|_| self.is_by_cursor());
        wanted.min(most.unwrap_or(wanted)).max(1)
    }
}

impl Cursor {
    /// The cursor to request.
    pub(super) fn text(&self) -> &str {
        &self.next
    }

    /// Advances to the next page; `false`: there is none.
    pub(super) fn go_on(&mut self, next: Option<String>) -> anyhow::Result<bool> {
        let Some(next) = next.filter(|next| !next.is_empty()) else {
            return Ok(false);
        };
        ensure!(
            self.given.insert(next.clone()),
            "the application gives the same nextCursor again; its pages have no end"
        );
        self.next = next;
        Ok(true)
    }
}
