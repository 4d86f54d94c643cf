//! What the end-to-end tests are made of: servers as real processes, which end with the test, and
//! a client; and the [`model`] of who may change what, which they are measured against. Nothing here
//! knows SCIM.
//!
//! `cargo xtask test` prepares everything that these tests need and tells them where it is, in the
//! environment variables of [`environment`].

pub mod client;
pub mod environment;
pub mod envoy;
pub mod guard;
pub mod load;
pub mod model;
pub mod process;
pub mod secrets;
