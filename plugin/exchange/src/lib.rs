//! One request from its head to its response, without I/O or a clock. An [`Exchange`] decides the request,
//! has its intent recorded, sends it, judges the answer and has the outcome recorded.
//!
//! # The contract
//! Each call of an exchange returns the next [`Step`]. The caller performs it and reports the result with
//! the call that the step names, until [`Step::Respond`]. Only an exchange calls the policy.
//!
//! - The facts of a write are given under leases: no other request changes what their keys name until a
//!   [`Report`] `ends` the pass, or the exchange is dropped.
//! - A pass waits for what it needs and resumes with it if its earlier facts still hold. Otherwise, or if
//!   the caller releases it ([`Exchange::release`]), it begins again with everything known by then.
//! - [`Step::Store`] precedes what depends on it: the decision comes before anything else, the intent before
//!   the backend is asked, the outcome before the client is answered. If storing fails, the client is refused.
//! - If the client goes away before a report `sends` anything, the exchange can be dropped. Afterwards it
//!   must be driven to its end, or [`Exchange::abandoned`] returns what is left to record.
//! - A policy that breaks the protocol (asks or proceeds without end, or names another account) is refused
//!   with `plugin.trapped`.
//!
//! ```
//! use std::sync::Arc;
//!
//! use scimguard_core::facts::{Fact, Key, Table};
//! use scimguard_core::{BackendOutcome, Body, Guard, Response};
//! use scimguard_exchange::{Exchange, Found, Incoming, Setup, Step};
//!
//! /// Drives an exchange over a record in memory, in front of a backend.
//! fn drive(
//!     guard: Guard,
//!     incoming: Incoming,
//!     body: &Body,
//!     table: &mut Table,
//!     backend: impl Fn(scimguard_exchange::Send) -> BackendOutcome,
//!     now: u64,
//! ) -> Response {
//!     let (mut exchange, mut step) = Exchange::begin(Arc::new(Setup::new(guard, false)), incoming, now);
//!     let mut keys: Vec<Key> = Vec::new();
//!     loop {
//!         step = match step {
//!             Step::ReadBody(limit) => exchange.body(match body {
//!                 Body::Bytes(bytes) if bytes.len() as u64 > limit => Body::OverLimit,
//!                 body => body.clone(),
//!             }),
//!             Step::GetFacts(needed) => {
//!                 if needed.first {
//!                     keys.clear();
//!                 }
//!                 keys.extend(needed.keys);
//!                 let answers = table.answer_all(&keys);
//!                 let facts = keys.iter().cloned().zip(answers);
//!                 let facts = facts.map(|(key, answer)| Fact { key, answer }).collect();
//!                 exchange.facts(Ok(Found { now, facts: Arc::new(facts) }))
//!             }
//!             Step::Store(report) => {
//!                 for record in &report.records {
//!                     table.apply(record);
//!                 }
//!                 exchange.stored(Ok(()))
//!             }
//!             Step::Send(send) => exchange.answered(backend(send)),
//!             Step::Respond(answer) => return answer.response,
//!         };
//!     }
//! }
//!
//! let incoming = Incoming {
//!     method: "GET".to_owned(),
//!     path: "/gateway/ng/api/scim/account/ACC1/Users".to_owned(),
//!     authority: None,
//!     headers: Vec::new(),
//! };
//! let guard = Guard::configure("").unwrap();
//! let nobody = |_| BackendOutcome::Unanswered;
//! let response = drive(guard, incoming, &Body::None, &mut Table::default(), nobody, 0);
//! assert_eq!(response.status, 401);
//! ```

mod accounts;
mod exchange;
pub mod headers;
pub mod history;
pub mod incoming;
mod paths;
mod refusal;
mod remote;
mod reports;
mod setup;
mod strangers;
mod trust;
mod witness;

pub use accounts::{account_of_key, account_of_record};
pub use exchange::{
    Answer, CREDENTIALS, Exchange, Found, Incoming, Needed, Outgoing, Report, Send, Step,
};
pub use paths::ScimPaths;
pub use refusal::Refused;
pub use remote::{Parting, Remote, ServiceError};
pub use reports::{Due, Reports};
pub use setup::Setup;
pub use strangers::{Strangers, address};
pub use trust::{account_of_token, good_tokens};
pub use witness::Witness;
