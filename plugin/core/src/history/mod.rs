//! Requests as documents, what is decided of them, and how far each came: for `scimguard check` and
//! `test`, and for the browser.

mod decided;
mod document;
mod way;

pub use decided::{Answers, Decided};
pub use document::{HeaderValue, RequestDocument, UpstreamDocument, given};
pub use way::{Passage, Passed, place, way};
