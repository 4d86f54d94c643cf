//! The state that a request keeps while it is forwarded, and between its parts. A host stores it as
//! bytes that only this module creates.

mod created;
mod reading;

use serde::{Deserialize, Serialize};

use crate::bulk::{Bulk, UnderWay};
use crate::facts::ResourceKind;
use crate::message::{Forward, Normalisation, Proceed};
use crate::plan::Effects;
use crate::record::Record;
use crate::route::Discovery;
use crate::route::management::Described;
use crate::scim::Profile;
use crate::scim::location::Bases;

pub(crate) use created::CreatedRead;
pub(crate) use reading::PendingRead;

/// The state of a forwarded request until its answer arrives.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Continuation {
    Scim(ScimContinuation),
    Management(Effects),
    Described(Described),
    PendingRead(Box<PendingRead>),
    Bulk(Box<Bulk>),
}

/// The state of a SCIM call.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ScimContinuation {
    pub(crate) account: String,
    pub(crate) bases: Bases,
    pub(crate) profile: Profile,
    pub(crate) expected: Expected,
    /// The id of the identity provider's token, if the provider sent the request: the answer then
    /// settles its unclear creates, and its failed membership changes are retried.
    pub(crate) provisioner: Option<String>,
    pub(crate) outcome: Effects,
    /// What to read before deciding again, if the backend finds no value at a value path.
    pub(crate) reading: Option<Box<PendingRead>>,
    /// What to read after an empty answer, since the client expects the resource.
    pub(crate) read_back: Option<Box<PendingRead>>,
    /// How to read the created resource, if the answer contains only its location.
    pub(crate) created: Option<Box<CreatedRead>>,
    /// The client sent HEAD: the answer has no body (RFC 9110 §9.3.2).
    pub(crate) is_head: bool,
}

/// The expected form of a success.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Expected {
    /// The resource with this id.
    Resource(ResourceKind, String),
    /// The resource with this id, or nothing.
    Written(ResourceKind, String),
    /// A new resource with this name; with this id, if it is read at the location from the answer.
    Created {
        kind: ResourceKind,
        name: String,
        at: Option<String>,
    },
    /// Resources of this type, or of any; `from_start` is false for a later page or for the count
    /// alone.
    List {
        kind: Option<ResourceKind>,
        from_start: bool,
    },
    /// No content.
    Deleted,
    /// A discovery document such as `/Schemas`.
    Discovery(Discovery),
}

// === impl Continuation ===

impl Continuation {
    /// The bytes for the host. The state is plain data with string keys, so writing it cannot fail.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        postcard::to_allocvec(self).unwrap_or_default()
    }

    /// Reads the bytes that a host returns; `None` if they are not valid.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (continuation, rest) = postcard::take_from_bytes(bytes).ok()?;
        rest.is_empty().then_some(continuation)
    }
}

// === impl Bulk ===

impl Bulk {
    /// Ends a part: the next one starts with what is known so far.
    pub(crate) fn proceed(self, records: Vec<Record>, changes: Vec<Normalisation>) -> Proceed {
        Proceed {
            records,
            changes,
            rule: self.rule.clone(),
            account: None,
            verified_token: None,
            continuation: Continuation::Bulk(Box::new(self)).to_bytes(),
        }
    }

    /// The request of the current part.
    pub(crate) fn forward(mut self, index: usize, forward: Forward) -> Forward {
        self.under_way = Some(UnderWay {
            index,
            continuation: forward.continuation,
        });
        Forward {
            continuation: Continuation::Bulk(Box::new(self)).to_bytes(),
            ..forward
        }
    }
}
