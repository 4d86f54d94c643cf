//! SCIM itself: the attribute tables of RFC 7643 and the grammar of paths and filters of RFC 7644.

pub(crate) mod asked;
pub(crate) mod date_time;
pub(crate) mod filter;
pub(crate) mod grammar;
pub(crate) mod location;
pub(crate) mod operation;
pub(crate) mod schema;
pub(crate) mod shape;

use serde::{Deserialize, Serialize};

/// RFC 7644 §3.5.2.
pub(crate) const PATCH_URN: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
/// RFC 7644 §3.4.2.
pub(crate) const LIST_URN: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
/// RFC 7644 §3.4.3.
pub(crate) const SEARCH_URN: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";
/// RFC 7644 §3.7.
pub(crate) const BULK_REQUEST_URN: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
/// RFC 7644 §3.7.3.
pub(crate) const BULK_RESPONSE_URN: &str = "urn:ietf:params:scim:api:messages:2.0:BulkResponse";
/// The prefix of every message URN of RFC 7644.
pub(crate) const MESSAGE_URN_PREFIX: &str = "urn:ietf:params:scim:api:messages:";
/// The prefix of every core schema URN of RFC 7643.
pub(crate) const CORE_URN_PREFIX: &str = "urn:ietf:params:scim:schemas:core:";

/// The profile that the backend follows besides the RFCs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Profile {
    /// No profile.
    Rfc,
    /// The SCIM 2.0 Interoperability Profile (draft-zollner-scim-interop-profile).
    Interop,
}
