//! The ways to say an edit: SCIM, the management API of the preset, and routes of a policy's own.

mod neutral;
mod preset;
mod scim_groups;
mod scim_users;

use std::collections::BTreeSet;

use scimguard_tests::fixtures::{HARNESS_BASE, in_account};
use scimguard_tests::model::{Actor, Edit, Id, Policy, World};
use serde_json::{Value, json};

use crate::test_bed::TARGET;
use crate::{OPERATOR_TOKEN, PROVISIONER_TOKEN};

pub(crate) use neutral::routes;

/// An edit, said in one way.
pub(crate) struct Attempt {
    pub(crate) name: String,
    pub(crate) actor: Actor,
    pub(crate) edit: Edit,
    pub(crate) request: Value,
    /// What a refusal must call the one of several members who is the reason: on management routes
    /// nothing but what the request called the member, for nobody knows who asks.
    pub(crate) culprit: Option<&'static str>,
}

/// Every edit in every way that the SCIM end points and the preset's routes offer.
pub(crate) fn of_the_preset(policy: Policy, world: &World) -> Vec<Attempt> {
    let mut attempts = Vec::new();
    for client in [Client::Provisioner, Client::Operator] {
        attempts.extend(scim_users::attempts(client, world));
        attempts.extend(scim_groups::attempts(client, world));
    }
    attempts.extend(preset::attempts(policy, world));
    attempts
}

/// Every edit that a route may be declared to be.
pub(crate) fn of_own_routes(world: &World) -> Vec<Attempt> {
    neutral::attempts(world)
}

/// Whose SCIM token.
#[derive(Clone, Copy)]
pub(crate) enum Client {
    Provisioner,
    Operator,
}

impl Client {
    fn attempt(self, name: &str, edit: Edit, request: Request<'_>) -> Attempt {
        let (actor, who, token) = match self {
            Self::Provisioner => (Actor::Provisioner, "provider", PROVISIONER_TOKEN),
            Self::Operator => (Actor::Operator, "SCIM operator", OPERATOR_TOKEN),
        };
        let Request(method, path, body) = request;
        let path = format!("{HARNESS_BASE}{path}");
        let mut headers = json!({"authorization": format!("Bearer {token}")});
        if !body.is_null() {
            headers["content-type"] = "application/scim+json".into();
        }
        Attempt {
            name: format!("{who}: {name}"),
            actor,
            edit,
            request: message(method, &path, headers, body),
            culprit: None,
        }
    }
}

/// Method, path and body; no body is `null`.
pub(crate) struct Request<'a>(&'static str, &'a str, Value);

/// On a management route.
fn managed(name: &str, edit: Edit, request: Request<'_>) -> Attempt {
    let Request(method, path, body) = request;
    let path = in_account(path);
    let headers = match body.is_null() {
        true => json!({}),
        false => json!({"content-type": "application/json"}),
    };
    Attempt {
        name: format!("administrator: {name}"),
        actor: Actor::Operator,
        edit,
        request: message(method, &path, headers, body),
        culprit: None,
    }
}

fn message(method: &str, path: &str, headers: Value, body: Value) -> Value {
    let mut request = json!({"method": method, "path": path, "headers": headers});
    if !body.is_null() {
        request["body"] = body;
    }
    request
}

impl Attempt {
    fn because_of(mut self, user: &'static str) -> Self {
        self.culprit = Some(user);
        self
    }
}

/// Who is in the target group.
fn members(world: &World) -> BTreeSet<Id> {
    let group = world.groups.get(TARGET);
    group.map(|group| group.members.clone()).unwrap_or_default()
}

fn with(set: &BTreeSet<Id>, user: &str) -> BTreeSet<Id> {
    let mut set = set.clone();
    set.insert(user.to_owned());
    set
}

fn without(set: &BTreeSet<Id>, user: &str) -> BTreeSet<Id> {
    let mut set = set.clone();
    set.remove(user);
    set
}
