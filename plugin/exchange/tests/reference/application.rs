//! A small application with SCIM, as RFC 7644 has it: the reference for what the guard forwards.

use std::collections::{BTreeMap, BTreeSet};

use scimguard_core::BackendOutcome;
use scimguard_core::message::{AnswerBody, BackendAnswer};
use serde_json::{Value, json};

use crate::drive::Sent;
use crate::patch::{NoTarget, patch};

/// The users and groups of one account, as SCIM shows them, by id.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Application {
    pub(crate) users: BTreeMap<String, Value>,
    pub(crate) groups: BTreeMap<String, Value>,
    /// The ids of groups follow from their names, as in the product.
    pub(crate) derives_ids: bool,
}

/// The status and what is shown.
pub(crate) type Answer = (u16, Value);

impl Application {
    /// Does what a request asks for. The path is below the account's base.
    pub(crate) fn scim(&mut self, method: &str, path: &str, body: &Value) -> Answer {
        let path = path.split_once('?').map_or(path, |(path, _)| path);
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        let answer = match (method, &parts[..]) {
            ("POST", ["Users"]) => self.create_user(body),
            ("POST", ["Groups"]) => self.create_group(body),
            (_, ["Users", id]) => resource(&mut self.users, method, id, body),
            (_, ["Groups", id]) => resource(&mut self.groups, method, id, body),
            _ => panic!("{method} {path}"),
        };
        self.forget();
        answer
    }

    fn create_user(&mut self, body: &Value) -> Answer {
        if self.named(&body["userName"]).is_some() {
            return (409, Value::Null);
        }
        let id = format!("u{}", 20 + self.users.len());
        let mut user = body.clone();
        if user.get("active").is_none() {
            user["active"] = true.into();
        }
        user["id"] = id.as_str().into();
        self.users.insert(id, user.clone());
        (201, user)
    }

    fn create_group(&mut self, body: &Value) -> Answer {
        let name = body["displayName"].as_str().expect("a name");
        let id = match self.derives_ids {
            true => name.replace(['.', '-', ' '], "_"),
            false => format!("g{}", 20 + self.groups.len()),
        };
        if self.groups.contains_key(&id) {
            return (409, Value::Null);
        }
        let mut group = body.clone();
        group["id"] = id.as_str().into();
        self.groups.insert(id, group.clone());
        (201, group)
    }

    /// The id of the user of this name, ignoring case.
    pub(crate) fn named(&self, name: &Value) -> Option<&String> {
        let name = name.as_str().unwrap_or_default();
        let has = |user: &Value| text(user, "userName").eq_ignore_ascii_case(name);
        let mut users = self.users.iter();
        users.find_map(|(id, user)| has(user).then_some(id))
    }

    /// Drops the memberships of users who were deleted.
    pub(crate) fn forget(&mut self) {
        let users: BTreeSet<&String> = self.users.keys().collect();
        for group in self.groups.values_mut() {
            if let Some(members) = group.get_mut("members").and_then(Value::as_array_mut) {
                members.retain(|member| {
                    let id = text(member, "value");
                    users.iter().any(|user| **user == id)
                });
            }
        }
    }
}

/// A request on one resource.
fn resource(
    resources: &mut BTreeMap<String, Value>,
    method: &str,
    id: &str,
    body: &Value,
) -> Answer {
    let Some(known) = resources.get_mut(id) else {
        return (404, Value::Null);
    };
    match method {
        "GET" => {}
        "PUT" => replace(known, body),
        "PATCH" => {
            let mut after = known.clone();
            match patch(&mut after, body) {
                Ok(()) => replace(known, &after),
                Err(NoTarget) => return (400, Value::Null),
            }
        }
        "DELETE" => {
            resources.remove(id);
            return (204, Value::Null);
        }
        _ => panic!("{method} of {id}"),
    }
    (200, known.clone())
}

/// RFC 7644 §3.5.1. What is left out or removed of a user's activity leaves it as it is: only the
/// application knows what that means.
pub(crate) fn replace(known: &mut Value, body: &Value) {
    let mut after = body.clone();
    for kept in ["id", "active"] {
        if after.get(kept).is_none()
            && let Some(value) = known.get(kept)
        {
            after[kept] = value.clone();
        }
    }
    *known = after;
}

/// The text of an attribute; empty if there is none.
pub(crate) fn text(resource: &Value, name: &str) -> String {
    resource[name].as_str().unwrap_or_default().to_owned()
}

/// The answer as the guard gets it.
pub(crate) fn outcome((status, body): Answer) -> BackendOutcome {
    BackendOutcome::Answered(BackendAnswer {
        status,
        headers: Vec::new(),
        body: match body {
            Value::Null => AnswerBody::None,
            body => AnswerBody::Bytes(body.to_string().into_bytes()),
        },
    })
}

/// The body of a request as JSON.
pub(crate) fn body(sent: &Sent<'_>) -> Value {
    match sent.body {
        [] => json!(null),
        bytes => serde_json::from_slice(bytes).expect("JSON"),
    }
}
