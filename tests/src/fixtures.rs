//! What most suites repeat: an account, policies, SCIM schemas, permissions, and a provider's token.

use serde_json::{Value, json};

/// The account of every test.
pub const ACCOUNT: &str = "ACC1";

/// The SCIM base of the account in the preset `harness`: at a guard, and at the example application.
pub const HARNESS_BASE: &str = "/gateway/ng/api/scim/account/ACC1";

/// The SCIM base of the account at a guard in front of a stock SCIM server.
pub const GENERIC_BASE: &str = "/scim/v2/ACC1";

/// Where `scim2-server` has its end points, and a server made of `scimmy`.
pub const SCIM2_MOUNT: &str = "/v2";
/// Where a server made of `scimmy` has its end points.
pub const SCIMMY_MOUNT: &str = "/scim";

/// The schema of a user.
pub const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// The schema of a group.
pub const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
/// The schema of a PATCH message.
pub const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
/// The schema of a Bulk request.
pub const BULK: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";

/// The permissions that an identity provider needs in the preset `harness`.
pub const PERMISSIONS: [&str; 5] = [
    "core_user_view",
    "core_user_manage",
    "core_user_invite",
    "core_usergroup_view",
    "core_usergroup_manage",
];

/// The secret of the gateway `edge` at a facts service.
pub const GATEWAY_SECRET: &str = "0123456789abcdef0123456789abcdef-edge";

/// The table in which a guard has a credential of its own at the application.
pub const OWN_CREDENTIAL: &str = "[backend_credential]\nfile = \"backend.token\"\n";

/// The policy in front of the example application.
#[must_use]
pub fn harness() -> Value {
    json!({"version": 1, "preset": "harness"})
}

/// The policy in front of a stock SCIM server that has its end points under `mount`.
#[must_use]
pub fn generic(mount: &str) -> Value {
    json!({
        "version": 1,
        "preset": "generic",
        "scim": {"upstream_base": mount, "account": ACCOUNT},
    })
}

/// A path of the management API, for the account.
#[must_use]
pub fn in_account(path: &str) -> String {
    format!("{path}?accountIdentifier={ACCOUNT}")
}

/// Where an administrator finds a user.
#[must_use]
pub fn user_path(id: &str) -> String {
    in_account(&format!("/gateway/ng/api/user/{id}"))
}

/// Where an administrator finds a group.
#[must_use]
pub fn group_path(id: &str) -> String {
    in_account(&format!("/gateway/ng/api/user-groups/{id}"))
}

/// A service account with all permissions, as case suites have it.
#[must_use]
pub fn principal(id: &str) -> Value {
    json!({"account": ACCOUNT, "id": id, "kind": "service-account", "permissions": PERMISSIONS})
}

/// The lines of a configuration that let the gateway `edge` use a facts service; `more` stands in its
/// table.
#[must_use]
pub fn facts_service(listen: std::net::SocketAddr, more: &str) -> String {
    format!(
        "[facts]\nlisten = \"{listen}\"\n{more}[[facts.gateway]]\nname = \"edge\"\n\
         secret_file = \"edge.secret\"\n"
    )
}
