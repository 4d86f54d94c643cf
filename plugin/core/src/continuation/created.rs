//! A create whose answer has no body and only says where the new resource is. The resource is read
//! once, so that the client gets it (RFC 7644 §3.3) and the record gets its id.

use percent_encoding::utf8_percent_encode;
use serde::{Deserialize, Serialize};

use super::{Expected, ScimContinuation};
use crate::facts::ResourceKind;
use crate::message::{AnswerHandling, BackendOutcome, Forward, ForwardBody, Headers};
use crate::normalise::query::RESERVED;
use crate::scim::location::id_in;

/// What is needed to read the created resource.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct CreatedRead {
    verified_token: String,
    /// The path of the collection at the backend.
    path: String,
    headers: Headers,
}

// === impl CreatedRead ===

impl CreatedRead {
    /// For a create at this path. The read drops the create's conditional headers.
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
    /// The read of the created resource, if the answer contains only its location.
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
