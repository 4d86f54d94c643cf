//! The pages of a collection (RFC 7644 §3.4.2.4). The backend's counts are not trusted: the end is
//! where it returns nothing more, and endless pages are an error.

use std::collections::HashSet;
use std::fmt::{self, Display};
use std::hash::{BuildHasher as _, RandomState};

use anyhow::{Context as _, bail};
use scimguard_core::facts::ResourceKind;
use serde::Deserialize;

use super::Import;
use super::cursor::{Cursor, Pagination};
use super::resource::Resource;
use crate::proxy::Unreadable;
use scimguard_store::Crawl;

/// Consecutive pages that may bring nothing new: deletions meanwhile shift the others.
const REPEATS: u32 = 3;

/// How many resources may be added during the import.
const GROWTH: u64 = 10_000;

/// Progress is kept after any error.
const ADVICE: &str = "the application cannot be read; run the same command again to resume \
                      here";

/// The pages of a collection, and which is next.
pub(super) struct Pages<'a> {
    import: &'a Import<'a>,
    collection: &'static str,
    filter: Option<String>,
    count: u64,
    next: u64,
    /// If the backend has pages by cursor only.
    cursor: Option<Cursor>,
    /// The backend's first and latest totals.
    totals: Option<(u64, u64)>,
    /// Hashes of ids.
    seen: HashSet<u64>,
    hasher: RandomState,
    repeats: u32,
    ended: bool,
}

/// Resources with usable ids.
pub(super) struct Page {
    pub(super) total: u64,
    pub(super) resources: Vec<(Place, Resource)>,
}

/// Identifies a resource in messages.
pub(super) struct Place {
    collection: &'static str,
    number: u64,
    id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct List {
    /// May be omitted or 0 with a cursor.
    #[serde(default)]
    total_results: u64,
    #[serde(default, rename = "Resources")]
    resources: Option<Vec<Resource>>,
    next_cursor: Option<String>,
}

impl<'a> Pages<'a> {
    /// Starts where the crawl is; with a cursor, which is only valid for one run, at the beginning.
    /// What is already recorded is only counted.
    pub(super) async fn of(
        import: &'a Import<'a>,
        pagination: &Pagination,
        crawl: &mut Crawl,
    ) -> anyhow::Result<Self> {
        let cursor = pagination.is_by_cursor().then(Cursor::default);
        if cursor.is_some() && crawl.next > 1 {
            crawl.next = 1;
            import.store.note_crawl(import.account, crawl).await?;
        }
        Ok(Self {
            import,
            collection: match crawl.kind {
                ResourceKind::User => "Users",
                ResourceKind::Group => "Groups",
            },
            filter: crawl.asked.filter.clone(),
            count: pagination.bounded(import.page),
            next: crawl.next,
            cursor,
            totals: None,
            seen: HashSet::new(),
            hasher: RandomState::new(),
            repeats: 0,
            ended: false,
        })
    }

    /// The next page; `None` at the end.
    pub(super) async fn next(&mut self) -> anyhow::Result<Option<Page>> {
        if self.ended {
            return Ok(None);
        }
        let list = match self.read().await {
            // A full page was the last one. Some servers have no page after it.
            Err(Unreadable::Status { status, .. })
                if self.is_past_the_end() && status.is_client_error() =>
            {
                return Ok(None);
            }
            Err(refused @ Unreadable::Status { status, .. }) if status.is_client_error() => {
                return Err(refused).context(match self.filter {
                    Some(_) => "the application refuses to be read with this filter",
                    None => "the application refuses to be read",
                });
            }
            Err(unclear @ Unreadable::Other { .. }) => return Err(unclear.into()),
            read => read.context(ADVICE)?,
        };
        let total = list.total_results;
        let next_cursor = list.next_cursor;
        let resources = list.resources.unwrap_or_default();
        let (first, _) = *self.totals.get_or_insert((total, total));
        self.totals = Some((first, total));
        if total > first.saturating_mul(2).saturating_add(GROWTH) {
            bail!(
                "{}: the application first reported {first} resources, and now {total}; its \
                 totalResults is not reliable",
                self.collection
            );
        }
        if let Some(cursor) = &mut self.cursor {
            self.ended = !cursor.go_on(next_cursor)?;
            if resources.is_empty() && self.ended {
                return Ok(None);
            }
            return self.page(total, resources);
        }
        if resources.is_empty() {
            if self.is_past_the_end() {
                return Ok(None);
            }
            bail!(
                "{}: the application reports {total} resources, but returns none from number {} on",
                self.collection,
                self.next
            );
        }
        self.page(total, resources)
    }

    fn page(&mut self, total: u64, resources: Vec<Resource>) -> anyhow::Result<Option<Page>> {
        let mut placed = Vec::with_capacity(resources.len());
        let mut news = false;
        for (number, resource) in (self.next..).zip(resources) {
            let id = resource
                .checked_id()
                .with_context(|| format!("{} number {number}", self.collection))?;
            news |= self.seen.insert(self.hasher.hash_one(id));
            let place = Place {
                collection: self.collection,
                number,
                id: id.to_owned(),
            };
            placed.push((place, resource));
        }
        if news {
            self.repeats = 0;
        } else if self.cursor.is_none() && self.is_past_the_end() {
            // It ignores `startIndex`, and has returned everything.
            return Ok(None);
        } else {
            self.repeats += 1;
        }
        if self.repeats == REPEATS {
            let asked = match self.cursor {
                Some(_) => "cursor",
                None => "startIndex",
            };
            bail!(
                "{}: the application reports {total} resources, but returns the same ones \
                 repeatedly from number {} on; it does not honour {asked}",
                self.collection,
                self.next
            );
        }
        let length = u64::try_from(placed.len())?;
        self.next = self.next.saturating_add(length);
        // Some servers report the size of the page in totalResults: only a short page is the last.
        self.ended |= self.cursor.is_none() && self.is_past_the_end() && length < self.count;
        Ok(Some(Page {
            total,
            resources: placed,
        }))
    }

    fn is_past_the_end(&self) -> bool {
        self.totals.is_some_and(|(_, last)| self.next > last)
    }

    /// A page, or a smaller one if it is too large.
    async fn read(&mut self) -> Result<List, Unreadable> {
        let from_start = match &self.cursor {
            Some(cursor) => cursor.text().is_empty(),
            None => self.next == 1,
        };
        loop {
            let from = match &self.cursor {
                Some(cursor) => ("cursor", cursor.text().to_owned()),
                None => ("startIndex", self.next.to_string()),
            };
            let mut query = vec![from, ("count", self.count.to_string())];
            if let Some(filter) = &self.filter {
                query.push(("filter", filter.clone()));
            }
            if self.collection == "Groups" {
                query.push(("excludedAttributes", "members".to_owned()));
            }
            let Import {
                reader, account, ..
            } = self.import;
            let read = reader.list(account, self.collection, &query, from_start);
            match read.await {
                Err(Unreadable::OverLimit { .. }) if self.count > 1 => self.count /= 2,
                read => return read,
            }
        }
    }
}

impl Place {
    pub(super) fn id(&self) -> &str {
        &self.id
    }
}

impl Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} number {} ({})",
            self.collection, self.number, self.id
        )
    }
}
