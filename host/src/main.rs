//! `scimguard`: loads the SCIM policy plugin in front of a backend, and answers everything that can
//! be asked about a decision from the command line.

mod cases;
mod cli;
mod config;
mod demo;
mod engine;
mod proxy;
mod store;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
