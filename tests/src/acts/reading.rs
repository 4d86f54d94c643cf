//! What a request that reached the application asks for. It reads what the guard writes: one form of
//! each SCIM message, and the routes of the preset.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::fixtures::HARNESS_BASE;
use crate::model::{Active, Edit, Id, Profile, World};

/// The edit; `None` if it is none that is known. `world`: what the application has.
#[must_use]
pub fn edit(world: &World, method: &str, path: &str, body: &[u8]) -> Option<Edit> {
    let body: Value = match body {
        [] => Value::Null,
        bytes => serde_json::from_slice(bytes).ok()?,
    };
    let path = path.split_once('?').map_or(path, |(path, _)| path);
    if let Some(rest) = path.strip_prefix(HARNESS_BASE) {
        let parts: Vec<&str> = rest.split('/').skip(1).collect();
        return match parts[..] {
            ["Users"] => (method == "POST").then(|| created_user(&body))?,
            ["Users", id] => user(method, id, &body),
            ["Groups"] => (method == "POST").then(|| created_group(&body))?,
            ["Groups", id] => group(method, id, &body),
            _ => None,
        };
    }
    let rest = path.strip_prefix("/gateway/")?;
    let parts: Vec<&str> = rest.split('/').collect();
    management(world, method, &parts, &body)
}

// === SCIM ===

fn created_user(body: &Value) -> Option<Edit> {
    let mail = text(&body["userName"])?;
    Some(Edit::create_user(&mail, profile(body), &[]))
}

fn user(method: &str, id: &str, body: &Value) -> Option<Edit> {
    let user = id.to_owned();
    match method {
        "DELETE" => Some(Edit::DeleteUser(user)),
        "PUT" => Some(Edit::WriteUser {
            user,
            profile: profile(body),
            active: active(&body["active"]),
        }),
        "PATCH" => {
            let mut whole = Value::Null;
            for operation in body["Operations"].as_array()? {
                let name = operation["path"].as_str()?;
                whole[name] = operation["value"].clone();
            }
            Some(Edit::WriteUser {
                user,
                profile: profile(&whole),
                active: active(&whole["active"]),
            })
        }
        _ => None,
    }
}

fn profile(attributes: &Value) -> Profile {
    Profile {
        mail: text(&attributes["userName"]),
        name: text(&attributes["displayName"]),
        ..Profile::default()
    }
}

fn active(value: &Value) -> Active {
    match value.as_bool() {
        None => Active::Kept,
        Some(true) => Active::On,
        Some(false) => Active::Off,
    }
}

fn created_group(body: &Value) -> Option<Edit> {
    Some(Edit::CreateGroup {
        id: None,
        name: text(&body["displayName"])?,
        members: references(&body["members"]),
    })
}

fn group(method: &str, id: &str, body: &Value) -> Option<Edit> {
    let group = id.to_owned();
    match method {
        "DELETE" => Some(Edit::DeleteGroup(group)),
        "PUT" => Some(Edit::ReplaceGroup {
            group,
            name: text(&body["displayName"]),
            members: references(&body["members"]),
        }),
        "PATCH" => {
            let (mut name, mut add, mut remove) = (None, BTreeSet::new(), BTreeSet::new());
            for operation in body["Operations"].as_array()? {
                let path = operation["path"].as_str();
                match (operation["op"].as_str()?, path) {
                    ("replace", None) => name = text(&operation["value"]["displayName"]),
                    ("add", Some("members")) => add.extend(references(&operation["value"])),
                    ("remove", Some(path)) => {
                        let quoted = path.strip_prefix("members[value eq \"")?;
                        remove.insert(quoted.strip_suffix("\"]")?.to_owned());
                    }
                    _ => return None,
                }
            }
            Some(Edit::WriteGroup {
                group,
                name,
                add,
                remove,
            })
        }
        _ => None,
    }
}

fn references(members: &Value) -> BTreeSet<Id> {
    let members = members.as_array().into_iter().flatten();
    members
        .filter_map(|member| text(&member["value"]))
        .collect()
}

// === the management API ===

fn management(world: &World, method: &str, path: &[&str], body: &Value) -> Option<Edit> {
    let one = |id: &str| BTreeSet::from([id.to_owned()]);
    Some(match (method, path) {
        ("POST", ["ng", "api", "user-groups"]) => Edit::CreateGroup {
            id: text(&body["identifier"]),
            name: text(&body["name"])?,
            members: ids(&body["users"]),
        },
        ("PUT", ["ng", "api", "user-groups"]) => Edit::ReplaceGroup {
            group: text(&body["identifier"])?,
            name: text(&body["name"]),
            members: ids(&body["users"]),
        },
        ("DELETE", ["ng", "api", "user-groups", group]) => Edit::DeleteGroup((*group).to_owned()),
        ("PUT", ["ng", "api", "user-groups", group, "member", user]) => Edit::JoinGroups {
            user: (*user).to_owned(),
            groups: one(group),
        },
        ("DELETE", ["ng", "api", "user-groups", group, "member", user]) => Edit::LeaveGroups {
            user: (*user).to_owned(),
            groups: one(group),
        },
        ("PUT", ["ng", "api", "user", "add-user-to-groups", user]) => Edit::JoinGroups {
            user: (*user).to_owned(),
            groups: ids(&body["userGroupIdsToAdd"]),
        },
        ("POST", ["ng", "api", "user", "users"]) => Edit::CreateUser {
            mail: text(&body["emails"][0])?,
            profile: Profile::default(),
            groups: ids(&body["userGroups"]),
        },
        ("PUT", ["ng", "api", "user", "unlock-user", _])
        | ("POST", ["authz", "api", "roleassignments"]) => Edit::Free,
        // As in the guarded product, the e-mail names the user to change, and cannot be changed here.
        ("PUT", ["ng", "api", "user", _]) => match world.named(&text(&body["email"])?) {
            None => Edit::Nothing,
            Some(user) => Edit::WriteUser {
                user: user.clone(),
                profile: Profile {
                    name: text(&body["name"]),
                    ..Profile::default()
                },
                active: Active::Kept,
            },
        },
        ("DELETE", ["ng", "api", "user", user]) => Edit::DeleteUser((*user).to_owned()),
        _ => return None,
    })
}

fn ids(list: &Value) -> BTreeSet<Id> {
    let list = list.as_array().into_iter().flatten();
    list.filter_map(text).collect()
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}
