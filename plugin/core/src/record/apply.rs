//! How the record in memory changes: one [`Record`] after the other.

use super::{Intent, IntentKey, MemberRecord, Record, Settled};
use crate::facts::{Group, Membership, Origin, ResourceKind, Table, User};

/// Marks the ids of creates that are not settled. Ids with control characters are refused, so no
/// resource has such an id.
const PENDING: char = '\u{1}';

impl Table {
    /// Applies one change of the record.
    pub fn apply(&mut self, record: &Record) {
        match record {
            Record::Intent(intent) => self.intend(intent),
            Record::Settle(Settled { intent, id }) => self.settle(intent, id),
            Record::Withdraw(intent) => self.withdraw(intent),
            Record::User(user) => {
                if let Some(id) = &user.id {
                    self.users
                        .insert((user.account.clone(), id.clone()), user.clone());
                }
            }
            Record::Group(group) => {
                if let Some(id) = &group.id {
                    let key = (group.account.clone(), group.scope.clone(), id.clone());
                    self.groups.insert(key, group.clone());
                }
            }
            Record::Member(member) => self.set_member(member),
            Record::Members(all) => {
                for user in &all.users {
                    let key = (
                        all.account.clone(),
                        all.scope.clone(),
                        all.group.clone(),
                        user.clone(),
                    );
                    self.members.insert(key, Membership::Confirmed);
                }
            }
            // No rule reads what has to be repeated.
            Record::Failed(_) => {}
            Record::RemoveUser(key) => {
                self.remove(ResourceKind::User, &key.account, "", &key.id);
            }
            Record::RemoveGroup(key) => {
                self.remove(ResourceKind::Group, &key.account, &key.scope, &key.id);
            }
        }
    }

    fn intend(&mut self, intent: &Intent) {
        let id = pending_id(&IntentKey {
            kind: intent.kind,
            account: intent.account.clone(),
            key: intent.key.clone(),
        });
        let account = intent.account.clone();
        let origin = Some(Origin::Created(Some(intent.by.clone())));
        match intent.kind {
            ResourceKind::User => {
                let user = User {
                    account: account.clone(),
                    id: None,
                    user_name: intent.user_name.clone().unwrap_or_default(),
                    display_name: intent.display_name.clone(),
                    external_id: intent.external_id.clone(),
                    active: intent.active,
                    managed_by: Some(intent.provider.clone()),
                    pending: true,
                    leaving: false,
                    since: Some(intent.at),
                    origin,
                    in_managed_group: false,
                };
                self.users.insert((account, id), user);
            }
            ResourceKind::Group => {
                let group = Group {
                    account: account.clone(),
                    scope: String::new(),
                    id: None,
                    display_name: intent.display_name.clone(),
                    derived_id: intent.derived_id.clone(),
                    external_id: intent.external_id.clone(),
                    managed_by: Some(intent.provider.clone()),
                    pending: true,
                    leaving: false,
                    since: Some(intent.at),
                    origin,
                    members_known: true,
                };
                let is_taken = intent.derived_id.as_ref().is_some_and(|derived| {
                    let key = (account.clone(), String::new(), derived.clone());
                    self.groups.contains_key(&key)
                });
                let key = (account.clone(), String::new(), id.clone());
                let is_repeated = self.groups.insert(key, group).is_some();
                let attempt = (account.clone(), id.clone());
                if is_repeated {
                    *self.again.entry(attempt.clone()).or_default() += 1;
                }
                if is_taken || is_repeated {
                    self.taken.insert(attempt);
                }
                for member in &intent.members {
                    let key = (account.clone(), String::new(), id.clone(), member.clone());
                    self.members.insert(key, Membership::Joining);
                }
            }
        }
    }

    fn settle(&mut self, intent: &IntentKey, id: &str) {
        let pending = pending_id(intent);
        let account = &intent.account;
        let is_certain = match intent.kind {
            ResourceKind::User => {
                let Some(mut user) = self.users.remove(&(account.clone(), pending.clone())) else {
                    return;
                };
                let key = (account.clone(), id.to_owned());
                user.id = Some(id.to_owned());
                user.pending = false;
                // Whom the provider has written to since, by the id, the intent says nothing new of.
                // What is open there stays open.
                match self
                    .users
                    .get(&key)
                    .filter(|written| written.managed_by.is_some())
                {
                    Some(written) if !written.pending => user = written.clone(),
                    Some(written) => {
                        user.pending = true;
                        user.active &= written.active;
                    }
                    None => {}
                }
                self.users.insert(key, user);
                true
            }
            ResourceKind::Group => {
                let key = (account.clone(), String::new(), pending.clone());
                let settled = (account.clone(), String::new(), id.to_owned());
                let Some(mut group) = self.groups.get(&key).cloned() else {
                    return;
                };
                // One that was known already says nothing of the create, but for a native one that is
                // perhaps deleted: it may be another one, and counts as owned while the create is open.
                let is_certain = match self.groups.get(&settled) {
                    Some(known) if known.leaving && known.managed_by.is_none() => {
                        group.members_known = known.members_known;
                        false
                    }
                    Some(_) => return,
                    None => true,
                };
                group.id = Some(id.to_owned());
                group.pending = false;
                // Who was in a group of this id before it was created again may be out.
                for (key, membership) in &mut self.members {
                    let is_in = key.0 == *account && key.1.is_empty() && key.2 == id;
                    if is_in && *membership != Membership::Leaving {
                        *membership = Membership::Joining;
                    }
                }
                self.groups.insert(settled, group);
                is_certain
            }
        };
        let renamed: Vec<_> = self
            .members
            .iter()
            .filter(|(key, _)| {
                let named = match intent.kind {
                    ResourceKind::User => &key.3,
                    ResourceKind::Group => &key.2,
                };
                key.0 == *account && *named == pending
            })
            .map(|(key, membership)| (key.clone(), *membership))
            .collect();
        let rename = |name: &str| match name == pending {
            true => id.to_owned(),
            false => name.to_owned(),
        };
        for (key, membership) in renamed {
            let key = (key.0.clone(), key.1.clone(), rename(&key.2), rename(&key.3));
            self.members.insert(key, membership);
        }
        if is_certain {
            self.withdraw(intent);
        }
    }

    /// One attempt has its outcome. There is one user of a name, but each other attempt to create a
    /// group may have made one, or make it still.
    fn withdraw(&mut self, intent: &IntentKey) {
        let id = pending_id(intent);
        let attempt = (intent.account.clone(), id.clone());
        match self.again.get_mut(&attempt) {
            Some(again) if *again > 0 => *again -= 1,
            _ => {
                self.again.remove(&attempt);
                self.remove(intent.kind, &intent.account, "", &id);
            }
        }
    }

    fn set_member(&mut self, member: &MemberRecord) {
        let key = (
            member.account.clone(),
            member.scope.clone(),
            member.group.clone(),
            member.user.clone(),
        );
        match (member.present, member.pending) {
            (true, false) => {
                self.members.insert(key, Membership::Confirmed);
            }
            (true, true) => {
                let membership = match member.by {
                    Some(_) => Membership::Joining,
                    None => Membership::Untold,
                };
                self.members.insert(key, membership);
            }
            // Until the removal is certain, who was in stays in.
            (false, true) => {
                self.members
                    .entry(key)
                    .and_modify(|membership| *membership = Membership::Leaving);
            }
            (false, false) => {
                self.members.remove(&key);
            }
        }
    }

    fn remove(&mut self, kind: ResourceKind, account: &str, scope: &str, id: &str) {
        match kind {
            ResourceKind::User => {
                self.users.remove(&(account.to_owned(), id.to_owned()));
                self.members
                    .retain(|key, _| key.0 != account || key.3 != id);
            }
            ResourceKind::Group => {
                let key = (account.to_owned(), scope.to_owned(), id.to_owned());
                self.groups.remove(&key);
                self.taken.remove(&(account.to_owned(), id.to_owned()));
                self.members
                    .retain(|key, _| key.0 != account || key.1 != scope || key.2 != id);
            }
        }
    }
}

/// The id under which an unsettled create is kept.
fn pending_id(intent: &IntentKey) -> String {
    let kind = match intent.kind {
        ResourceKind::User => "user",
        ResourceKind::Group => "group",
    };
    format!("{PENDING}{kind}:{}", intent.key)
}
