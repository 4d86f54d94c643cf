//! The decision about a request, and the backend's answers to what was forwarded.

use crate::message::{BackendOutcome, Forward, Reject, Respond};

/// The last decision about a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decided {
    /// Forwarded to the backend.
    Forward(Forward),
    /// Refused.
    Reject(Reject),
    /// Answered to the client.
    Respond(Respond),
}

/// The backend's answers to the requests that one request becomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answers {
    /// There are none: the backend is not asked, or its answer is unknown.
    Awaited,
    /// The same answer to each request.
    Same(BackendOutcome),
    /// One answer for each request, in order.
    Each(Vec<BackendOutcome>),
}

// === impl Answers ===

impl Answers {
    /// The answer to the request of this number, counted from 0.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&BackendOutcome> {
        match self {
            Self::Awaited => None,
            Self::Same(answer) => Some(answer),
            Self::Each(answers) => answers.get(index),
        }
    }
}
