//! Unanswered creates: which resource of the backend each one made.

use scimguard_core::facts::{Key, ResourceKind};
use scimguard_core::fold;
use scimguard_core::record::{IntentKey, settlement};

use super::{Lookup, Question, Round, group_key, user_key};
use crate::leases::Leases;
use crate::lookup::{Application, Resource};
use crate::ports::{OpenIntent, Store};

impl<S: Store, A: Application, L: Leases> Round<'_, S, A, L> {
    pub(super) async fn intent(&mut self, intent: OpenIntent) -> Result<(), S::Error> {
        let keys = match intent.kind {
            ResourceKind::User => [Key::UserByName(user_key(&intent.account, &intent.name))],
            ResourceKind::Group => [group_key(&intent.account, &intent.key)],
        };
        let Some(_held) = self.lease(&keys).await else {
            return Ok(());
        };
        let only = Some((intent.account.as_str(), intent.key.as_str()));
        if !self
            .lookups
            .store
            .open_intents(only)
            .await?
            .contains(&intent)
        {
            return Ok(());
        }
        let key = IntentKey {
            kind: intent.kind,
            account: intent.account.clone(),
            key: intent.key.clone(),
        };
        let created = match intent.kind {
            ResourceKind::User => self.created_user(&intent).await,
            ResourceKind::Group => self.created_group(&intent).await?,
        };
        // A user who was there before the create may lose the name yet, and the create then makes
        // another. An unknown group is the created one.
        let is_certain = intent.kind == ResourceKind::Group || self.is_over(intent.opened);
        match created {
            Lookup::Found(id) if is_certain => {
                self.settled += 1;
                self.lookups
                    .store
                    .apply(settlement::settle_by_name(key, id))
                    .await
            }
            Lookup::Missing if self.is_over(intent.opened) => {
                let known = self.known_since(&intent).await?;
                if !self.is_missing_twice(Question::Intent(intent)) {
                    return Ok(());
                }
                self.settled += 1;
                let steps = settlement::settle_at_last(key, known);
                self.lookups.store.apply(steps).await
            }
            Lookup::Found(_) | Lookup::Missing | Lookup::Unknown => Ok(()),
        }
    }

    async fn created_user(&self, intent: &OpenIntent) -> Lookup<String> {
        let path = self
            .lookups
            .paths
            .users_named(&intent.account, &intent.name);
        let Some(found) = self.list(&path).await else {
            return Lookup::Unknown;
        };
        let wanted = fold(&intent.name);
        let is_it = |user: &Resource| user.user_name.as_deref().map(fold).as_ref() == Some(&wanted);
        match found.resources.into_iter().find(is_it) {
            Some(user) => Lookup::Found(user.id),
            None if found.total_results == 0 => Lookup::Missing,
            None => Lookup::Unknown,
        }
    }

    /// The group that a create made. Names are not unique, and a taken id is not derived from a
    /// name: where several groups are possible, the create stays open until the provider's next
    /// request settles it.
    async fn created_group(&self, intent: &OpenIntent) -> Result<Lookup<String>, S::Error> {
        let path = self
            .lookups
            .paths
            .groups_named(&intent.account, &intent.name);
        let Some(found) = self.list(&path).await else {
            return Ok(Lookup::Unknown);
        };
        if found.total_results > u64::try_from(found.resources.len()).unwrap_or(u64::MAX) {
            return Ok(Lookup::Unknown);
        }
        let store = &self.lookups.store;
        let mut unseen = Vec::new();
        for group in found.resources {
            if group.display_name.as_deref() != Some(&intent.name) {
                continue;
            }
            let identified = group.external_id.is_some() && group.external_id == intent.external_id;
            let is_derived = Some(&group.id) == intent.derived_id.as_ref();
            match store.recorded_group(&intent.account, &group.id).await? {
                // A native one that may be deleted, or one created since.
                Some(known)
                    if is_derived && known.deletion_pending && known.managed_by.is_none() =>
                {
                    return Ok(Lookup::Unknown);
                }
                Some(_) => {}
                None if identified => return Ok(Lookup::Found(group.id)),
                None => unseen.push((group.id, is_derived)),
            }
        }
        Ok(match (unseen.as_slice(), &intent.derived_id) {
            ([], _) => Lookup::Missing,
            ([(id, true)], _) | ([(id, _)], None) => Lookup::Found(id.clone()),
            // It may be the created one, or another group of that name.
            ([(_, false)], Some(_)) if intent.taken => Lookup::Unknown,
            ([(_, false)], Some(derived)) => {
                match self.resource(&intent.account, "Groups", derived).await {
                    // Another group of that name, and none that was created.
                    Lookup::Missing => Lookup::Missing,
                    Lookup::Found(_) | Lookup::Unknown => Lookup::Unknown,
                }
            }
            _ => Lookup::Unknown,
        })
    }

    /// The recorded group that settles a create if the backend shows no new one: the provider's group
    /// whose id derives from the name, if there is one. Its initial members are then unknown.
    async fn known_since(&self, intent: &OpenIntent) -> Result<Option<String>, S::Error> {
        let Some(derived) = intent.derived_id.clone() else {
            return Ok(None);
        };
        let known = self
            .lookups
            .store
            .recorded_group(&intent.account, &derived)
            .await?;
        Ok(known
            .filter(|known| known.managed_by.is_some())
            .map(|_| derived))
    }
}
