//! Reading what the backend has into the record: users first, then groups with their members. A
//! guard that was put in front of an application only now has seen none of them.
//!
//! It adds what is not on record and changes nothing that is. However it ends, it goes on where it
//! was: each transaction of the store notes how far it is.

mod cursor;
mod pages;
mod progress;
mod resource;

use anyhow::{Context as _, bail};
use http::StatusCode;
use scimguard_core::Guard;
use scimguard_core::facts::{Group, ResourceKind};

use self::cursor::Pagination;
use self::pages::{Pages, Place};
pub(crate) use self::progress::Progress;
use self::resource::Resource;
use crate::proxy::{Reader, Unreadable};
use crate::store::{Crawl, Members, Store};

/// Memberships in one transaction: a guard that is running waits for no longer.
const ROWS: usize = 1000;

/// One run of an import.
pub(crate) struct Import<'a> {
    pub(crate) store: &'a Store,
    pub(crate) reader: &'a Reader,
    pub(crate) account: &'a str,
    /// Resources that are asked for at once.
    pub(crate) page: u64,
    /// Tells which ids come from names; `None` for another project's policy.
    pub(crate) policy: Option<&'a Guard>,
    /// Milliseconds since 1970.
    pub(crate) now: u64,
}

/// What the application says of a group's members.
enum Read {
    Told(Vec<String>),
    /// Nothing: there are none, or it does not tell.
    Silent,
    /// There is no such group any more.
    Gone,
}

impl Import<'_> {
    /// Goes on with a crawl until its end.
    pub(crate) async fn run(
        &self,
        mut crawl: Crawl,
        progress: &mut Progress,
    ) -> anyhow::Result<Crawl> {
        let pagination = Pagination::of(self.reader, self.account).await;
        loop {
            crawl = match crawl.kind {
                ResourceKind::User => self.users(crawl, &pagination, progress).await?,
                ResourceKind::Group => self.groups(crawl, &pagination, progress).await?,
            };
            if crawl.kind == ResourceKind::Group || crawl.asked.only.is_some() {
                break;
            }
            crawl.kind = ResourceKind::Group;
            crawl.next = 1;
            self.store.note_crawl(self.account, &crawl).await?;
        }
        self.store.end_crawl(self.account, &crawl, self.now).await?;
        Ok(crawl)
    }

    async fn users(
        &self,
        mut crawl: Crawl,
        pagination: &Pagination,
        progress: &mut Progress,
    ) -> anyhow::Result<Crawl> {
        let mut pages = Pages::of(self, pagination, &mut crawl).await?;
        while let Some(page) = pages.next().await? {
            let users: Vec<_> = page
                .resources
                .into_iter()
                .map(|(place, resource)| {
                    resource
                        .into_user(self.account, &crawl.asked, self.now)
                        .with_context(|| place.to_string())
                })
                .collect::<anyhow::Result<_>>()?;
            crawl = self.store.add_users(self.account, &users, crawl).await?;
            progress.show(&crawl, page.total);
        }
        Ok(crawl)
    }

    async fn groups(
        &self,
        mut crawl: Crawl,
        pagination: &Pagination,
        progress: &mut Progress,
    ) -> anyhow::Result<Crawl> {
        let mut pages = Pages::of(self, pagination, &mut crawl).await?;
        while let Some(page) = pages.next().await? {
            for (place, resource) in page.resources {
                crawl = self
                    .group(&place, resource, crawl, progress, page.total)
                    .await
                    .with_context(|| place.to_string())?;
                progress.show(&crawl, page.total);
            }
        }
        Ok(crawl)
    }

    async fn group(
        &self,
        place: &Place,
        mut resource: Resource,
        crawl: Crawl,
        progress: &mut Progress,
        total: u64,
    ) -> anyhow::Result<Crawl> {
        let listed = resource.members.take();
        let mut group = resource.into_group(self.account, &crawl.asked, self.now)?;
        group.derived_id = self
            .policy
            .zip(group.display_name.as_deref())
            .and_then(|(policy, name)| policy.derived_group_id(self.account, name));
        // Its members are read before it is recorded: it may be gone by then.
        let read = match listed.filter(|members| !members.is_empty()) {
            _ if self.store.knows_members(&group).await? => Read::Silent,
            // A server need not honour `excludedAttributes`.
            Some(members) => Read::Told(resource::references(members)?),
            None => self.members(place.id()).await?,
        };
        if let Read::Gone = read {
            let next = crawl.next + 1;
            let crawl = Crawl { next, ..crawl };
            self.store.note_crawl(self.account, &crawl).await?;
            return Ok(crawl);
        }
        let (wanted, crawl) = self.store.add_group(&group, crawl).await?;
        match (wanted, read) {
            (Members::Known, _) => Ok(crawl),
            (Members::Wanted, Read::Told(members)) => {
                self.fill(&group, &members, crawl, progress, total).await
            }
            (Members::Wanted, Read::Silent | Read::Gone) => {
                // A server that has told members of others would have told this one's.
                let members = match crawl.tally.members {
                    0 => Members::Wanted,
                    _ => Members::Known,
                };
                Ok(self.store.close_group(&group, members, crawl).await?)
            }
        }
    }

    async fn fill(
        &self,
        group: &Group,
        members: &[String],
        mut crawl: Crawl,
        progress: &mut Progress,
        total: u64,
    ) -> anyhow::Result<Crawl> {
        for some in members.chunks(ROWS) {
            crawl = self.store.add_members(group, some, crawl).await?;
            progress.show(&crawl, total);
        }
        let known = Members::Known;
        Ok(self.store.close_group(group, known, crawl).await?)
    }

    async fn members(&self, id: &str) -> anyhow::Result<Read> {
        let resource: Resource = match self.reader.resource(self.account, "Groups", id).await {
            Err(Unreadable::Status { status, .. }) if status == StatusCode::NOT_FOUND => {
                return Ok(Read::Gone);
            }
            read => read?,
        };
        if resource.id.as_deref() != Some(id) {
            bail!("the application answered with a group of another id");
        }
        Ok(match resource.members {
            Some(members) => Read::Told(resource::references(members)?),
            None => Read::Silent,
        })
    }
}
