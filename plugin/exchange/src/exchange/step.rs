//! What an exchange asks of its driver, and what it is given.

use std::sync::Arc;

use scimguard_core::facts::{Fact, Key};
use scimguard_core::record::Record;
use scimguard_core::{Headers, Response};
use scimguard_wire::{DecisionReport, Stage};

/// What is to be done next.
#[derive(Debug)]
pub enum Step {
    /// Read the body, at most so many bytes; then call [`super::Exchange::body`].
    ReadBody(u64),
    /// Get facts; then call [`super::Exchange::facts`].
    GetFacts(Needed),
    /// Store records; then call [`super::Exchange::stored`].
    Store(Report),
    /// Ask the backend; then call [`super::Exchange::answered`] if the answer is observed.
    Send(Send),
    /// Answer the client: the end.
    Respond(Answer),
}

/// Facts that the policy asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needed {
    /// What it asks for. What it has asked for before in this pass is answered again.
    pub keys: Vec<Key>,
    /// Where in the exchange it is.
    pub stage: Stage,
    /// A pass begins: the facts before are forgotten.
    pub first: bool,
}

/// What the policy has decided or wants to have recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The decision on the client's request, once an exchange: it counts against an account or an address.
    pub decision: Option<DecisionReport>,
    /// In order, in one transaction.
    pub records: Vec<Record>,
    /// The backend is asked next: the exchange goes to its end from here on, whether or not the client
    /// waits.
    pub sends: bool,
    /// Nothing more comes of what was asked for: others may change what its keys name.
    pub ends: bool,
}

/// A request for the backend.
#[derive(Debug)]
pub struct Send {
    /// The method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// All headers but those of framing and connection.
    pub headers: Headers,
    /// The body.
    pub body: Outgoing,
    /// It is sent with the guard's own credential; that of the client is not among the headers.
    pub own_credential: bool,
    /// The answer comes back to the exchange; otherwise it goes to the client as it comes.
    pub observe: bool,
    /// To be reported once the answer goes to the client as it comes. Nothing waits for it.
    pub final_report: Option<Report>,
}

/// The body of a [`Send`].
#[derive(Debug, PartialEq, Eq)]
pub enum Outgoing {
    /// None.
    None,
    /// These bytes.
    Whole(Vec<u8>),
    /// Unread: as it comes in.
    AsItComes,
}

/// The end of an exchange.
#[derive(Debug)]
pub struct Answer {
    /// For the client.
    pub response: Response,
    /// The rule behind it, if it is not the backend's.
    pub rule: Option<String>,
    /// To be reported. Nothing waits for it.
    pub final_report: Option<Report>,
}

/// Facts, of one state of the record.
#[derive(Clone, Debug)]
pub struct Found {
    /// Milliseconds since 1970, by the clock of their source.
    pub now: u64,
    /// Every key of the pass with its answer.
    pub facts: Arc<Vec<Fact>>,
}
