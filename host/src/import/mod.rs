//! Reads what the backend has into the record: users first, then groups with their members. A guard
//! that is new in front of an application has seen none of them.
//!
//! It adds what is not recorded and changes nothing that is. An interrupted import resumes where it
//! stopped: each transaction of the store notes the progress.

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
use scimguard_store::{Crawl, Members, Store};

/// Memberships in one transaction, which a running guard has to wait for.
const ROWS: usize = 1000;

/// One run of an import.
pub(crate) struct Import<'a> {
    pub(crate) store: &'a Store,
    pub(crate) reader: &'a Reader,
    pub(crate) account: &'a str,
    /// Resources per request.
    pub(crate) page: u64,
    /// Knows which ids come from names; `None` for a foreign policy.
    pub(crate) policy: Option<&'a Guard>,
    /// Milliseconds since 1970.
    pub(crate) now: u64,
}

/// The application's answer about a group's members.
enum Read {
    Listed(Vec<String>),
    /// None: the group has none, or the application does not return them.
    Unlisted,
    /// The group no longer exists.
    Gone,
}

impl Import<'_> {
    /// Continues a crawl to its end.
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
        // Its members are read before it is recorded: it may have been deleted by then.
        let read = match listed.filter(|members| !members.is_empty()) {
            _ if self.store.knows_members(&group).await? => Read::Unlisted,
            // A server may ignore `excludedAttributes`.
            Some(members) => Read::Listed(resource::references(members)?),
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
            (Members::Wanted, Read::Listed(members)) => {
                self.fill(&group, &members, crawl, progress, total).await
            }
            (Members::Wanted, Read::Unlisted | Read::Gone) => {
                // A server that returned members of others would have returned this one's.
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
            Some(members) => Read::Listed(resource::references(members)?),
            None => Read::Unlisted,
        })
    }
}
