//! The policy's input and output: requests, verdicts and answers. They have the shapes of
//! `wit/policy.wit`, which documents how a host uses them.

mod headers;

use scimguard_interface_macros::wit;
use serde::{Deserialize, Serialize};

use crate::{Key, Record};

/// Headers: names in lower case, values as bytes; a repeated header has several entries.
pub type Headers = Vec<(String, Vec<u8>)>;

/// A request as the client sent it.
#[wit]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The method of the request line.
    pub method: String,
    /// Path and query exactly as received, without scheme and authority.
    pub path: String,
    /// All headers.
    #[serde(with = "headers")]
    pub headers: Headers,
    /// The body, as far as it has been read.
    pub body: Body,
    /// Whether the host wants the answer of a management read to name what a provider owns.
    #[serde(default)]
    pub annotate: bool,
}

/// The request's body, as far as the policy has it.
#[wit]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Body {
    /// Not read yet.
    Unread,
    /// The request has no body.
    #[default]
    None,
    /// The complete body.
    Bytes(#[serde(with = "serde_bytes")] Vec<u8>),
    /// A body larger than [`Need::body_limit`].
    OverLimit,
}

impl Body {
    /// The bytes that were read.
    #[must_use]
    pub fn size(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Unread | Self::None | Self::OverLimit => 0,
        }
    }
}

/// The outcome of one evaluation.
#[wit]
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", rename_all = "kebab-case")]
pub enum Verdict {
    /// Undecided: provide these and resume.
    Need(Need),
    /// Send this to the backend.
    Forward(Forward),
    /// Answer the client with this.
    Reject(Reject),
    /// Continue with the next part of the request.
    Proceed(Proceed),
}

/// What the policy needs to continue.
#[wit]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Need {
    /// Facts to look up.
    pub keys: Vec<Key>,
    /// Read the body, at most this many bytes.
    pub body_limit: Option<u64>,
}

/// A request for the backend.
#[wit]
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Forward {
    /// The method, which may differ from the client's (a PATCH without effect becomes a GET).
    pub method: String,
    /// Path and query at the backend.
    pub path: String,
    /// All headers except those of framing and connection.
    #[serde(with = "headers")]
    pub headers: Headers,
    /// The body.
    pub body: ForwardBody,
    /// How to handle the backend's answer.
    pub answer: AnswerHandling,
    /// To be passed to [`crate::Pass::observe`].
    #[serde(with = "serde_bytes")]
    pub continuation: Vec<u8>,
    /// The normalisations.
    pub changes: Vec<Normalisation>,
    /// To be stored before the request is sent.
    pub records: Vec<Record>,
    /// The account, once it is known.
    pub account: Option<String>,
    /// The id of the verified token.
    pub verified_token: Option<String>,
    /// With `mode: monitor`, the rule that would have refused the request.
    pub rule: Option<String>,
}

/// The body of a [`Forward`].
#[wit]
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ForwardBody {
    /// None.
    None,
    /// The client's bytes.
    AsReceived,
    /// These bytes.
    Bytes(#[serde(with = "serde_bytes")] Vec<u8>),
}

/// How to handle the backend's answer.
#[wit]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnswerHandling {
    /// Pass it to the client as received.
    Pass,
    /// Pass it to [`crate::Pass::observe`] first.
    Observe,
}

/// A refusal.
#[wit]
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reject {
    /// The rule that refused.
    pub rule: String,
    /// The response to the client.
    pub response: Response,
    /// The normalisations before the refusal.
    pub changes: Vec<Normalisation>,
    /// The account, if it was known by then.
    pub account: Option<String>,
    /// The id of the token, if it was verified by then.
    pub verified_token: Option<String>,
}

/// One normalisation.
#[wit]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Normalisation {
    /// A `normalise.…` id.
    pub rule: String,
    /// The place, such as `Operations[1].value.locale`.
    pub path: String,
    /// What changed.
    pub detail: String,
}

/// A response for the client.
#[wit]
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// All headers except those of framing and connection.
    #[serde(with = "headers")]
    pub headers: Headers,
    /// The body.
    pub body: ResponseBody,
}

/// The body of a [`Response`].
#[wit]
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResponseBody {
    /// None.
    None,
    /// The backend's bytes.
    AsReceived,
    /// These bytes.
    Bytes(#[serde(with = "serde_bytes")] Vec<u8>),
}

/// One part of a split request is done; the next begins a new pass.
#[wit]
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Proceed {
    /// To be stored before the next part begins.
    pub records: Vec<Record>,
    /// To be passed to [`crate::Pass::observe`] with [`BackendOutcome::NotAsked`].
    #[serde(with = "serde_bytes")]
    pub continuation: Vec<u8>,
    /// The normalisations of a refused part.
    pub changes: Vec<Normalisation>,
    /// The first rule that refused a part.
    pub rule: Option<String>,
    /// The account, once it is known.
    pub account: Option<String>,
    /// The id of the verified token.
    pub verified_token: Option<String>,
}

/// The outcome of a forwarded request.
#[wit]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BackendOutcome {
    /// The backend was not asked: a new part begins.
    NotAsked,
    /// The backend answered.
    Answered(BackendAnswer),
    /// No answer, or an incomplete one: the backend may or may not have acted.
    Unanswered,
}

impl BackendOutcome {
    /// The bytes read of the answer's body.
    #[must_use]
    pub fn size(&self) -> usize {
        match self {
            Self::Answered(BackendAnswer {
                body: AnswerBody::Bytes(bytes),
                ..
            }) => bytes.len(),
            Self::Answered(_) | Self::NotAsked | Self::Unanswered => 0,
        }
    }
}

/// The backend's answer.
#[wit]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackendAnswer {
    /// HTTP status.
    pub status: u16,
    /// All headers.
    #[serde(with = "headers")]
    pub headers: Headers,
    /// The body.
    pub body: AnswerBody,
}

/// The body of a [`BackendAnswer`].
#[wit]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnswerBody {
    /// None.
    None,
    /// The whole of it.
    Bytes(#[serde(with = "serde_bytes")] Vec<u8>),
    /// More than [`crate::Settings::answer_limit`].
    OverLimit,
}

// === impl AnswerBody ===

impl AnswerBody {
    /// Whether the body is empty.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        match self {
            Self::None => true,
            Self::Bytes(bytes) => bytes.iter().all(u8::is_ascii_whitespace),
            Self::OverLimit => false,
        }
    }
}

/// The outcome of one observation.
#[wit]
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    /// Undecided: provide these and resume.
    Need(Need),
    /// Store the records, then answer the client.
    Respond(Respond),
    /// Send one more request to the backend.
    Forward(Forward),
    /// Store the records, release the leases, and begin the next part.
    Proceed(Proceed),
}

/// The end of a forwarded request.
#[wit]
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Respond {
    /// The response to the client.
    pub response: Response,
    /// To be stored before the client is answered.
    pub records: Vec<Record>,
    /// The rule behind a response that is not the backend's.
    pub rule: Option<String>,
}

impl From<Need> for Verdict {
    fn from(need: Need) -> Self {
        Self::Need(need)
    }
}

impl From<Need> for Outcome {
    fn from(need: Need) -> Self {
        Self::Need(need)
    }
}
