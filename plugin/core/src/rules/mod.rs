//! Every reason for a refusal and every kind of normalisation, as data.
//!
//! One rule is one item: its id, the status and `scimType` that the client gets, one paragraph, and
//! the source of the paragraph. `scimguard rules`, `docs/rules.md` and the tests come from [`all`].

pub(crate) mod body;
pub(crate) mod host;
pub(crate) mod normalise;
pub(crate) mod okta_only;
pub(crate) mod ownership;
mod refusal;
pub(crate) mod route;
pub(crate) mod scim;
pub(crate) mod token;

pub(crate) use refusal::{Refusal, cut};

use scimguard_interface::Normalisation;

use crate::secrets::hide_secrets;

/// One rule: a reason for a refusal, or a kind of normalisation.
#[derive(Debug)]
pub struct Rule {
    /// The id, such as `okta-only.group-rename`.
    pub id: &'static str,
    /// HTTP status; `None` for a normalisation, which refuses nothing.
    pub status: Option<u16>,
    /// RFC 7644 §3.12.
    pub scim_type: Option<&'static str>,
    /// One paragraph of documentation.
    pub doc: &'static str,
    /// The source: an RFC section or a product's documentation.
    pub source: &'static str,
}

/// The stages of a request, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Finds the route of the request.
    Route,
    /// Authenticates the caller.
    Token,
    /// Reads the body as one unambiguous JSON document.
    Parse,
    /// Brings the message into canonical form.
    Normalise,
    /// Decides whether the request is permitted.
    Permit,
    /// Writes the bytes to forward.
    Write,
}

impl Stage {
    /// All stages, in order.
    pub const ALL: [Self; 6] = [
        Self::Route,
        Self::Token,
        Self::Parse,
        Self::Normalise,
        Self::Permit,
        Self::Write,
    ];
}

/// The rules of each stage, in the order in which they are checked. Rules without a stage are about
/// what surrounds the policy.
const TABLE: [(Option<Stage>, &[&Rule]); 8] = [
    (Some(Stage::Route), route::RULES),
    (Some(Stage::Token), token::RULES),
    (Some(Stage::Parse), body::RULES),
    (Some(Stage::Normalise), scim::RULES),
    (Some(Stage::Permit), ownership::RULES),
    (Some(Stage::Permit), okta_only::RULES),
    (None, host::RULES),
    (Some(Stage::Normalise), normalise::RULES),
];

/// Every rule, in the order in which they are checked.
pub fn all() -> impl Iterator<Item = &'static Rule> {
    TABLE.into_iter().flat_map(|(_, rules)| rules).copied()
}

/// The stage that the rule of this id belongs to.
#[must_use]
pub fn stage(id: &str) -> Option<Stage> {
    let (stage, _) = TABLE
        .into_iter()
        .find(|(_, rules)| rules.iter().any(|rule| rule.id == id))?;
    stage
}

/// The rule of this id.
#[must_use]
pub(crate) fn by_id(id: &str) -> Option<&'static Rule> {
    all().find(|rule| rule.id == id)
}

impl Rule {
    /// A refusal by this rule. `detail` says what an administrator can do.
    pub(crate) fn because(&'static self, detail: impl Into<String>) -> Refusal {
        Refusal::new(self, detail.into())
    }

    /// What this rule changed in a message, with anything that looks like a secret removed.
    pub(crate) fn normalisation(&self, path: &str, detail: &str) -> Normalisation {
        Normalisation {
            rule: self.id.to_owned(),
            path: hide_secrets(path).into_owned(),
            detail: hide_secrets(detail).into_owned(),
        }
    }
}

/// Declares rules from their doc comments, and the table of them.
macro_rules! rules {
    ($($(#[doc = $doc:literal])+ $name:ident = $id:literal, $status:expr, $scim_type:expr, $source:literal;)+) => {
        $($(#[doc = $doc])+
        pub(crate) static $name: $crate::rules::Rule = $crate::rules::Rule {
            id: $id,
            status: $status,
            scim_type: $scim_type,
            doc: concat!($($doc,)+).trim_ascii(),
            source: $source,
        };)+

        /// The rules of this module.
        pub(crate) const RULES: &[&$crate::rules::Rule] = &[$(&$name),+];
    };
}
pub(crate) use rules;
