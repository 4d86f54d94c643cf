//! Requests as the provider and operators send them.

use scimguard_tests::client::Answer;
use scimguard_tests::fixtures::{USER, in_account};
use scimguard_tests::okta;
use serde_json::{Value, json};

use crate::scenario::Hands;

/// One request; no body is `null`.
#[derive(Clone)]
pub(crate) struct Operation {
    by_scim: bool,
    method: &'static str,
    path: String,
    body: Value,
}

/// By SCIM; the path is below the account's base.
pub(crate) fn scim(method: &'static str, path: String, body: Value) -> Operation {
    Operation {
        by_scim: true,
        method,
        path,
        body,
    }
}

/// By SCIM.
pub(crate) fn patch(path: String, operations: Value) -> Operation {
    scim("PATCH", path, okta::patch(operations))
}

/// On the management API.
pub(crate) fn managed(method: &'static str, path: String, body: Value) -> Operation {
    Operation {
        by_scim: false,
        method,
        path,
        body,
    }
}

/// A user as SCIM has it.
pub(crate) fn whole_user(mail: &str, name: &str, active: bool) -> Value {
    json!({
        "schemas": [USER], "userName": mail, "displayName": name, "active": active,
        "emails": [{"value": mail, "type": "work", "primary": true}],
    })
}

impl Operation {
    /// The name or id of the user who is created or written.
    pub(crate) fn user(&self) -> Option<&str> {
        match (self.method, self.path.strip_prefix("/Users")?) {
            ("GET" | "DELETE", _) => None,
            (_, "") => self.body["userName"].as_str(),
            (_, path) => path.strip_prefix('/'),
        }
    }

    /// Sends the request.
    pub(crate) async fn by(&self, hands: &Hands) -> anyhow::Result<Answer> {
        let body = (!self.body.is_null()).then_some(&self.body);
        if self.by_scim {
            return hands.scim.send(self.method, &self.path, body).await;
        }
        let path = in_account(&self.path);
        hands.management.send(self.method, &path, body).await
    }
}
