//! Asks the backend whether a resource that is not recorded exists: one GET, whose only usable
//! answers are the resource itself and 404.

use http::{HeaderName, HeaderValue, StatusCode};
use scimguard_core::facts::{
    Answer, DerivedIdKey, ExternalIdKey, Fact, Group, GroupKey, Key, Unseen, User, UserKey,
};
use scimguard_core::{Headers, fold, sha256_hex};
use scimguard_exchange::good_tokens;
use serde::Deserialize;

use super::Proxy;
use super::backend::{BufferedResponse, Outbound};

/// What a lookup reads of a resource.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Resource {
    pub(super) id: String,
    pub(super) user_name: Option<String>,
    pub(super) display_name: Option<String>,
    pub(super) external_id: Option<String>,
    pub(super) active: Option<bool>,
    pub(super) members: Option<Vec<MemberOf>>,
}

/// A member of a group.
#[derive(Deserialize)]
pub(super) struct MemberOf {
    pub(super) value: String,
}

/// What a lookup reads of a search (RFC 7644 §3.4.2).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Found {
    pub(super) total_results: u64,
    #[serde(default, rename = "Resources")]
    pub(super) resources: Vec<Resource>,
}

/// The account whose backend has to be asked for this key, if any.
pub(super) fn due(fact: &Fact) -> Option<&str> {
    let (unseen, account) = match &fact.key {
        Key::User(key) | Key::UserByName(key) => (key.unseen, &key.account),
        Key::Group(key) => (key.unseen, &key.account),
        _ => return None,
    };
    (unseen == Unseen::Backend && fact.answer == Answer::Absent).then_some(account)
}

/// The one header to authenticate with when asking the backend about an account: the guard's own
/// credential, otherwise that of the verified provisioner whose request this is.
pub(super) fn credential(
    proxy: &Proxy,
    headers: &Headers,
    facts: &[Fact],
    account: &str,
    now: u64,
) -> Option<(HeaderName, HeaderValue)> {
    if let Some(own) = proxy.own_credential() {
        return Some((own.name, own.value));
    }
    let own = good_tokens(facts, now)
        .next()
        .filter(|(_, token)| token.account == account && token.provider.is_some());
    let is_verified = |token: &[u8]| {
        own.is_some_and(|(sha256, _)| *sha256 == sha256_hex(token))
            || facts.iter().any(|fact| match (&fact.key, &fact.answer) {
                // The policy judges the claims before it asks for more.
                (Key::Verified(key), Answer::Claims(_)) => {
                    key.account == account && key.token.expose().as_bytes() == token
                }
                _ => false,
            })
    };
    headers.iter().find_map(|(name, value)| {
        let token = match value.get(..7) {
            Some(scheme) if scheme.eq_ignore_ascii_case(b"bearer ") => &value[7..],
            _ => value,
        };
        let carries_it = is_verified(token.trim_ascii());
        let name = HeaderName::try_from(name.as_str()).ok()?;
        let mut value = HeaderValue::from_bytes(value).ok()?;
        value.set_sensitive(true);
        carries_it.then_some((name, value))
    })
}

impl Proxy {
    /// The backend's answer to a key without a record.
    pub(super) async fn look_up(
        &self,
        key: &Key,
        credential: Option<&(HeaderName, HeaderValue)>,
    ) -> Answer {
        let answer = match (key, credential) {
            (Key::User(key), Some(credential)) => self.look_up_user(key, credential).await,
            (Key::UserByName(key), Some(credential)) => self.look_up_name(key, credential).await,
            (Key::Group(key), Some(credential)) => self.look_up_group(key, credential).await,
            _ => None,
        };
        answer.unwrap_or(Answer::Unavailable)
    }

    async fn look_up_user(
        &self,
        key: &UserKey,
        credential: &(HeaderName, HeaderValue),
    ) -> Option<Answer> {
        let path = self
            .setup
            .paths()
            .resource(&key.account, "Users", &key.value)?;
        let whole = self.ask(&path, credential).await?;
        if whole.status == StatusCode::NOT_FOUND {
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

    async fn look_up_name(
        &self,
        key: &UserKey,
        credential: &(HeaderName, HeaderValue),
    ) -> Option<Answer> {
        let path = self.setup.paths().users_named(&key.account, &key.value);
        let found = self.read_list(&self.ask(&path, credential).await?)?;
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

    async fn look_up_group(
        &self,
        key: &GroupKey,
        credential: &(HeaderName, HeaderValue),
    ) -> Option<Answer> {
        let path = self
            .setup
            .paths()
            .resource(&key.account, "Groups", &key.id)?;
        let whole = self.ask(&path, credential).await?;
        if whole.status == StatusCode::NOT_FOUND {
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
    pub(super) fn read_resource(&self, whole: &BufferedResponse) -> Option<Resource> {
        let text = self.readable.resource(&success(whole)?)?;
        serde_json::from_slice(&text).ok()
    }

    /// Reads a list from the backend's answer, from its first page.
    pub(super) fn read_list(&self, whole: &BufferedResponse) -> Option<Found> {
        let text = self.readable.list(&success(whole)?, true)?;
        serde_json::from_slice(&text).ok()
    }

    pub(super) async fn ask(
        &self,
        path: &str,
        (name, value): &(HeaderName, HeaderValue),
    ) -> Option<BufferedResponse> {
        let outbound = Outbound::scim_read(path.parse().ok()?, Some((name, value)));
        let limit = self.setup.answer_limit();
        match self.backend.exchange(outbound, limit).await {
            Ok(whole) => Some(whole),
            Err(error) => {
                error.log();
                None
            }
        }
    }
}

fn success(whole: &BufferedResponse) -> Option<bytes::Bytes> {
    match whole.status {
        StatusCode::OK => whole.bytes(),
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
