//! The types of `wit/policy.wit`, for the policy and all its callers.
//!
//! With the feature `wasmtime`, wasmtime lifts and lowers them directly, so that a host writes a request into
//! a plugin's memory without copying it first. A guest binds them with `wit-bindgen`'s `with` option.

pub mod facts;
pub mod message;
mod policy;
pub mod record;
mod settings;
mod token_text;

pub use facts::*;
pub use message::*;
pub use policy::{Given, Observed, Pass, Policy};
pub use record::*;
pub use settings::{ConfigError, Settings};
pub use token_text::TokenText;
