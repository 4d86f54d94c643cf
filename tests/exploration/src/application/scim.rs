//! SCIM, in the canonical form that the guard sends.

use percent_encoding::percent_decode_str;
use scimguard_core::message::BackendAnswer;
use scimguard_tests::fixtures;
use scimguard_tests::model::Id;
use serde_json::{Value, json};

use super::{Application, Failure, Group, User, ids, success, text};

impl Application {
    pub(super) fn scim(
        &mut self,
        method: &str,
        path: &str,
        query: &str,
        body: &Value,
    ) -> Result<BackendAnswer, Failure> {
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        match (method, &parts[..]) {
            ("GET", ["Users"]) => {
                let all: Vec<Value> = self.users.iter().map(user_view).collect();
                Ok(list(all, query))
            }
            ("GET", ["Groups"]) => {
                let all: Vec<Value> = self.groups.iter().map(group_view).collect();
                Ok(list(all, query))
            }
            ("GET", ["Users", id]) => self.show_user(id, 200),
            ("GET", ["Groups", id]) => self.show_group(id, 200),
            ("POST", ["Users"]) => self.post_user(body),
            ("POST", ["Groups"]) => {
                let id = self.add_group(Group {
                    display_name: text(&body["displayName"]).ok_or(400_u16)?,
                    external_id: text(&body["externalId"]),
                    members: members(&body["members"]),
                });
                self.show_group(&id, 201)
            }
            ("PUT", ["Users", id]) => {
                self.write_user(id, body)?;
                self.show_user(id, 200)
            }
            ("PUT", ["Groups", id]) => {
                self.group(id)?;
                let name = text(&body["displayName"]).ok_or(400_u16)?;
                let external_id = text(&body["externalId"]);
                let group = Group {
                    display_name: name,
                    external_id,
                    members: members(&body["members"]),
                };
                self.put_group((*id).to_owned(), group);
                self.show_group(id, 200)
            }
            ("PATCH", ["Users", id]) => self.patch_user(id, body),
            ("PATCH", ["Groups", id]) => self.patch_group(id, body),
            ("DELETE", ["Users", id]) => {
                self.remove_user(id)?;
                Ok(success(204, &Value::Null))
            }
            ("DELETE", ["Groups", id]) => {
                self.groups.remove(*id).ok_or(404_u16)?;
                Ok(success(204, &Value::Null))
            }
            _ => Err(404),
        }
    }

    fn post_user(&mut self, body: &Value) -> Result<BackendAnswer, Failure> {
        let name = text(&body["userName"]).ok_or(400_u16)?;
        if let (true, Some(id)) = (self.traits.takes_over, self.named(&name).cloned()) {
            self.write_user(&id, body)?;
            return self.show_user(&id, 201);
        }
        let id = self.add_user(User {
            display_name: text(&body["displayName"]).unwrap_or_else(|| name.clone()),
            user_name: name,
            active: body["active"].as_bool().unwrap_or(true),
            external_id: text(&body["externalId"]),
        })?;
        self.show_user(&id, 201)
    }

    fn patch_user(&mut self, id: &str, body: &Value) -> Result<BackendAnswer, Failure> {
        let mut whole = json!({});
        for operation in body["Operations"].as_array().ok_or(400_u16)? {
            let path = operation["path"].as_str().ok_or(400_u16)?;
            whole[path] = operation["value"].clone();
        }
        self.write_user(id, &whole)?;
        match self.traits.is_silent {
            true => Ok(success(204, &Value::Null)),
            // A user removed by this request is returned one last time.
            false => match self.show_user(id, 200) {
                Err(404) => Ok(success(204, &Value::Null)),
                shown => shown,
            },
        }
    }

    fn write_user(&mut self, id: &str, attributes: &Value) -> Result<(), Failure> {
        self.user(id)?;
        if let Some(name) = text(&attributes["userName"]) {
            self.rename(id, &name)?;
        }
        let user = self.user(id)?;
        if let Some(name) = text(&attributes["displayName"]) {
            user.display_name = name;
        }
        if let Some(external_id) = text(&attributes["externalId"]) {
            user.external_id = Some(external_id);
        }
        if let Some(active) = attributes["active"].as_bool() {
            user.active = active;
        }
        if !user.active && self.traits.removes_deactivated {
            self.remove_user(id)?;
        }
        Ok(())
    }

    fn patch_group(&mut self, id: &str, body: &Value) -> Result<BackendAnswer, Failure> {
        let mut group = self.group(id)?.clone();
        for operation in body["Operations"].as_array().ok_or(400_u16)? {
            let value = &operation["value"];
            match (operation["op"].as_str(), operation["path"].as_str()) {
                (Some("replace"), None) => {
                    if let Some(name) = text(&value["displayName"]) {
                        group.display_name = name;
                    }
                }
                (Some("add"), Some("members")) => group.members.extend(members(value)),
                (Some("remove"), Some(path)) => {
                    let user = path.strip_prefix("members[value eq \"").ok_or(400_u16)?;
                    group
                        .members
                        .remove(user.strip_suffix("\"]").ok_or(400_u16)?);
                }
                _ => return Err(400),
            }
        }
        self.put_group(id.to_owned(), group);
        match self.traits.is_silent {
            true => Ok(success(204, &Value::Null)),
            false => self.show_group(id, 200),
        }
    }

    fn show_user(&self, id: &str, status: u16) -> Result<BackendAnswer, Failure> {
        let user = self.users.get_key_value(id).ok_or(404_u16)?;
        Ok(success(status, &user_view(user)))
    }

    fn show_group(&self, id: &str, status: u16) -> Result<BackendAnswer, Failure> {
        let group = self.groups.get_key_value(id).ok_or(404_u16)?;
        Ok(success(status, &group_view(group)))
    }
}

fn user_view((id, user): (&Id, &User)) -> Value {
    let mut view = json!({
        "schemas": [fixtures::USER], "id": id, "userName": user.user_name,
        "displayName": user.display_name, "active": user.active,
    });
    if let Some(external_id) = &user.external_id {
        view["externalId"] = json!(external_id);
    }
    view
}

fn group_view((id, group): (&Id, &Group)) -> Value {
    let mut view = json!({
        "schemas": [fixtures::GROUP], "id": id, "displayName": group.display_name,
    });
    if let Some(external_id) = &group.external_id {
        view["externalId"] = json!(external_id);
    }
    // A group without members has no attribute `members`.
    if !group.members.is_empty() {
        let members = group.members.iter().map(|user| json!({"value": user}));
        view["members"] = members.collect();
    }
    view
}

/// The resources that match a filter on one attribute, `NAME eq "VALUE"`.
fn list(all: Vec<Value>, query: &str) -> BackendAnswer {
    let filter = query
        .split('&')
        .find_map(|pair| pair.strip_prefix("filter="));
    let filter = filter.map(|text| percent_decode_str(text).decode_utf8_lossy().into_owned());
    let resources: Vec<Value> = match &filter {
        None => all,
        Some(filter) => {
            let (name, value) = filter.split_once(" eq ").unwrap_or_default();
            let value: Value = serde_json::from_str(value).unwrap_or_default();
            let matches = |resource: &Value| match (resource[name].as_str(), value.as_str()) {
                (Some(has), Some(wanted)) => has.eq_ignore_ascii_case(wanted),
                _ => false,
            };
            all.into_iter().filter(matches).collect()
        }
    };
    let schemas = ["urn:ietf:params:scim:api:messages:2.0:ListResponse"];
    let body = json!({"schemas": schemas, "totalResults": resources.len(), "Resources": resources});
    success(200, &body)
}

fn members(list: &Value) -> std::collections::BTreeSet<Id> {
    ids(list, |member| &member["value"])
}
