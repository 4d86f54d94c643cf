//! What every gateway does around the policy, whoever moves the bytes: which requests it refuses by
//! itself, what stays on one connection, where a request may go, and for a gateway without a store
//! the whole way of a request as a state machine ([`Exchange`]). No I/O, no clock.

mod accounts;
mod exchange;
pub mod headers;
pub mod incoming;
mod paths;
mod refusal;
mod service;
mod strangers;
mod trust;

pub use accounts::{account_of_key, account_of_record};
pub use exchange::{Answer, CREDENTIALS, Exchange, Gateway, Incoming, Next, Outgoing, Send};
pub use paths::ScimPaths;
pub use refusal::Refused;
pub use service::{Unserved, facts, told};
pub use trust::{Seen, Trust, Verified, account_of_token, good_tokens};
