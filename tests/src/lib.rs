//! What the end-to-end tests are made of: servers as real processes, which end with the test, a client,
//! [`okta`] as it speaks SCIM, an application that is [`held`]; and the [`model`] of who may change
//! what, which they are measured against.
//!
//! `cargo xtask test` prepares everything that these tests need and tells them where it is, in the
//! environment variables of [`environment`].

pub mod client;
pub mod disk;
pub mod environment;
pub mod envoy;
pub mod guard;
pub mod held;
pub mod load;
pub mod model;
pub mod okta;
pub mod process;
pub mod secrets;
