//! The whole way with real processes: an identity provider's requests, the guard with the component
//! in wasmtime, a SCIM server of another project.

mod bulk;
mod conformance;
mod crash;
mod credential;
mod demo;
mod dialects;
mod disk;
mod doctor;
mod facts;
mod gateway;
mod import;
mod interop;
mod issuers;
mod limits;
mod lint;
mod listed;
mod login_check;
mod narrow;
mod operators;
mod owners;
mod packaged;
mod process;
mod provisioning;
mod recorder;
mod test_bed;
mod tokens;
