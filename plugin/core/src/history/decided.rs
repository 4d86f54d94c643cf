//! What is decided of a request, and what the backend says to what became of it.

use crate::message::{BackendOutcome, Forward, Reject, Respond};

/// Where a request's way comes to a stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decided {
    /// The backend is asked.
    Forward(Forward),
    /// Nothing of it is done.
    Reject(Reject),
    /// The client is answered.
    Respond(Respond),
}

/// What the backend does with the requests that one request becomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answers {
    /// It is not asked, or nobody knows what it will say.
    Awaited,
    /// The same to each.
    Same(BackendOutcome),
    /// One after the other.
    Each(Vec<BackendOutcome>),
}

// === impl Answers ===

impl Answers {
    /// What it says to the request of this number, counted from 0.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&BackendOutcome> {
        match self {
            Self::Awaited => None,
            Self::Same(answer) => Some(answer),
            Self::Each(answers) => answers.get(index),
        }
    }
}
