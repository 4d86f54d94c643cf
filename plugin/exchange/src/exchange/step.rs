//! The steps that an exchange asks its driver to perform, and their data.

use std::sync::Arc;

use scimguard_core::facts::{Fact, Key};
use scimguard_core::record::Record;
use scimguard_core::{Headers, Response};
use scimguard_wire::{DecisionReport, Stage};

/// The next step for the driver.
#[derive(Debug)]
pub enum Step {
    /// Read the body, at most this many bytes; then call [`super::Exchange::body`].
    ReadBody(u64),
    /// Get facts; then call [`super::Exchange::facts`].
    GetFacts(Needed),
    /// Store records; then call [`super::Exchange::stored`].
    Store(Report),
    /// Send the request to the backend; then call [`super::Exchange::answered`] if the answer is observed.
    Send(Send),
    /// Answer the client. This is the last step.
    Respond(Answer),
}

/// Facts that the policy needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needed {
    /// The new keys. The answer also repeats the keys asked for earlier in this pass.
    pub keys: Vec<Key>,
    /// The stage of the exchange.
    pub stage: Stage,
    /// Whether a pass begins: earlier facts are forgotten.
    pub first: bool,
}

/// A decision and records to store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The decision on the client's request, once per exchange. It counts against an account or address.
    pub decision: Option<DecisionReport>,
    /// The records, to be stored in order in one transaction.
    pub records: Vec<Record>,
    /// Whether the backend is asked next. From here on the exchange must reach its end, even if the client
    /// goes away.
    pub sends: bool,
    /// Whether the pass ends, so that other requests may change what its keys name.
    pub ends: bool,
}

/// A request for the backend.
#[derive(Debug)]
pub struct Send {
    /// The method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// All headers except those of framing and connection.
    pub headers: Headers,
    /// The body.
    pub body: Outgoing,
    /// Whether to send it with the guard's own credential. The headers then lack the client's.
    pub own_credential: bool,
    /// Whether the exchange observes the answer; otherwise it is passed to the client as received.
    pub observe: bool,
    /// The report to make if the answer is passed on as received. Nothing waits for it.
    pub final_report: Option<Report>,
}

/// The body of a [`Send`].
#[derive(Debug, PartialEq, Eq)]
pub enum Outgoing {
    /// No body.
    None,
    /// These bytes.
    Whole(Vec<u8>),
    /// The unread body, streamed as it arrives.
    AsItComes,
}

/// The end of an exchange.
#[derive(Debug)]
pub struct Answer {
    /// The response to the client.
    pub response: Response,
    /// The rule behind the response, unless it is the backend's.
    pub rule: Option<String>,
    /// The report to make. Nothing waits for it.
    pub final_report: Option<Report>,
}

/// Facts from one state of the record.
#[derive(Clone, Debug)]
pub struct Found {
    /// The time by their source's clock, in milliseconds since 1970.
    pub now: u64,
    /// Every key of the pass with its answer.
    pub facts: Arc<Vec<Fact>>,
}
