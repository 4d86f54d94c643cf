//! A create that is answered without a body, and says where the new resource is: it is read once, so
//! that the client gets it (RFC 7644 §3.3) and the record its id.

use percent_encoding::utf8_percent_encode;
use serde::{Deserialize, Serialize};

use super::{Expected, ScimContinuation};
use crate::facts::ResourceKind;
use crate::message::{AnswerHandling, BackendOutcome, Forward, ForwardBody, Headers};
use crate::normalise::query::RESERVED;
use crate::scim::location::id_in;

/// What it takes to read what a create made.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct CreatedRead {
    verified_token: String,
    /// Of the collection, at the backend.
    path: String,
    headers: Headers,
}

// === impl CreatedRead ===

impl CreatedRead {
    /// For a create at this path. The conditions in its headers are not the read's.
    pub(crate) fn new(verified_token: String, path: &str, headers: &Headers) -> Self {
        let headers = headers.iter().filter(|(name, _)| !name.starts_with("if-"));
        Self {
            verified_token,
            path: path.to_owned(),
            headers: headers.cloned().collect(),
        }
    }
}

// === impl ScimContinuation ===

impl ScimContinuation {
    /// The read of what was created, if the answer has nothing else than its address.
    pub(crate) fn read_created(&mut self, outcome: &BackendOutcome) -> Option<Forward> {
        let read = self.created.take()?;
        let BackendOutcome::Answered(answer) = outcome else {
            return None;
        };
        let Expected::Created { kind, at, .. } = &mut self.expected else {
            return None;
        };
        if !matches!(answer.status, 200 | 201 | 204) || !answer.body.is_blank() {
            return None;
        }
        let collection = match kind {
            ResourceKind::User => "/Users/",
            ResourceKind::Group => "/Groups/",
        };
        let location = answer.headers.iter().find(|(name, _)| name == "location");
        let (_, location) = location?;
        let id = id_in(std::str::from_utf8(location).ok()?, collection)?;
        let path = format!("{}/{}", read.path, utf8_percent_encode(&id, RESERVED));
        *at = Some(id);
        Some(Forward {
            method: "GET".to_owned(),
            path,
            headers: read.headers,
            body: ForwardBody::None,
            answer: AnswerHandling::Observe,
            changes: Vec::new(),
            records: Vec::new(),
            account: Some(self.account.clone()),
            verified_token: Some(read.verified_token),
            rule: None,
            continuation: Vec::new(),
        })
    }
}
