//! The token stage as a face sees it: which issuers it asks and what it decides. No token reaches
//! another account.

mod accounts_apart;
mod asking;
mod face;
#[path = "../fixtures/mod.rs"]
mod fixtures;
