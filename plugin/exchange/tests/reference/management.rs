//! Requests of operators on the routes of the preset `harness`, and what the product does with them.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Value, json};

use crate::application::{Answer, Application, text};
use crate::trial::Call;
use crate::world::{GROUPS, USERS};

/// Where the routes are.
pub(crate) const PREFIX: &str = "/gateway/ng/api";

/// A request on a route; the path is below the prefix.
pub(crate) fn call() -> impl Strategy<Value = Call> {
    let users = || select(USERS.map(|[id, ..]| id).to_vec());
    let references = || {
        select(
            USERS
                .iter()
                .flat_map(|[id, mail, ..]| [*id, *id, *mail])
                .collect::<Vec<_>>(),
        )
    };
    let some = |all: Vec<&'static str>| {
        let most = all.len();
        subsequence(all, 0..=most)
    };
    let groups = || some(GROUPS.map(|[id, _]| id).to_vec());
    let mails = || {
        let mut mails = USERS.map(|[_, mail, ..]| mail).to_vec();
        mails.push("new@example.com");
        subsequence(mails, 1..3)
    };
    let group = || {
        let one = select(GROUPS.to_vec())
            .prop_flat_map(|[id, own]| (Just(id), select(vec![own, own, "other", GROUPS[0][1]])));
        let members = prop::collection::vec(references(), 0..4);
        (one, members, prop::bool::weighted(0.8)).prop_map(|((id, name), users, says)| {
            let mut body = json!({"identifier": id, "name": name, "users": users});
            if says {
                body["externallyManaged"] = true.into();
            }
            body
        })
    };
    let new_group = || {
        group().prop_map(|mut body| {
            body.as_object_mut()
                .map(|body| body.remove("externallyManaged"));
            body
        })
    };
    let profile = (0..USERS.len()).prop_flat_map(|index| {
        let [id, mail, given, family] = USERS[index];
        let name = select(vec![format!("{given} {family}"), "Eve Hall".to_owned()]);
        let uuid = select(vec![id, id, id, USERS[0][0]]);
        (Just(mail), name, uuid).prop_map(|(mail, name, uuid)| {
            (uuid, json!({"email": mail, "name": name, "uuid": uuid}))
        })
    });
    let call = |method, path: String, body| (method, path, body);
    prop_oneof![
        3 => group().prop_map(move |body| call("PUT", "/user-groups".to_owned(), body)),
        1 => new_group().prop_map(move |body| call("POST", "/user-groups".to_owned(), body)),
        1 => select(GROUPS.to_vec()).prop_map(move |[id, _]| call("DELETE", format!("/user-groups/{id}"), Value::Null)),
        2 => (select(GROUPS.to_vec()), references(), select(vec!["PUT", "DELETE"])).prop_map(move |([id, _], user, method)|
            call(method, format!("/user-groups/{id}/member/{user}"), Value::Null)),
        3 => (users(), groups()).prop_map(move |(user, groups)|
            call("PUT", format!("/user/add-user-to-groups/{user}"), json!({"userGroupIdsToAdd": groups}))),
        3 => (mails(), groups()).prop_map(move |(mails, groups)|
            call("POST", "/user/users".to_owned(), json!({"emails": mails, "userGroups": groups}))),
        3 => profile.prop_map(move |(id, body)| call("PUT", format!("/user/{id}"), body)),
        1 => users().prop_map(move |id| call("DELETE", format!("/user/{id}"), Value::Null)),
        1 => users().prop_map(move |id| call("PUT", format!("/user/unlock-user/{id}"), Value::Null)),
    ]
}

/// The requests that do one part of it each.
pub(crate) fn parts((method, path, body): &Call, before: &Application) -> Vec<Call> {
    let with = |changes: &[(&str, Value)]| {
        let mut body = body.clone();
        for (name, value) in changes {
            body[*name] = value.clone();
        }
        (*method, path.clone(), body)
    };
    match (*method, path.as_str()) {
        ("POST", "/user/users") => {
            let mut parts = Vec::new();
            for mail in list(&body["emails"]) {
                parts.push(with(&[
                    ("emails", json!([mail])),
                    ("userGroups", json!([])),
                ]));
                for group in list(&body["userGroups"]) {
                    parts.push(with(&[
                        ("emails", json!([mail])),
                        ("userGroups", json!([group])),
                    ]));
                }
            }
            parts
        }
        ("PUT", path) if path.starts_with("/user/add-user-to-groups/") => {
            let groups = list(&body["userGroupIdsToAdd"]).into_iter();
            groups
                .map(|group| with(&[("userGroupIdsToAdd", json!([group]))]))
                .collect()
        }
        ("PUT", "/user-groups") => {
            let Some(group) = before.groups.get(&text(body, "identifier")) else {
                return Vec::new();
            };
            let name = ("name", group["displayName"].clone());
            let now = crate::world::members(group);
            let wanted = list(&body["users"]).into_iter();
            let wanted: BTreeSet<String> = wanted.map(|user| before.reference(&user)).collect();
            let users = |users: &BTreeSet<String>| ("users", json!(users));
            let mut parts = vec![with(&[users(&now)])];
            for user in now.symmetric_difference(&wanted) {
                let one = BTreeSet::from([user.clone()]);
                parts.push(with(&[name.clone(), users(&(&now ^ &one))]));
            }
            parts
        }
        _ => Vec::new(),
    }
}

impl Application {
    /// Does what a request on a route asks for.
    pub(crate) fn management(&mut self, (method, path, body): &Call) -> Answer {
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        match (*method, &parts[..]) {
            ("PUT", ["user-groups"]) => {
                let members = self.references(&body["users"]);
                let Some(group) = self.groups.get_mut(&text(body, "identifier")) else {
                    return (404, Value::Null);
                };
                group["displayName"] = body["name"].clone();
                group["members"] = members.into();
            }
            ("POST", ["user-groups"]) => {
                let id = text(body, "identifier");
                if self.groups.contains_key(&id) {
                    return (409, Value::Null);
                }
                let members = self.references(&body["users"]);
                let group = json!({"id": id, "displayName": body["name"], "members": members});
                self.groups.insert(id, group);
            }
            ("DELETE", ["user-groups", id]) => {
                self.groups.remove(*id);
            }
            (method, ["user-groups", id, "member", user]) => {
                let user = self.reference(user);
                self.put_in(id, &user, method == "PUT");
            }
            ("PUT", ["user", "add-user-to-groups", user]) => {
                for group in list(&body["userGroupIdsToAdd"]) {
                    self.put_in(&group, user, true);
                }
            }
            ("POST", ["user", "users"]) => {
                for mail in list(&body["emails"]) {
                    let known = self.named(&json!(mail)).cloned();
                    let id = known.unwrap_or_else(|| {
                        let id = format!("u{}", 20 + self.users.len());
                        let user = json!({"id": id, "userName": mail, "emails": [{"value": mail}]});
                        self.users.insert(id.clone(), user);
                        id
                    });
                    self.users.get_mut(&id).expect("a user")["active"] = true.into();
                    for group in list(&body["userGroups"]) {
                        self.put_in(&group, &id, true);
                    }
                }
            }
            ("PUT", ["user", "unlock-user", _]) => {}
            // The product finds the user by the e-mail.
            ("PUT", ["user", _]) => match self.named(&body["email"]).cloned() {
                Some(id) => {
                    let user = self.users.get_mut(&id).expect("a user");
                    user["displayName"] = body["name"].clone();
                }
                None => return (404, Value::Null),
            },
            ("DELETE", ["user", id]) => {
                self.users.remove(*id);
                self.forget();
            }
            _ => panic!("{method} {path}"),
        }
        (200, json!({"status": "SUCCESS"}))
    }

    /// The id of a user who is named by it, or by name.
    fn reference(&self, reference: &str) -> String {
        let named = self.named(&json!(reference)).cloned();
        named.unwrap_or_else(|| reference.to_owned())
    }

    fn references(&self, list: &Value) -> Vec<Value> {
        let ids = list.as_array().into_iter().flatten();
        let ids: BTreeSet<String> = ids
            .filter_map(Value::as_str)
            .map(|reference| self.reference(reference))
            .collect();
        ids.into_iter().map(|id| json!({"value": id})).collect()
    }

    fn put_in(&mut self, group: &str, user: &str, is_in: bool) {
        let Some(group) = self.groups.get_mut(group) else {
            return;
        };
        let mut members = crate::world::members(group);
        match is_in {
            true => members.insert(user.to_owned()),
            false => members.remove(user),
        };
        let members: Vec<Value> = members.iter().map(|id| json!({"value": id})).collect();
        group["members"] = members.into();
    }
}

fn list(value: &Value) -> Vec<String> {
    let list = value.as_array().into_iter().flatten();
    list.filter_map(Value::as_str).map(str::to_owned).collect()
}
