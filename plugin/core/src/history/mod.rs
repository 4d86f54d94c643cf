//! Requests as documents, the decisions about them, and the stages that each reached: for
//! `scimguard check` and `test`, and for the browser.

mod decided;
mod document;
mod way;

pub use decided::{Answers, Decided};
pub use document::{HeaderValue, RequestDocument, UpstreamDocument, given};
pub use way::{Passage, Passed, place, way};
