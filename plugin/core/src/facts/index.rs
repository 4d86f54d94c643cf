//! Lookups in the record in memory. Each index is built when it is first needed, so that n keys
//! take n log n steps and not n times the record.

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::rows::{GroupRow, GroupRowKey, MembershipKey, RowId, UserRow};
use super::table::Table;
use super::{DerivedIdKey, User};
use crate::fold::{fold, skeleton};

/// The key of a group lookup.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct InScope<'t> {
    account: &'t str,
    scope: &'t str,
    text: String,
}

/// A user or group that was found, with its id.
pub(super) type Found<'t, Row> = (&'t RowId, &'t Row);

/// Users by account and another text, in the order of their ids.
type Users<'t> = BTreeMap<(&'t str, String), Vec<Found<'t, UserRow>>>;

/// Groups by scope, in the order of their ids.
type Groups<'t> = BTreeMap<InScope<'t>, Vec<Found<'t, GroupRow>>>;

/// Groups of all scopes, by account and another text.
type GroupsOfAccount<'t> = BTreeMap<(&'t str, &'t str), Vec<Found<'t, GroupRow>>>;

/// A record, and what is looked up in it.
pub(super) struct Index<'t> {
    pub(super) table: &'t Table,
    folded_ids: OnceCell<Users<'t>>,
    folded_names: OnceCell<Users<'t>>,
    looks: OnceCell<Users<'t>>,
    user_identities: OnceCell<Users<'t>>,
    folded_groups: OnceCell<Groups<'t>>,
    group_identities: OnceCell<GroupsOfAccount<'t>>,
    /// By the strings that the derivation replaces and inserts.
    derived: RefCell<BTreeMap<(String, String), Rc<Groups<'t>>>>,
    /// By user.
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
    ) -> Vec<Found<'t, UserRow>> {
        let all = self
            .folded_ids
            .get_or_init(|| self.users_by(|id, _| id.as_known().map(fold).into_iter().collect()));
        found(all, account, folded)
    }

    pub(super) fn users_of_folded_name(
        &self,
        account: &str,
        folded: &str,
    ) -> Vec<Found<'t, UserRow>> {
        let all = self
            .folded_names
            .get_or_init(|| self.users_by(|_, user| vec![fold(&user.user_name)]));
        found(all, account, folded)
    }

    /// Users whose name looks like this.
    pub(super) fn users_of_look(&self, account: &str, look: &str) -> Vec<Found<'t, UserRow>> {
        let all = self
            .looks
            .get_or_init(|| self.users_by(|_, user| vec![skeleton(&user.user_name)]));
        found(all, account, look)
    }

    /// Users whose id or external id this is.
    pub(super) fn users_of_identity(&self, account: &str, value: &str) -> Vec<Found<'t, UserRow>> {
        let all = self.user_identities.get_or_init(|| {
            self.users_by(|id, user| {
                let both = identities(id, user.external_id.as_deref());
                both.map(str::to_owned).collect()
            })
        });
        found(all, account, value)
    }

    fn users_by(&self, texts: impl Fn(&RowId, &User) -> Vec<String>) -> Users<'t> {
        let mut all = Users::new();
        for (key, row) in &self.table.rows.users {
            for text in texts(&key.id, &row.user) {
                let users = all.entry((key.account.as_str(), text)).or_default();
                users.push((&key.id, row));
            }
        }
        all
    }

    /// Groups of this id, and unsettled creates whose name gives it.
    pub(super) fn groups_of_folded_id(
        &self,
        account: &str,
        scope: &str,
        folded: &str,
    ) -> Vec<Found<'t, GroupRow>> {
        let all = self.folded_groups.get_or_init(|| {
            self.groups_by(|id, row| {
                let known = id.as_known();
                let id = known.or(row.group.derived_id.as_deref());
                id.map(fold).into_iter().collect()
            })
        });
        let text = folded.to_owned();
        let key = InScope {
            account,
            scope,
            text,
        };
        all.get(&key).cloned().unwrap_or_default()
    }

    /// Groups of this id, and those whose name gives it by the key's derivation.
    pub(super) fn groups_of_derived_id(&self, key: &DerivedIdKey) -> Vec<Found<'t, GroupRow>> {
        let derivation = (key.replace.clone(), key.with.clone());
        let known = self.derived.borrow().get(&derivation).map(Rc::clone);
        let all = known.unwrap_or_else(|| {
            let all = Rc::new(self.groups_by(|id, row| {
                let by_name = row.group.display_name.as_deref();
                let by_name = by_name.map(|name| key.derive(name));
                let own = id.as_known().map(str::to_owned).into_iter();
                own.chain(by_name)
                    .chain(row.group.derived_id.clone())
                    .collect()
            }));
            self.derived
                .borrow_mut()
                .insert(derivation, Rc::clone(&all));
            all
        });
        let place = InScope {
            account: &key.account,
            scope: &key.scope,
            text: key.id.clone(),
        };
        all.get(&place).cloned().unwrap_or_default()
    }

    fn groups_by(&self, texts: impl Fn(&RowId, &GroupRow) -> BTreeSet<String>) -> Groups<'t> {
        let mut all = Groups::new();
        for (key, row) in &self.table.rows.groups {
            for text in texts(&key.id, row) {
                let place = InScope {
                    account: &key.account,
                    scope: &key.scope,
                    text,
                };
                all.entry(place).or_default().push((&key.id, row));
            }
        }
        all
    }

    /// Groups whose id or external id this is, in any scope.
    pub(super) fn groups_of_identity(&self, account: &str, text: &str) -> Vec<Found<'t, GroupRow>> {
        let all = self.group_identities.get_or_init(|| {
            let mut all = GroupsOfAccount::new();
            for (key, row) in &self.table.rows.groups {
                for text in identities(&key.id, row.group.external_id.as_deref()) {
                    let groups = all.entry((key.account.as_str(), text)).or_default();
                    groups.push((&key.id, row));
                }
            }
            all
        });
        all.get(&(account, text)).cloned().unwrap_or_default()
    }

    pub(super) fn memberships_of_user(&self, account: &str, text: &str) -> Vec<&'t MembershipKey> {
        let all = self.memberships.get_or_init(|| {
            let mut all = BTreeMap::<_, Vec<_>>::new();
            for key in self.table.rows.memberships.keys() {
                all.entry(user_of(key)).or_default().push(key);
            }
            all
        });
        all.get(&(account, text)).cloned().unwrap_or_default()
    }

    pub(super) fn is_in_managed_group(&self, account: &str, text: &str) -> bool {
        let all = self.in_managed_groups.get_or_init(|| {
            let groups = self.table.rows.groups.iter();
            groups
                .filter(|(_, row)| row.group.managed_by.is_some())
                .flat_map(|(key, _)| self.table.rows.members(key))
                .map(|(key, _)| user_of(key))
                .collect()
        });
        all.contains(&(account, text))
    }

    pub(super) fn has_pending_user(&self, account: &str) -> bool {
        let all = self.accounts_with_pending_users.get_or_init(|| {
            let users = self.table.rows.users.keys();
            users
                .filter(|key| key.id.as_known().is_none())
                .map(|key| key.account.as_str())
                .collect()
        });
        all.contains(account)
    }

    /// Whether a provider has taken over a user whose name is not known yet.
    pub(super) fn has_nameless(&self, account: &str) -> bool {
        let all = self.accounts_with_nameless_users.get_or_init(|| {
            let users = self.table.rows.users.values().map(|row| &row.user);
            users
                .filter(|user| user.managed_by.is_some() && user.write_pending)
                .filter(|user| user.id.as_ref() == Some(&user.user_name))
                .map(|user| user.account.as_str())
                .collect()
        });
        all.contains(account)
    }

    /// Whether a provider is creating a group of unknown id: if the derived id is taken, an
    /// application uses another.
    pub(super) fn has_group_without_id(&self, account: &str, scope: &str) -> bool {
        let all = self.scopes_with_groups_without_id.get_or_init(|| {
            let groups = &self.table.rows.groups;
            let is_taken = |key: &GroupRowKey, derived: &str| {
                groups.contains_key(&GroupRowKey {
                    id: RowId::known(derived),
                    ..key.clone()
                })
            };
            groups
                .iter()
                .filter(|(key, row)| {
                    let derived = row.group.derived_id.as_deref();
                    key.id.as_known().is_none()
                        && (row.taken || derived.is_none_or(|derived| is_taken(key, derived)))
                })
                .map(|(key, _)| (key.account.as_str(), key.scope.as_str()))
                .collect()
        });
        all.contains(&(account, scope))
    }
}

/// The id and the external id.
fn identities<'t>(id: &'t RowId, external_id: Option<&'t str>) -> impl Iterator<Item = &'t str> {
    let external = external_id.filter(|external| id.as_known() != Some(external));
    id.as_known().into_iter().chain(external)
}

fn user_of(key: &MembershipKey) -> (&str, &str) {
    (&key.account, &key.user)
}

fn found<'t>(all: &Users<'t>, account: &str, text: &str) -> Vec<Found<'t, UserRow>> {
    let users = all.get(&(account, text.to_owned()));
    users.cloned().unwrap_or_default()
}
