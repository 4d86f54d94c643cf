//! What the end-to-end tests are made of: servers as real processes, which end with the test, a client,
//! [`okta`] as it speaks SCIM, a proxy that holds responses back, [`fixtures`]; the [`acts`] of providers and operators; and the [`model`] of who
//! may change what, which they are measured against.
//!
//! `cargo xtask test` prepares everything that these tests need and tells them where it is, in the
//! environment variables of [`environment`].

pub mod acts;
pub mod client;
pub mod deployment;
pub mod disk;
pub mod environment;
pub mod envoy;
pub mod fixtures;
pub mod guard;
pub mod holding_proxy;
pub mod load;
pub mod model;
pub mod okta;
pub mod oracle;
pub mod process;
pub mod secrets;
pub mod served;
