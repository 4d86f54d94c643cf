//! What becomes of requests in a row? Exchanges over a record in memory, which evolves with the
//! backend's answers: for `scimguard check` and `test`, for `lint`, and for the browser.

mod driver;
mod watcher;

pub use driver::{Driver, Journal, Played, Stuck};
