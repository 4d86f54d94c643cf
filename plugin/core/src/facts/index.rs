//! What is looked up in the record in memory, each kind worked out at the first question of it, so
//! that n keys take n log n and not n times the record.

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::table::Table;
use super::{DerivedIdKey, Group, User};
use crate::fold::{fold, skeleton};

/// Users by account and another text, in the order of their ids.
type Users<'t> = BTreeMap<(&'t str, String), Vec<(&'t str, &'t User)>>;

/// Groups by account, scope and another text, in the order of their ids.
type Groups<'t> = BTreeMap<(&'t str, &'t str, String), Vec<(&'t str, &'t Group)>>;

/// Groups of all scopes, by account and another text.
type GroupsOfAccount<'t> = BTreeMap<(&'t str, &'t str), Vec<(&'t str, &'t Group)>>;

/// The key of a membership: account, scope, group, user.
type MembershipKey = (String, String, String, String);

/// A record, and what is looked up in it.
pub(super) struct Index<'t> {
    pub(super) table: &'t Table,
    folded_ids: OnceCell<Users<'t>>,
    folded_names: OnceCell<Users<'t>>,
    looks: OnceCell<Users<'t>>,
    user_identities: OnceCell<Users<'t>>,
    folded_groups: OnceCell<Groups<'t>>,
    group_identities: OnceCell<GroupsOfAccount<'t>>,
    /// By what the derivation replaces, and by what.
    derived: RefCell<BTreeMap<(String, String), Rc<Groups<'t>>>>,
    memberships: OnceCell<BTreeMap<(&'t str, &'t str), Vec<&'t MembershipKey>>>,
    in_managed_groups: OnceCell<BTreeSet<(&'t str, &'t str)>>,
    accounts_with_pending_users: OnceCell<BTreeSet<&'t str>>,
    accounts_with_nameless_users: OnceCell<BTreeSet<&'t str>>,
    scopes_with_groups_without_id: OnceCell<BTreeSet<(&'t str, &'t str)>>,
}

// === impl Index ===

impl<'t> Index<'t> {
    pub(super) fn of(table: &'t Table) -> Self {
        Self {
            table,
            folded_ids: OnceCell::new(),
            folded_names: OnceCell::new(),
            looks: OnceCell::new(),
            user_identities: OnceCell::new(),
            folded_groups: OnceCell::new(),
            group_identities: OnceCell::new(),
            derived: RefCell::default(),
            memberships: OnceCell::new(),
            in_managed_groups: OnceCell::new(),
            accounts_with_pending_users: OnceCell::new(),
            accounts_with_nameless_users: OnceCell::new(),
            scopes_with_groups_without_id: OnceCell::new(),
        }
    }

    pub(super) fn users_of_folded_id(
        &self,
        account: &str,
        folded: &str,
    ) -> Vec<(&'t str, &'t User)> {
        let all = self
            .folded_ids
            .get_or_init(|| self.users_by(|id, _| vec![fold(id)]));
        found(all, account, folded)
    }

    pub(super) fn users_of_folded_name(
        &self,
        account: &str,
        folded: &str,
    ) -> Vec<(&'t str, &'t User)> {
        let all = self
            .folded_names
            .get_or_init(|| self.users_by(|_, user| vec![fold(&user.user_name)]));
        found(all, account, folded)
    }

    /// Those whose name looks like this.
    pub(super) fn users_of_look(&self, account: &str, look: &str) -> Vec<(&'t str, &'t User)> {
        let all = self
            .looks
            .get_or_init(|| self.users_by(|_, user| vec![skeleton(&user.user_name)]));
        found(all, account, look)
    }

    /// Those whose id or external id this is.
    pub(super) fn users_of_identity(&self, account: &str, value: &str) -> Vec<(&'t str, &'t User)> {
        let all = self.user_identities.get_or_init(|| {
            self.users_by(|id, user| {
                let external = user.external_id.as_deref().filter(|other| *other != id);
                let both = std::iter::once(id).chain(external);
                both.map(str::to_owned).collect()
            })
        });
        found(all, account, value)
    }

    fn users_by(&self, texts: impl Fn(&str, &User) -> Vec<String>) -> Users<'t> {
        let mut all = Users::new();
        for ((account, id), user) in &self.table.users {
            for text in texts(id, user) {
                all.entry((account, text)).or_default().push((id, user));
            }
        }
        all
    }

    /// Those of this id, and unsettled creates whose name gives it.
    pub(super) fn groups_of_folded_id(
        &self,
        account: &str,
        scope: &str,
        folded: &str,
    ) -> Vec<(&'t str, &'t Group)> {
        let all = self.folded_groups.get_or_init(|| {
            self.groups_by(|id, group| {
                let derived = group.derived_id.as_deref().filter(|_| group.id.is_none());
                std::iter::once(id).chain(derived).map(fold).collect()
            })
        });
        let key = (account, scope, folded.to_owned());
        all.get(&key).cloned().unwrap_or_default()
    }

    /// Those of this id, and those whose name gives it by the key's derivation.
    pub(super) fn groups_of_derived_id(&self, key: &DerivedIdKey) -> Vec<(&'t str, &'t Group)> {
        let derivation = (key.replace.clone(), key.with.clone());
        let known = self.derived.borrow().get(&derivation).map(Rc::clone);
        let all = known.unwrap_or_else(|| {
            let all = Rc::new(self.groups_by(|id, group| {
                let by_name = group.display_name.as_deref().map(|name| key.derive(name));
                let own = std::iter::once(id.to_owned());
                own.chain(by_name).chain(group.derived_id.clone()).collect()
            }));
            self.derived
                .borrow_mut()
                .insert(derivation, Rc::clone(&all));
            all
        });
        let place = (key.account.as_str(), key.scope.as_str(), key.id.clone());
        all.get(&place).cloned().unwrap_or_default()
    }

    fn groups_by(&self, texts: impl Fn(&str, &Group) -> BTreeSet<String>) -> Groups<'t> {
        let mut all = Groups::new();
        for ((account, scope, id), group) in &self.table.groups {
            for text in texts(id, group) {
                let groups = all.entry((account, scope, text)).or_default();
                groups.push((id.as_str(), group));
            }
        }
        all
    }

    /// Those whose id or external id this is, in any scope.
    pub(super) fn groups_of_identity(
        &self,
        account: &str,
        value: &str,
    ) -> Vec<(&'t str, &'t Group)> {
        let all = self.group_identities.get_or_init(|| {
            let mut all = GroupsOfAccount::new();
            for ((account, _, id), group) in &self.table.groups {
                let external = group.external_id.as_deref();
                let external = external.filter(|other| *other != id.as_str());
                for value in std::iter::once(id.as_str()).chain(external) {
                    let groups = all.entry((account.as_str(), value)).or_default();
                    groups.push((id.as_str(), group));
                }
            }
            all
        });
        all.get(&(account, value)).cloned().unwrap_or_default()
    }

    pub(super) fn memberships_of_user(&self, account: &str, user: &str) -> Vec<&'t MembershipKey> {
        let all = self.memberships.get_or_init(|| {
            let mut all = BTreeMap::<_, Vec<_>>::new();
            for key in self.table.members.keys() {
                let (account, _, _, user) = key;
                let keys = all.entry((account.as_str(), user.as_str())).or_default();
                keys.push(key);
            }
            all
        });
        all.get(&(account, user)).cloned().unwrap_or_default()
    }

    pub(super) fn is_in_managed_group(&self, account: &str, user: &str) -> bool {
        let all = self.in_managed_groups.get_or_init(|| {
            let managed: BTreeSet<(&str, &str, &str)> = self
                .table
                .groups
                .iter()
                .filter(|(_, group)| group.managed_by.is_some())
                .map(|((account, scope, id), _)| (account.as_str(), scope.as_str(), id.as_str()))
                .collect();
            let members = self.table.members.keys();
            members
                .filter(|(account, scope, group, _)| {
                    managed.contains(&(account.as_str(), scope.as_str(), group.as_str()))
                })
                .map(|(account, _, _, user)| (account.as_str(), user.as_str()))
                .collect()
        });
        all.contains(&(account, user))
    }

    pub(super) fn has_pending_user(&self, account: &str) -> bool {
        let all = self.accounts_with_pending_users.get_or_init(|| {
            let users = self.table.users.iter();
            users
                .filter(|(_, user)| user.id.is_none())
                .map(|((account, _), _)| account.as_str())
                .collect()
        });
        all.contains(account)
    }

    /// Whether a provider has taken over somebody whose name is not known yet.
    pub(super) fn has_nameless(&self, account: &str) -> bool {
        let all = self.accounts_with_nameless_users.get_or_init(|| {
            let users = self.table.users.iter();
            users
                .filter(|((_, id), user)| {
                    user.managed_by.is_some() && user.pending && user.user_name == *id
                })
                .map(|((account, _), _)| account.as_str())
                .collect()
        });
        all.contains(account)
    }

    /// Whether a provider is creating a group whose id is not known: where the derived id is taken, an
    /// application gives another one.
    pub(super) fn has_group_without_id(&self, account: &str, scope: &str) -> bool {
        let all = self.scopes_with_groups_without_id.get_or_init(|| {
            let is_taken = |group: &Group, id: &String| {
                let key = (group.account.clone(), group.scope.clone(), id.clone());
                self.table.groups.contains_key(&key)
            };
            let was_taken = |account: &String, id: &String| {
                self.table.taken.contains(&(account.clone(), id.clone()))
            };
            let groups = self.table.groups.iter();
            groups
                .filter(|((account, _, id), group)| {
                    let derived = group.derived_id.as_ref();
                    group.id.is_none()
                        && (derived.is_none_or(|derived| is_taken(group, derived))
                            || was_taken(account, id))
                })
                .map(|((account, _, _), group)| (account.as_str(), group.scope.as_str()))
                .collect()
        });
        all.contains(&(account, scope))
    }
}

fn found<'t>(all: &Users<'t>, account: &str, text: &str) -> Vec<(&'t str, &'t User)> {
    let users = all.get(&(account, text.to_owned()));
    users.cloned().unwrap_or_default()
}
