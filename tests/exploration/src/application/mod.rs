//! A small model of an application: users and groups of one account, over SCIM and over a
//! management API. It behaves as the documented applications do, and protects nothing.

mod management;
mod scim;

use std::collections::{BTreeMap, BTreeSet};

use scimguard_core::message::{AnswerBody, BackendAnswer};
use scimguard_tests::fixtures::HARNESS_BASE;
use scimguard_tests::model::{self, Id};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::event::Request;

/// The differences between applications.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Traits {
    /// Deactivating a user removes the user.
    pub removes_deactivated: bool,
    /// Creating an existing user updates that user; otherwise it is a conflict.
    pub takes_over: bool,
    /// A PATCH is answered without a body.
    pub is_silent: bool,
}

/// The application's state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Application {
    /// How it differs from other applications.
    pub(crate) traits: Traits,
    /// Keyed by id.
    pub(crate) users: BTreeMap<Id, User>,
    /// Keyed by id.
    pub(crate) groups: BTreeMap<Id, Group>,
    /// The number of users ever created.
    created: u32,
}

/// A user.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct User {
    /// Also the e-mail.
    pub(crate) user_name: String,
    /// The full name.
    pub(crate) display_name: String,
    /// False for a deactivated user.
    pub(crate) active: bool,
    /// The provider's id.
    pub(crate) external_id: Option<String>,
}

/// A group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Group {
    /// The name; several groups may have the same.
    pub(crate) display_name: String,
    /// The provider's id.
    pub(crate) external_id: Option<String>,
    /// Ids of users.
    pub(crate) members: BTreeSet<Id>,
}

/// Why a request had no effect, as an HTTP status.
type Failure = u16;

impl Application {
    /// An application without users and groups yet.
    pub(crate) fn new(traits: Traits) -> Self {
        Self {
            traits,
            ..Self::default()
        }
    }

    /// Answers a request.
    pub(crate) fn answer(&mut self, method: &str, path: &str, body: &[u8]) -> BackendAnswer {
        let body: Value = match body {
            [] => Value::Null,
            bytes => match serde_json::from_slice(bytes) {
                Ok(body) => body,
                Err(_) => return failure(400),
            },
        };
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let done = match path.strip_prefix(HARNESS_BASE) {
            Some(rest) => self.scim(method, rest, query, &body),
            None => self.manage(method, path, &body),
        };
        done.unwrap_or_else(failure)
    }

    /// Whether every user that a request names by id has ever existed.
    pub(crate) fn has_named(&self, request: &Request) -> bool {
        let text = format!("{} {}", request.path, request.body);
        let mut words = text.split(|c: char| !c.is_ascii_alphanumeric());
        words.all(|word| {
            let number = word
                .strip_prefix('u')
                .and_then(|number| number.parse().ok());
            number.is_none_or(|number: u32| number <= self.created)
        })
    }

    /// Adds a user and returns the id.
    pub(crate) fn add_user(&mut self, user: User) -> Result<Id, Failure> {
        if self.named(&user.user_name).is_some() {
            return Err(409);
        }
        self.created += 1;
        let id = format!("u{}", self.created);
        self.users.insert(id.clone(), user);
        Ok(id)
    }

    /// Adds a group. Its id derives from its name; if another group has that id, a number is
    /// appended.
    pub(crate) fn add_group(&mut self, group: Group) -> Id {
        let derived = group.display_name.replace(['.', '-', ' '], "_");
        let numbered = (1..).map(|number| format!("{derived}_{number}"));
        let mut ids = [derived.clone()].into_iter().chain(numbered);
        let id = ids.find(|id| !self.groups.contains_key(id));
        let id = id.unwrap_or(derived);
        self.put_group(id.clone(), group);
        id
    }

    fn put_group(&mut self, id: Id, mut group: Group) {
        // Unknown users are ignored.
        group.members.retain(|user| self.users.contains_key(user));
        self.groups.insert(id, group);
    }

    fn remove_user(&mut self, id: &str) -> Result<User, Failure> {
        let user = self.users.remove(id).ok_or(404_u16)?;
        for group in self.groups.values_mut() {
            group.members.remove(id);
        }
        Ok(user)
    }

    fn named(&self, name: &str) -> Option<&Id> {
        let mut users = self.users.iter();
        users.find_map(|(id, user)| user.user_name.eq_ignore_ascii_case(name).then_some(id))
    }

    /// Renames a user, unless another user has the new name.
    fn rename(&mut self, id: &str, name: &str) -> Result<(), Failure> {
        if self.named(name).is_some_and(|other| other != id) {
            return Err(409);
        }
        self.user(id)?.user_name = name.to_owned();
        Ok(())
    }

    fn user(&mut self, id: &str) -> Result<&mut User, Failure> {
        self.users.get_mut(id).ok_or(404)
    }

    fn group(&mut self, id: &str) -> Result<&mut Group, Failure> {
        self.groups.get_mut(id).ok_or(404)
    }

    /// Its complete state, in the terms of the model. `is_managed`: whether the provider
    /// provisioned the user or group with this id.
    #[must_use]
    pub(crate) fn world(&self, is_managed: impl Fn(&Id) -> bool) -> model::World {
        let users = self.users.iter().map(|(id, user)| {
            let known = model::User {
                mail: user.user_name.clone(),
                name: user.display_name.clone(),
                managed: is_managed(id),
                active: user.active,
                external_id: user.external_id.clone(),
            };
            (id.clone(), known)
        });
        let groups = self.groups.iter().map(|(id, group)| {
            let known = model::Group {
                name: group.display_name.clone(),
                managed: is_managed(id),
                members: group.members.clone(),
            };
            (id.clone(), known)
        });
        model::World {
            users: users.collect(),
            groups: groups.collect(),
        }
    }
}

fn success(status: u16, body: &Value) -> BackendAnswer {
    BackendAnswer {
        status,
        headers: vec![("content-type".to_owned(), b"application/scim+json".to_vec())],
        body: match body {
            Value::Null => AnswerBody::None,
            body => AnswerBody::Bytes(body.to_string().into_bytes()),
        },
    }
}

fn failure(status: Failure) -> BackendAnswer {
    let schemas = ["urn:ietf:params:scim:api:messages:2.0:Error"];
    success(
        status,
        &json!({"schemas": schemas, "status": status.to_string()}),
    )
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn ids<'v>(list: &'v Value, id: impl Fn(&'v Value) -> &'v Value) -> BTreeSet<Id> {
    let list = list.as_array().into_iter().flatten();
    list.filter_map(|value| text(id(value))).collect()
}
