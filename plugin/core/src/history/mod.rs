//! What becomes of requests in a row? The conversation between a face and the policy over a record in
//! memory, which evolves with the backend's answers: for `scimguard check` and `test`, and for the
//! browser.

mod document;
mod drive;
mod play;
mod way;

pub use document::{HeaderValue, RequestDocument, UpstreamDocument, given};
pub use drive::{Calls, Decided, Driver, Journal, Stuck};
pub use play::{Answers, Played, play};
pub use way::{Passage, Passed, place, way};
