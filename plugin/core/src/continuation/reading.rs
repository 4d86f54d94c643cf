//! A resource that is read before its request is decided, because the decision depends on the
//! backend: on the members of a group that are not all on record, or on whether a value path
//! matches an existing value.

use serde::{Deserialize, Serialize};

use super::{Continuation, Expected, ScimContinuation};
use crate::facts::ResourceKind;
use crate::message::{AnswerHandling, Body, Forward, ForwardBody, Headers, Request};
use crate::plan::Effects;
use crate::record::Record;
use crate::scim::Profile;
use crate::scim::location::Bases;

/// A read, and the request that waits for it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct PendingRead {
    pub(crate) account: String,
    pub(crate) verified_token: String,
    pub(crate) kind: ResourceKind,
    pub(crate) id: String,
    pub(crate) bases: Bases,
    profile: Profile,
    /// The path at the backend.
    pub(crate) path: String,
    /// The headers for the backend.
    pub(crate) headers: Headers,
    waiting: Waiting,
}

/// The request as the client sent it.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Waiting {
    method: String,
    path: String,
    headers: Headers,
    /// The body as JSON text.
    body: String,
}

// === impl PendingRead ===

impl PendingRead {
    /// A read for this request. Conditional headers apply to the request and not to the read, so
    /// they are dropped.
    pub(crate) fn new(
        request: &Request,
        continuation: &ScimContinuation,
        (kind, id): (ResourceKind, String),
        verified_token: String,
        path: String,
        mut headers: Headers,
    ) -> Self {
        headers.retain(|(name, _)| !name.starts_with("if-"));
        Self {
            account: continuation.account.clone(),
            verified_token,
            kind,
            id,
            bases: continuation.bases.clone(),
            profile: continuation.profile,
            path,
            headers,
            waiting: Waiting {
                method: request.method.clone(),
                path: request.path.clone(),
                headers: request.headers.clone(),
                body: match &request.body {
                    Body::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
                    Body::Unread | Body::None | Body::OverLimit => String::new(),
                },
            },
        }
    }

    /// The read as a request; `records` are stored before it.
    pub(crate) fn forward(self, records: Vec<Record>) -> Forward {
        self.request(
            |reading| Continuation::PendingRead(Box::new(reading)),
            records,
        )
    }

    /// The same read, whose answer goes to the client.
    pub(crate) fn for_the_client(self, records: Vec<Record>) -> Forward {
        self.request(|reading| Continuation::Scim(reading.shown()), records)
    }

    /// The state of the read whose answer goes to the client.
    pub(crate) fn shown(self) -> ScimContinuation {
        ScimContinuation {
            account: self.account,
            bases: self.bases,
            profile: self.profile,
            expected: Expected::Resource(self.kind, self.id),
            provisioner: None,
            outcome: Effects::default(),
            reading: None,
            read_back: None,
            created: None,
            is_head: false,
        }
    }

    fn request(
        self,
        continuation: impl FnOnce(Self) -> Continuation,
        records: Vec<Record>,
    ) -> Forward {
        Forward {
            method: "GET".to_owned(),
            path: self.path.clone(),
            headers: self.headers.clone(),
            body: ForwardBody::None,
            answer: AnswerHandling::Observe,
            changes: Vec::new(),
            records,
            account: Some(self.account.clone()),
            verified_token: Some(self.verified_token.clone()),
            rule: None,
            continuation: continuation(self).to_bytes(),
        }
    }

    /// The request that waits, as the client sent it.
    pub(crate) fn waiting(&self) -> Request {
        Request {
            method: self.waiting.method.clone(),
            path: self.waiting.path.clone(),
            headers: self.waiting.headers.clone(),
            body: Body::Bytes(self.waiting.body.clone().into_bytes()),
            annotate: false,
        }
    }
}
