//! Settles what is open: asks the backend about creates, changes and memberships whose outcome
//! nobody saw, at the start and periodically.
//!
//! A group that was not on record confirms a create at once, which only adds an owner. Everything
//! else waits until the backend cannot act any more, and what is missing must be missing twice.

mod creates;

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use scimguard_core::facts::{Group, GroupKey, GroupRowKey, Key, RowId, Unseen, User, UserKey};
use scimguard_core::record::settlement::{self, Step};
use scimguard_core::record::{Record, ResourceKey};

use super::leases::{Leases, names};
use super::lookup::{Application, Lookups, MemberOf, NOT_FOUND, Page, Resource};
use super::ports::{OpenIntent, OpenMembers, Store};

/// When the backend is asked, and what earlier rounds found out.
pub struct Settling {
    /// How long after a write the backend may still act.
    after: Duration,
    state: Mutex<SettleState>,
}

/// How many groups to sample for whether the application returns members.
const SAMPLE_SIZE: u32 = 10;

/// What earlier rounds found out.
#[derive(Default)]
struct SettleState {
    /// What was missing once.
    missing: BTreeSet<Question>,
    /// Accounts whose groups have been seen with members.
    lists_members: BTreeSet<String>,
}

/// A resource or membership that the backend is asked about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Question {
    Intent(OpenIntent),
    User(String, String),
    Group(String, String),
    Member(OpenMembers, String),
}

/// The backend's answer.
enum Lookup<T> {
    Found(T),
    Missing,
    /// No answer, or an inconclusive one.
    Unknown,
}

impl Settling {
    /// Nothing has been asked yet. `after`: how long after a write the application may still act.
    #[must_use]
    pub fn new(after: Duration) -> Self {
        Self {
            after,
            state: Mutex::default(),
        }
    }

    /// Asks the application about everything that is open, and returns how much was settled. `now` is in
    /// milliseconds since 1970.
    ///
    /// # Errors
    /// If the record cannot be read or changed.
    pub async fn round<S: Store, A: Application, L: Leases>(
        &self,
        lookups: Lookups<'_, S, A>,
        leases: &L,
        credential: &A::Credential,
        now: u64,
    ) -> Result<usize, S::Error> {
        let missing = std::mem::take(&mut self.state().missing);
        let over = now.saturating_sub(millis(self.after));
        let store = lookups.store;
        let mut round = Round {
            lookups,
            leases,
            credential,
            over,
            missing,
            missing_now: BTreeSet::new(),
            lists_members: self.state().lists_members.clone(),
            settled: 0,
        };
        for intent in store.open_intents(None).await? {
            round.intent(intent).await?;
        }
        for user in store.open_users(over, None).await? {
            round.user(user).await?;
        }
        for group in store.open_groups(over, None).await? {
            round.group(group).await?;
        }
        for group in store.open_members(over).await? {
            round.members(group).await?;
        }
        let mut open = self.state();
        open.missing = round.missing_now;
        open.lists_members = round.lists_members;
        Ok(round.settled)
    }

    fn state(&self) -> MutexGuard<'_, SettleState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One round of questions.
struct Round<'a, S, A: Application, L> {
    lookups: Lookups<'a, S, A>,
    leases: &'a L,
    credential: &'a A::Credential,
    /// The backend is done with everything that began before this time, in milliseconds since 1970.
    over: u64,
    missing: BTreeSet<Question>,
    missing_now: BTreeSet<Question>,
    /// Accounts whose groups have been seen with members.
    lists_members: BTreeSet<String>,
    settled: usize,
}

impl<S: Store, A: Application, L: Leases> Round<'_, S, A, L> {
    async fn user(&mut self, user: User) -> Result<(), S::Error> {
        let Some(id) = user.id.clone() else {
            return Ok(());
        };
        let keys = [
            Key::User(user_key(&user.account, &id)),
            Key::UserByName(user_key(&user.account, &user.user_name)),
        ];
        let Some(_held) = self.lease(&keys).await else {
            return Ok(());
        };
        let only = Some((user.account.as_str(), id.as_str()));
        if !self
            .lookups
            .store
            .open_users(self.over, only)
            .await?
            .contains(&user)
        {
            return Ok(());
        }
        match self.resource(&user.account, "Users", &id).await {
            Lookup::Found(found) => {
                // Without a name on record either, the user stays open.
                let known = Some(&user.user_name).filter(|name| **name != id);
                let Some(user_name) = found.user_name.or_else(|| known.cloned()) else {
                    return Ok(());
                };
                self.apply(Record::User(User {
                    user_name,
                    display_name: found.display_name.or(user.display_name.clone()),
                    external_id: found.external_id.or(user.external_id.clone()),
                    active: found.active.unwrap_or(user.active),
                    write_pending: false,
                    deletion_pending: false,
                    ..user
                }))
                .await
            }
            Lookup::Missing => {
                let question = Question::User(user.account.clone(), id.clone());
                if !self.is_missing_twice(question) {
                    return Ok(());
                }
                // A user that was not being deleted was deactivated, in an application that then
                // deletes. Of a user without a name only an unanswered write is known.
                let record = match user.deletion_pending || user.user_name == id {
                    true => Record::RemoveUser(ResourceKey {
                        account: user.account,
                        scope: String::new(),
                        id,
                    }),
                    false => Record::User(User {
                        active: false,
                        write_pending: false,
                        ..user
                    }),
                };
                self.apply(record).await
            }
            Lookup::Unknown => Ok(()),
        }
    }

    async fn group(&mut self, group: Group) -> Result<(), S::Error> {
        let Some(id) = group.id.clone() else {
            return Ok(());
        };
        let Some(_held) = self.lease(&[group_key(&group.account, &id)]).await else {
            return Ok(());
        };
        let only = Some((group.account.as_str(), id.as_str()));
        if !self
            .lookups
            .store
            .open_groups(self.over, only)
            .await?
            .contains(&group)
        {
            return Ok(());
        }
        match self.resource(&group.account, "Groups", &id).await {
            Lookup::Found(found) => {
                let was_being_deleted = group.deletion_pending;
                let found = Group {
                    display_name: found.display_name.or(group.display_name.clone()),
                    external_id: found.external_id.or(group.external_id.clone()),
                    write_pending: false,
                    deletion_pending: false,
                    ..group
                };
                if !was_being_deleted {
                    return self.apply(Record::Group(found)).await;
                }
                // A native one may be the one that the provider is creating; its next request settles it.
                let key = Some((found.account.as_str(), id.as_str()));
                if found.managed_by.is_none()
                    && !self.lookups.store.open_intents(key).await?.is_empty()
                {
                    return Ok(());
                }
                self.settled += 1;
                let steps = settlement::settle_deletion(found);
                self.lookups.store.apply(steps).await
            }
            // Some applications show only what was provisioned.
            Lookup::Missing if group.managed_by.is_none() => Ok(()),
            Lookup::Missing => {
                let question = Question::Group(group.account.clone(), id.clone());
                if !self.is_missing_twice(question) {
                    return Ok(());
                }
                self.apply(Record::RemoveGroup(ResourceKey {
                    account: group.account,
                    scope: String::new(),
                    id,
                }))
                .await
            }
            Lookup::Unknown => Ok(()),
        }
    }

    async fn members(&mut self, group: OpenMembers) -> Result<(), S::Error> {
        let Some(_held) = self
            .lease(&[group_key(&group.account, &group.group_id)])
            .await
        else {
            return Ok(());
        };
        let open = self
            .lookups
            .store
            .open_members_of(&group, self.over)
            .await?;
        let found = self
            .resource(&group.account, "Groups", &group.group_id)
            .await;
        let found = match found {
            Lookup::Found(found) => found.members,
            Lookup::Missing => {
                // Some applications show only what was provisioned.
                let recorded = self
                    .lookups
                    .store
                    .recorded_group(&group.account, &group.group_id)
                    .await?;
                if recorded.is_none_or(|group| group.managed_by.is_none()) {
                    return Ok(());
                }
                Some(Vec::new())
            }
            Lookup::Unknown => return Ok(()),
        };
        // Groups without members have no such attribute, and in some applications no group has.
        let Some(found) = self.listed_members(&group.account, found).await else {
            return Ok(());
        };
        let actual: BTreeSet<String> = found.into_iter().map(|member| member.value).collect();
        let (members, others): (BTreeSet<String>, BTreeSet<String>) =
            open.into_iter().partition(|user| actual.contains(user));
        let gone: BTreeSet<String> = others
            .into_iter()
            .filter(|user| self.is_missing_twice(Question::Member(group.clone(), user.clone())))
            .collect();
        self.settled += members.len() + gone.len();
        let group = GroupRowKey::new(&group.account, "", RowId::known(&group.group_id));
        let steps = settlement::settle_members(&group, &members, &gone);
        self.lookups.store.apply(steps).await
    }

    /// The members of a group. `None`: the application returns members of no group.
    async fn listed_members(
        &mut self,
        account: &str,
        found: Option<Vec<MemberOf>>,
    ) -> Option<Vec<MemberOf>> {
        let mut lists = found.is_some() || self.lists_members.contains(account);
        if !lists {
            let query = [
                ("startIndex", "1".to_owned()),
                ("count", SAMPLE_SIZE.to_string()),
            ];
            let path = self.lookups.paths.list(account, "Groups", &query);
            let groups = self.list(&path).await?.resources;
            lists = groups.iter().any(|group| group.members.is_some());
        }
        if lists {
            self.lists_members.insert(account.to_owned());
        }
        found.or_else(|| lists.then(Vec::new))
    }

    /// While it is held, no write of this guard that could change the answers is in progress.
    async fn lease(&self, keys: &[Key]) -> Option<L::Guard> {
        self.leases.acquire(&names(keys, &[])).await.ok()
    }

    async fn list(&self, path: &str) -> Option<Page> {
        let application = self.lookups.application;
        let whole = application.read(path, self.credential).await?;
        self.lookups.read_list(&whole)
    }

    async fn resource(&self, account: &str, collection: &str, id: &str) -> Lookup<Resource> {
        let Some(path) = self.lookups.paths.resource(account, collection, id) else {
            return Lookup::Unknown;
        };
        let application = self.lookups.application;
        let Some(whole) = application.read(&path, self.credential).await else {
            return Lookup::Unknown;
        };
        if whole.status == NOT_FOUND {
            return Lookup::Missing;
        }
        match self.lookups.read_resource(&whole) {
            Some(resource) if resource.id == id => Lookup::Found(resource),
            _ => Lookup::Unknown,
        }
    }

    async fn apply(&mut self, record: Record) -> Result<(), S::Error> {
        self.settled += 1;
        self.lookups.store.apply(vec![Step::Record(record)]).await
    }

    fn is_over(&self, opened: i64) -> bool {
        u64::try_from(opened).unwrap_or_default() <= self.over
    }

    fn is_missing_twice(&mut self, question: Question) -> bool {
        if self.missing.contains(&question) {
            return true;
        }
        self.missing_now.insert(question);
        false
    }
}

fn user_key(account: &str, value: &str) -> UserKey {
    UserKey {
        account: account.to_owned(),
        value: value.to_owned(),
        unseen: Unseen::Absent,
    }
}

fn group_key(account: &str, id: &str) -> Key {
    Key::Group(GroupKey {
        account: account.to_owned(),
        scope: String::new(),
        id: id.to_owned(),
        unseen: Unseen::Absent,
    })
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
