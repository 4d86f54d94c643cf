//! The policy's interface as Rust types, made from `wit/policy.wit`, and their counterparts in the
//! core.

mod facts;
mod messages;
mod records;

pub(super) use bindings::exports::scimguard::policy::guard as types;
pub(super) use bindings::{Policy, PolicyPre};

mod bindings {
    wasmtime::component::bindgen!({ world: "policy", path: "../wit" });
}
