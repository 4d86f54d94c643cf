//! The policy document: a preset, what an operator lays over it, and what differs for one account.

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

pub(crate) use compile::compile;
pub(crate) use document::{
    Adoption, Deactivated, Dialect, DirectUsers, GroupId, Limits, LocalUsers, Mode, Unmatched,
};
pub(crate) use edit_kind::EditKind;
pub(crate) use issuers::{Claim, Confirmation, Issuer, IssuerKind};
pub(crate) use protected::Protected;
pub(crate) use route::{Free, Route, Source};
use template::Template;

/// A whole policy, ready to decide.
pub(crate) struct Policy {
    pub(crate) base: Template,
    pub(crate) upstream_base: Template,
    /// The one account of a backend whose base names none.
    pub(crate) scim_account: Option<String>,
    pub(crate) management: Management,
    default: Arc<Account>,
    accounts: BTreeMap<String, Arc<Account>>,
}

/// The application's own management API.
pub(crate) struct Management {
    pub(crate) prefixes: Vec<Vec<String>>,
    pub(crate) unmatched: Unmatched,
    /// What unnamed writes may carry beside JSON.
    pub(crate) content_types: Vec<String>,
    pub(crate) routes: Vec<Route>,
    /// The routes next to which unnamed writes are refused, if only those are.
    pub(crate) guarded: Vec<Template>,
    /// The query parameters and headers that any route reads the account from.
    pub(crate) account_names: Vec<Source>,
}

/// What holds for one account.
pub(crate) struct Account {
    pub(crate) provider: String,
    pub(crate) user: Resource,
    pub(crate) group: Resource,
    pub(crate) group_id: Option<GroupId>,
    pub(crate) profile: Profile,
    pub(crate) limits: Limits,
    pub(crate) token_headers: Vec<String>,
    pub(crate) permissions: Vec<String>,
    /// Who issues tokens beside the guard's own store.
    pub(crate) issuers: Vec<Issuer>,
    pub(crate) adopt_users: Adoption,
    pub(crate) adopt_groups: Adoption,
    pub(crate) direct_users: DirectUsers,
    pub(crate) local_users: LocalUsers,
    pub(crate) deactivated: Deactivated,
    pub(crate) reprovision: Adoption,
    /// What besides users and groups carries the provider's access.
    pub(crate) protected: Protected,
    /// The same of all accounts: a request that names no account may be for any.
    pub(crate) protected_anywhere: Protected,
    pub(crate) authenticate_management: bool,
    pub(crate) mode: Mode,
}

/// How resources of one type are read and written for one account.
pub(crate) struct Resource {
    pub(crate) shape: Shape,
    pub(crate) constraints: Constraints,
    pub(crate) dialect: BTreeMap<String, Dialect>,
}

// === impl Policy ===

impl Policy {
    /// What holds for this account.
    pub(crate) fn account(&self, account: &str) -> &Account {
        self.accounts.get(account).unwrap_or(&self.default)
    }

    /// What holds for accounts that the document does not name.
    pub(crate) fn default_account(&self) -> &Account {
        &self.default
    }

    /// All different settings.
    pub(crate) fn every_account(&self) -> impl Iterator<Item = &Account> {
        std::iter::once(&self.default)
            .chain(self.accounts.values())
            .map(AsRef::as_ref)
    }
}

// === impl Account ===

impl Account {
    /// How resources of this type are read and written.
    pub(crate) fn resource(&self, kind: ResourceKind) -> &Resource {
        match kind {
            ResourceKind::User => &self.user,
            ResourceKind::Group => &self.group,
        }
    }

    /// The id that a group's name gives by the documentation, where ids are derived.
    pub(crate) fn derived_group_id(&self, name: &str) -> Option<String> {
        let rule = self.group_id.as_ref()?;
        Some(rule.documented(name))
    }

    /// Every id that a group's name may give, where ids are derived.
    pub(crate) fn group_ids(&self, name: &str) -> Vec<String> {
        let rule = self.group_id.as_ref();
        rule.map(|rule| rule.all(name)).unwrap_or_default()
    }
}

// === impl Resource ===

impl Resource {
    /// How the backend wants to have operations on this attribute.
    pub(crate) fn dialect(&self, attribute: &str) -> Dialect {
        self.dialect.get(attribute).copied().unwrap_or_default()
    }

    /// Whether the application does what an operation on this attribute asks for, if it says so.
    pub(crate) fn acts_on(&self, attribute: &str) -> bool {
        !matches!(self.dialect(attribute), Dialect::Ignored | Dialect::Omitted)
    }
}
