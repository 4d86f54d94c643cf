//! The document as written, merged with its preset.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::issuers::IssuerDocument;
use super::protected::ProtectedDocument;
use super::route::RouteDocument;
use crate::scim::Profile;
use crate::scim::schema::Schema;

/// Settings that may differ by account.
#[derive(Deserialize)]
pub(super) struct AccountDocument {
    pub(super) provider: String,
    pub(super) scim: Scim,
    pub(super) tokens: Tokens,
    pub(super) adopt: Adopt,
    pub(super) direct_users: DirectUsers,
    pub(super) local_users: LocalUsers,
    pub(super) deactivated: Deactivated,
    pub(super) reprovision: Adoption,
    pub(super) protected: ProtectedDocument,
    pub(super) mode: Mode,
    pub(super) management: OfManagement,
}

/// Settings of the management API.
#[derive(Deserialize)]
pub(super) struct OfManagement {
    pub(super) authenticate: bool,
}

#[derive(Deserialize)]
pub(super) struct Scim {
    pub(super) base: String,
    pub(super) upstream_base: Option<String>,
    pub(super) account: Option<String>,
    pub(super) synced: Synced,
    pub(super) emails: Emails,
    pub(super) unknown_attributes: UnknownAttributes,
    pub(super) profile: Profile,
    pub(super) group_id: Option<GroupId>,
    pub(super) dialect: BTreeMap<String, Dialect>,
    pub(super) limits: Limits,
    #[serde(default)]
    pub(super) schemas: BTreeMap<String, Vec<Schema>>,
    #[serde(default)]
    pub(super) json_schemas: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
pub(super) struct Synced {
    #[serde(rename = "User")]
    pub(super) user: Vec<String>,
    #[serde(rename = "Group")]
    pub(super) group: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Emails {
    PrimaryOnly,
    All,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum UnknownAttributes {
    Drop,
    Reject,
}

/// How the backend derives a group's id from its name.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct GroupId {
    pub(crate) replace: String,
    pub(crate) with: String,
    /// A second derivation, for when the documentation and the application differ: either result
    /// may be the id.
    #[serde(default)]
    pub(crate) or: Option<OtherGroupId>,
}

/// A derivation that does more than replace characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OtherGroupId {
    /// The name reduced to an identifier of letters, digits, `_` and `$`.
    Identifier,
}

/// The form in which the backend expects operations on an attribute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Dialect {
    /// With a path.
    #[default]
    Path,
    /// Without a path, in a value object.
    Value,
    /// A replacement as equivalent additions and removals.
    Difference,
    /// A removal with a list of values.
    ValueList,
    /// Like [`Self::Path`], but the application ignores the operation, so success means nothing.
    Ignored,
    /// Never in a PATCH, which would fail.
    Omitted,
}

/// Limits of one request.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Limits {
    pub(crate) body_bytes: u64,
    /// Levels of nesting.
    pub(crate) depth: usize,
    /// Operations of a PATCH.
    pub(crate) operations: usize,
    /// Members named in one request.
    pub(crate) members: usize,
    /// Operations of a Bulk request.
    pub(crate) bulk_operations: usize,
    pub(crate) answer_bytes: u64,
}

#[derive(Deserialize)]
pub(super) struct Tokens {
    pub(super) headers: Vec<String>,
    pub(super) permissions: Vec<String>,
    pub(super) issuers: Vec<IssuerDocument>,
}

#[derive(Deserialize)]
pub(super) struct Adopt {
    pub(super) users: Adoption,
    pub(super) groups: Adoption,
}

/// Whether the provider may take over native users or groups, or recreate a deactivated user under
/// another name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Adoption {
    Allow,
    Deny,
}

/// What operators may do with managed users who are in no provisioned group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum DirectUsers {
    Editable,
    Locked,
}

/// Whether operators may create users.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LocalUsers {
    Allow,
    Deny,
}

/// Whether managed users may be changed while they are deactivated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Deactivated {
    Locked,
    Editable,
}

/// Whether ownership is enforced or only reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mode {
    Enforce,
    Monitor,
}

/// How to treat writes under the prefixes that match no route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Unmatched {
    Forward,
    Reject,
    Guarded,
}

#[derive(Deserialize)]
pub(super) struct ManagementDocument {
    pub(super) prefixes: Vec<String>,
    pub(super) unmatched: Unmatched,
    /// Content types besides JSON that unmatched writes may carry.
    pub(super) content_types: Vec<String>,
    pub(super) routes: Vec<RouteDocument>,
}
