//! Plays requests in a row over a record in memory, which evolves with the backend's answers. For
//! `scimguard check`, `test` and `lint`, and for the browser.

mod driver;
mod watcher;

pub use driver::{Driver, Journal, Played, Stuck};
