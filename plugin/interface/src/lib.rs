//! The types of `wit/policy.wit`, once, for the policy and everything that calls one.
//!
//! With the feature `wasmtime` they lift and lower themselves, so that a host writes a request into a
//! plugin's memory from where it is. A guest binds them by `wit-bindgen`'s `with` option.

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
