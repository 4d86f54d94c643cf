//! The application's own API for its administrators.

use scimguard_core::message::BackendAnswer;
use serde_json::{Value, json};

use super::{Application, Failure, Group, User, ids, success, text};

impl Application {
    pub(super) fn manage(
        &mut self,
        method: &str,
        path: &str,
        body: &Value,
    ) -> Result<BackendAnswer, Failure> {
        let rest = path.strip_prefix("/gateway/ng/api/").ok_or(404_u16)?;
        let parts: Vec<&str> = rest.split('/').collect();
        let data = match (method, &parts[..]) {
            ("POST", ["user-groups"]) => {
                let id = text(&body["identifier"]).ok_or(400_u16)?;
                if self.groups.contains_key(&id) {
                    return Err(409);
                }
                self.write_group(&id, body)?
            }
            ("PUT", ["user-groups"]) => {
                let id = text(&body["identifier"]).ok_or(400_u16)?;
                self.group(&id)?;
                self.write_group(&id, body)?
            }
            ("GET", ["user-groups", id]) => self.group_view(id)?,
            ("DELETE", ["user-groups", id]) => {
                let view = self.group_view(id)?;
                self.groups.remove(*id);
                view
            }
            ("PUT", ["user-groups", id, "member", user]) => {
                self.join(id, user)?;
                self.group_view(id)?
            }
            ("DELETE", ["user-groups", id, "member", user]) => {
                self.group(id)?.members.remove(*user);
                self.group_view(id)?
            }
            ("PUT", ["user", "add-user-to-groups", user]) => {
                for group in ids(&body["userGroupIdsToAdd"], |id| id) {
                    self.join(&group, user)?;
                }
                self.user_view(user)?
            }
            ("POST", ["user", "users"]) => self.invite(body)?,
            ("GET", ["user", id]) | ("PUT", ["user", "unlock-user", id]) => self.user_view(id)?,
            // The e-mail names the user to change, and cannot be changed here.
            ("PUT", ["user", _]) => {
                let mail = text(&body["email"]).ok_or(400_u16)?;
                let id = self.named(&mail).cloned().ok_or(404_u16)?;
                self.user(&id)?.display_name = text(&body["name"]).ok_or(400_u16)?;
                self.user_view(&id)?
            }
            ("DELETE", ["user", id]) => {
                let view = self.user_view(id)?;
                self.remove_user(id)?;
                view
            }
            _ => return Err(404),
        };
        Ok(success(200, &json!({"status": "SUCCESS", "data": data})))
    }

    fn write_group(&mut self, id: &str, body: &Value) -> Result<Value, Failure> {
        let group = Group {
            display_name: text(&body["name"]).ok_or(400_u16)?,
            external_id: self
                .groups
                .get(id)
                .and_then(|group| group.external_id.clone()),
            members: ids(&body["users"], |id| id),
        };
        self.put_group(id.to_owned(), group);
        self.group_view(id)
    }

    fn join(&mut self, group: &str, user: &str) -> Result<(), Failure> {
        let is_known = self.users.contains_key(user);
        let group = self.group(group)?;
        if is_known {
            group.members.insert(user.to_owned());
        }
        Ok(())
    }

    fn invite(&mut self, body: &Value) -> Result<Value, Failure> {
        let mut invited = Vec::new();
        for mail in ids(&body["emails"], |mail| mail) {
            let id = self.add_user(User {
                user_name: mail.to_lowercase(),
                display_name: mail,
                active: true,
                external_id: None,
            })?;
            invited.push(self.user_view(&id)?);
            for group in ids(&body["userGroups"], |id| id) {
                self.join(&group, &id)?;
            }
        }
        Ok(Value::Array(invited))
    }

    fn group_view(&mut self, id: &str) -> Result<Value, Failure> {
        let group = self.group(id)?;
        Ok(json!({"identifier": id, "name": group.display_name, "users": group.members}))
    }

    fn user_view(&mut self, id: &str) -> Result<Value, Failure> {
        let user = self.user(id)?;
        Ok(json!({
            "uuid": id, "name": user.display_name, "email": user.user_name, "disabled": !user.active,
        }))
    }
}
