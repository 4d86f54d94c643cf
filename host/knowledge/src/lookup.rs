//! Asks the application whether a resource that is not recorded exists: one GET, whose only usable
//! answers are the resource itself and 404.

use scimguard_core::facts::{
    Answer, DerivedIdKey, ExternalIdKey, Fact, Group, GroupKey, Key, Unseen, User, UserKey,
};
use scimguard_core::{Readable, fold};
use scimguard_exchange::ScimPaths;
use serde::Deserialize;

use super::ports::Store;

/// The application, as far as it is read here.
pub trait Application: Sync {
    /// What a read authenticates with.
    type Credential: Send + Sync;

    /// The answer to a GET of this path. `None`: there is none, or none that can be trusted.
    fn read(
        &self,
        path: &str,
        credential: &Self::Credential,
    ) -> impl Future<Output = Option<Read>> + Send;
}

/// An answer of the application.
#[derive(Clone, Debug)]
pub struct Read {
    /// The HTTP status.
    pub status: u16,
    /// The body, unless it is empty or too large.
    pub body: Option<Vec<u8>>,
}

const OK: u16 = 200;
pub(crate) const NOT_FOUND: u16 = 404;

/// What a lookup reads of a resource.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Resource {
    pub(crate) id: String,
    pub(crate) user_name: Option<String>,
    pub(crate) display_name: Option<String>,
    pub(crate) external_id: Option<String>,
    pub(crate) active: Option<bool>,
    pub(crate) members: Option<Vec<MemberOf>>,
}

/// A member of a group.
#[derive(Deserialize)]
pub(crate) struct MemberOf {
    pub(crate) value: String,
}

/// What a lookup reads of a search (RFC 7644 §3.4.2).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Page {
    pub(crate) total_results: u64,
    #[serde(default, rename = "Resources")]
    pub(crate) resources: Vec<Resource>,
}

/// The account whose backend has to be asked for this key, if any.
pub(crate) fn due(fact: &Fact) -> Option<&str> {
    let (unseen, account) = match &fact.key {
        Key::User(key) | Key::UserByName(key) => (key.unseen, &key.account),
        Key::Group(key) => (key.unseen, &key.account),
        _ => return None,
    };
    (unseen == Unseen::Backend && fact.answer == Answer::Absent).then_some(account)
}

/// Looks up resources in the application.
pub struct Lookups<'a, S, A> {
    /// The record.
    pub store: &'a S,
    /// The application.
    pub application: &'a A,
    /// The application's paths.
    pub paths: &'a ScimPaths,
    /// Reads its answers.
    pub readable: &'a Readable,
}

impl<S: Store, A: Application> Lookups<'_, S, A> {
    /// The backend's answer to a key without a record.
    pub async fn look_up(&self, key: &Key, credential: Option<&A::Credential>) -> Answer {
        let answer = match (key, credential) {
            (Key::User(key), Some(credential)) => self.look_up_user(key, credential).await,
            (Key::UserByName(key), Some(credential)) => self.look_up_name(key, credential).await,
            (Key::Group(key), Some(credential)) => self.look_up_group(key, credential).await,
            _ => None,
        };
        answer.unwrap_or(Answer::Unavailable)
    }

    async fn look_up_user(&self, key: &UserKey, credential: &A::Credential) -> Option<Answer> {
        let path = self.paths.resource(&key.account, "Users", &key.value)?;
        let whole = self.application.read(&path, credential).await?;
        if whole.status == NOT_FOUND {
            return Some(Answer::Absent);
        }
        let resource = self.read_resource(&whole)?;
        let same = fold(&resource.id) == fold(&key.value);
        if same {
            self.user_seen(&key.account, resource).await
        } else {
            None
        }
    }

    async fn look_up_name(&self, key: &UserKey, credential: &A::Credential) -> Option<Answer> {
        let path = self.paths.users_named(&key.account, &key.value);
        let found = self.read_list(&self.application.read(&path, credential).await?)?;
        if found.total_results == 0 && found.resources.is_empty() {
            return Some(Answer::Absent);
        }
        let wanted = fold(&key.value);
        let resource = found
            .resources
            .into_iter()
            .find(|resource| resource.user_name.as_deref().map(fold).as_ref() == Some(&wanted))?;
        self.user_seen(&key.account, resource).await
    }

    async fn look_up_group(&self, key: &GroupKey, credential: &A::Credential) -> Option<Answer> {
        let path = self.paths.resource(&key.account, "Groups", &key.id)?;
        let whole = self.application.read(&path, credential).await?;
        if whole.status == NOT_FOUND {
            return Some(Answer::Absent);
        }
        let resource = self.read_resource(&whole)?;
        if fold(&resource.id) != fold(&key.id) {
            return None;
        }
        // By the name itself, unless an id was derived from it.
        let by_name = resource.display_name.clone().map(|id| {
            Key::GroupByDerivedId(DerivedIdKey {
                account: key.account.clone(),
                scope: key.scope.clone(),
                id,
                replace: String::new(),
                with: String::new(),
            })
        });
        let by_external_id = external_id_key(&key.account, &resource);
        let recorded = self.recorded([by_name, by_external_id]).await?;
        let unsettled = recorded.into_iter().any(|answer| match answer {
            Answer::Groups(groups) => groups.iter().any(|group| group.id.is_none()),
            answer => is_unsettled_holder(&answer),
        });
        let group = Group {
            account: key.account.clone(),
            scope: key.scope.clone(),
            id: Some(resource.id),
            display_name: resource.display_name,
            external_id: resource.external_id,
            ..Group::default()
        };
        (!unsettled).then_some(Answer::Group(group))
    }

    /// A user that only the backend has: native, unless an unsettled create may have made it.
    async fn user_seen(&self, account: &str, resource: Resource) -> Option<Answer> {
        let by_external_id = external_id_key(account, &resource);
        let user_name = resource.user_name?;
        let by_name = Key::UserByName(UserKey {
            account: account.to_owned(),
            value: user_name.clone(),
            unseen: Unseen::Absent,
        });
        for answer in self.recorded([Some(by_name), by_external_id]).await? {
            match answer {
                Answer::User(user) if user.id.is_none() => return Some(Answer::User(user)),
                answer if is_unsettled_holder(&answer) => return None,
                _ => {}
            }
        }
        Some(Answer::User(User {
            account: account.to_owned(),
            id: Some(resource.id),
            user_name,
            display_name: resource.display_name,
            external_id: resource.external_id,
            active: resource.active.unwrap_or(true),
            ..User::default()
        }))
    }

    async fn recorded(&self, keys: [Option<Key>; 2]) -> Option<Vec<Answer>> {
        let keys: Vec<Key> = keys.into_iter().flatten().collect();
        self.store.answer(&keys).await.ok()
    }

    /// Reads a resource from the backend's answer.
    pub(crate) fn read_resource(&self, whole: &Read) -> Option<Resource> {
        let text = self.readable.resource(success(whole)?)?;
        serde_json::from_slice(&text).ok()
    }

    /// Reads a list from the backend's answer, from its first page.
    pub(crate) fn read_list(&self, whole: &Read) -> Option<Page> {
        let text = self.readable.list(success(whole)?, true)?;
        serde_json::from_slice(&text).ok()
    }
}

fn success(whole: &Read) -> Option<&[u8]> {
    match whole.status {
        OK => whole.body.as_deref(),
        _ => None,
    }
}

fn external_id_key(account: &str, resource: &Resource) -> Option<Key> {
    let value = resource.external_id.clone()?;
    Some(Key::ExternalId(ExternalIdKey {
        account: account.to_owned(),
        value,
    }))
}

fn is_unsettled_holder(answer: &Answer) -> bool {
    match answer {
        Answer::Holders(holders) => holders.iter().any(|holder| holder.id.is_none()),
        _ => false,
    }
}
