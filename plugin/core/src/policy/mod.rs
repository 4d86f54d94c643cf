//! The policy document: a preset, the operator's settings over it, and overrides by account.

mod compile;
mod document;
mod edit_kind;
mod faults;
mod group_id;
mod issuers;
mod protected;
mod route;
pub(crate) mod template;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::facts::ResourceKind;
use crate::json_schema::Constraints;
use crate::scim::Profile;
use crate::scim::shape::Shape;

pub(crate) use compile::{compile, complete};
pub(crate) use document::{
    Adoption, Deactivated, Dialect, DirectUsers, GroupId, Limits, LocalUsers, Mode, Unmatched,
};
pub(crate) use edit_kind::EditKind;
pub(crate) use faults::SCHEMA;
pub(crate) use issuers::{Claim, Confirmation, Issuer, IssuerKind};
pub(crate) use protected::Protected;
pub(crate) use route::{Free, Route, Source};
use template::Template;

/// A compiled policy.
pub(crate) struct Policy {
    pub(crate) base: Template,
    pub(crate) upstream_base: Template,
    /// The only account of a backend whose base names none.
    pub(crate) scim_account: Option<String>,
    pub(crate) management: Management,
    default: Arc<Account>,
    accounts: BTreeMap<String, Arc<Account>>,
}

/// The application's own management API.
pub(crate) struct Management {
    pub(crate) prefixes: Vec<Vec<String>>,
    pub(crate) unmatched: Unmatched,
    /// Content types besides JSON that unmatched writes may carry.
    pub(crate) content_types: Vec<String>,
    pub(crate) routes: Vec<Route>,
    /// Routes that unmatched writes must not lie next to, if only those are refused.
    pub(crate) guarded: Vec<Template>,
    /// The query parameters and headers that any route reads the account from.
    pub(crate) account_names: Vec<Source>,
}

/// The settings of one account.
pub(crate) struct Account {
    pub(crate) provider: String,
    pub(crate) user: Resource,
    pub(crate) group: Resource,
    pub(crate) group_id: Option<GroupId>,
    pub(crate) profile: Profile,
    pub(crate) limits: Limits,
    pub(crate) token_headers: Vec<String>,
    pub(crate) permissions: Vec<String>,
    /// Issuers of tokens other than the guard's own store.
    pub(crate) issuers: Vec<Issuer>,
    pub(crate) adopt_users: Adoption,
    pub(crate) adopt_groups: Adoption,
    pub(crate) direct_users: DirectUsers,
    pub(crate) local_users: LocalUsers,
    pub(crate) deactivated: Deactivated,
    pub(crate) reprovision: Adoption,
    /// Things other than users and groups that carry the provider's access.
    pub(crate) protected: Protected,
    /// The same for all accounts together, since a request that names no account may be for any.
    pub(crate) protected_anywhere: Protected,
    pub(crate) authenticate_management: bool,
    pub(crate) mode: Mode,
}

/// How to read and write resources of one type for one account.
pub(crate) struct Resource {
    pub(crate) shape: Shape,
    pub(crate) constraints: Constraints,
    pub(crate) dialect: BTreeMap<String, Dialect>,
}

// === impl Policy ===

impl Policy {
    /// Returns the settings of this account.
    pub(crate) fn account(&self, account: &str) -> &Account {
        self.accounts.get(account).unwrap_or(&self.default)
    }

    /// Whether the application has only one account, and this is not it.
    pub(crate) fn is_other_account(&self, account: &str) -> bool {
        let only = self.scim_account.as_deref();
        only.is_some_and(|only| only != account)
    }

    /// Returns the settings of accounts that the document does not name.
    pub(crate) fn default_account(&self) -> &Account {
        &self.default
    }

    /// Iterates over the default settings and those of each named account.
    pub(crate) fn every_account(&self) -> impl Iterator<Item = &Account> {
        std::iter::once(&self.default)
            .chain(self.accounts.values())
            .map(AsRef::as_ref)
    }
}

// === impl Account ===

impl Account {
    /// How to read and write resources of this type.
    pub(crate) fn resource(&self, kind: ResourceKind) -> &Resource {
        match kind {
            ResourceKind::User => &self.user,
            ResourceKind::Group => &self.group,
        }
    }

    /// Returns the documented id for a group's name, if ids are derived.
    pub(crate) fn derived_group_id(&self, name: &str) -> Option<String> {
        let rule = self.group_id.as_ref()?;
        Some(rule.documented(name))
    }

    /// Returns every possible id for a group's name, if ids are derived.
    pub(crate) fn group_ids(&self, name: &str) -> Vec<String> {
        let rule = self.group_id.as_ref();
        rule.map(|rule| rule.all(name)).unwrap_or_default()
    }
}

// === impl Resource ===

impl Resource {
    /// The form in which the backend expects operations on this attribute.
    pub(crate) fn dialect(&self, attribute: &str) -> Dialect {
        self.dialect.get(attribute).copied().unwrap_or_default()
    }

    /// Whether the application really performs an operation on this attribute when it reports
    /// success.
    pub(crate) fn acts_on(&self, attribute: &str) -> bool {
        !matches!(self.dialect(attribute), Dialect::Ignored | Dialect::Omitted)
    }
}
