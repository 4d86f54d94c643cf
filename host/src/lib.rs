//! `scimguard`: runs the SCIM policy plugin in front of a backend, and explains decisions on the
//! command line. The program in `main.rs` is [`run`]; benches and tests use the public modules.

pub mod admin;
pub mod audit;
mod causes;
mod cli;
pub mod config;
mod connections;
mod demo;
pub mod engine;
mod import;
mod lint;
mod log_lines;
mod network;
mod owners;
mod plural;
pub mod proxy;
mod replay;
mod reread;
pub mod serve;
mod shipped;
mod text;
mod times;
mod tls;
mod tokens;

pub use cli::run;
