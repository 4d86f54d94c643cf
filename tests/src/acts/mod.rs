//! Requests as the provider and operators send them, chosen at [`chance`], and as the application gets
//! them, [`reading`].

pub mod chance;
pub mod reading;

use serde_json::{Value, json};

use crate::fixtures::{USER, in_account};
use crate::okta;

/// One request; no body is `null`.
#[derive(Clone, Debug)]
pub struct Operation {
    /// By SCIM, or on the management API.
    pub by_scim: bool,
    /// The method.
    pub method: &'static str,
    /// Below the account's SCIM base, or that of the management API.
    pub path: String,
    /// The body.
    pub body: Value,
}

/// By SCIM; the path is below the account's base.
#[must_use]
pub fn scim(method: &'static str, path: String, body: Value) -> Operation {
    Operation {
        by_scim: true,
        method,
        path,
        body,
    }
}

/// By SCIM.
#[must_use]
pub fn patch(path: String, operations: Value) -> Operation {
    scim("PATCH", path, okta::patch(operations))
}

/// On the management API.
#[must_use]
pub fn managed(method: &'static str, path: String, body: Value) -> Operation {
    Operation {
        by_scim: false,
        method,
        path,
        body,
    }
}

/// A user as SCIM has it.
#[must_use]
pub fn whole_user(mail: &str, name: &str, active: bool) -> Value {
    json!({
        "schemas": [USER], "userName": mail, "displayName": name, "active": active,
        "emails": [{"value": mail, "type": "work", "primary": true}],
    })
}

impl Operation {
    /// The name or id of the user who is created or written.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        match (self.method, self.path.strip_prefix("/Users")?) {
            ("GET" | "DELETE", _) => None,
            (_, "") => self.body["userName"].as_str(),
            (_, path) => path.strip_prefix('/'),
        }
    }

    /// The path below the base of SCIM, or below that of the management API, with the account.
    #[must_use]
    pub fn target(&self) -> String {
        match self.by_scim {
            true => self.path.clone(),
            false => in_account(&self.path),
        }
    }
}
