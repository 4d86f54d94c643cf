//! What a request takes along while it is forwarded, and from one of its parts to the next. A face keeps
//! it as bytes, which only this module makes.

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

/// What a forwarded request takes along until its answer comes.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Continuation {
    Scim(ScimContinuation),
    Management(Effects),
    Described(Described),
    PendingRead(Box<PendingRead>),
    Bulk(Box<Bulk>),
}

/// Of a SCIM call.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ScimContinuation {
    pub(crate) account: String,
    pub(crate) bases: Bases,
    pub(crate) profile: Profile,
    pub(crate) expected: Expected,
    /// The id of the identity provider's token, if it asked: what it is shown settles its unclear
    /// creates, and what fails of its membership changes is repeated.
    pub(crate) provisioner: Option<String>,
    pub(crate) outcome: Effects,
    /// What to read, and go on, if the backend finds no value at a value path.
    pub(crate) reading: Option<Box<PendingRead>>,
    /// What to read for an answer with nothing in it, since the client expects the resource.
    pub(crate) read_back: Option<Box<PendingRead>>,
    /// How to read what a create made, if its answer says only where that is.
    pub(crate) created: Option<Box<CreatedRead>>,
    /// The client asked by HEAD: its answer has no body (RFC 9110 §9.3.2).
    pub(crate) is_head: bool,
}

/// What a success looks like.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Expected {
    /// The resource of this id.
    Resource(ResourceKind, String),
    /// The resource of this id, or nothing.
    Written(ResourceKind, String),
    /// A new resource of this name; of this id, if it is read where the application says that it is.
    Created {
        kind: ResourceKind,
        name: String,
        at: Option<String>,
    },
    /// Resources of this type, or of any; from the first that is found, or a later page or the count.
    List {
        kind: Option<ResourceKind>,
        from_start: bool,
    },
    /// Nothing.
    Deleted,
    /// `/Schemas` and the like.
    Discovery(Discovery),
}

// === impl Continuation ===

impl Continuation {
    /// As the face keeps it. Plain data with string keys: writing it cannot fail.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        postcard::to_allocvec(self).unwrap_or_default()
    }

    /// What a face gave back; `None` if it is not what it was given.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (continuation, rest) = postcard::take_from_bytes(bytes).ok()?;
        rest.is_empty().then_some(continuation)
    }
}

// === impl Bulk ===

impl Bulk {
    /// The end of a part: the next one begins with what is known by now.
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

    /// The request of the part that is under way.
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
