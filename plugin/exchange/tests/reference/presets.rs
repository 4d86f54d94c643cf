//! The policies that the properties are tried with, and the same settings in the model.

use std::sync::{Arc, LazyLock};

use scimguard_core::Guard;
use scimguard_exchange::Setup;

use crate::fixtures::{BASE, guard};
use crate::model::Policy;

/// A policy, and what the reference must know of it.
pub(crate) struct Preset {
    pub(crate) setup: Arc<Setup<Guard>>,
    pub(crate) base: &'static str,
    pub(crate) policy: Policy,
    /// The ids of groups follow from their names.
    pub(crate) derives_ids: bool,
    /// The setting `deactivated` is `locked`.
    pub(crate) locks_deactivated: bool,
}

const GENERIC: &str = "/scim/v2/ACC1";

/// Every policy.
pub(crate) static PRESETS: LazyLock<[Preset; 5]> = LazyLock::new(|| {
    let default = Policy::default();
    let product = |document: &str, policy| preset(document, BASE, policy, true);
    let generic = |document: &str, policy| preset(document, GENERIC, policy, false);
    [
        product("", default),
        product(
            r#"{"version": 1, "preset": "harness", "adopt": {"users": "deny", "groups": "allow"},
                "scim": {"dialect": {"Group.members": "value-list"}}}"#,
            Policy {
                adopt_users: false,
                adopt_groups: true,
                ..default
            },
        ),
        generic(r#"{"version": 1, "preset": "generic"}"#, default),
        generic(
            r#"{"version": 1, "preset": "generic", "deactivated": "locked", "adopt": {"groups": "allow"},
                "direct_users": "locked", "scim": {"emails": "primary-only"}}"#,
            Policy {
                adopt_groups: true,
                direct_locked: true,
                ..default
            },
        ),
        generic(
            r#"{"version": 1, "preset": "ipsie"}"#,
            Policy {
                direct_locked: true,
                local_denied: true,
                ..default
            },
        ),
    ]
});

fn preset(document: &str, base: &'static str, policy: Policy, derives_ids: bool) -> Preset {
    Preset {
        setup: Arc::new(Setup::new(guard(document), false)),
        base,
        policy,
        derives_ids,
        locks_deactivated: derives_ids || document.contains("\"deactivated\": \"locked\""),
    }
}
