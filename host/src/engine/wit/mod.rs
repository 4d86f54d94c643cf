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

/// What a plugin may export beside a policy.
pub(super) mod sign_on {
    pub(in crate::engine) use self::bindings::LoginCheckPre;
    pub(in crate::engine) use self::bindings::exports::scimguard::policy::sign_on::Integration;

    mod bindings {
        wasmtime::component::bindgen!({ world: "login-check", path: "../wit" });
    }
}
