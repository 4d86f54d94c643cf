//! Starting records, and the requests that run concurrently on them, for one user and one group.

use std::sync::Arc;

use scimguard_tests::acts::{Operation, managed, patch, scim, whole_user};
use scimguard_tests::fixtures::GROUP;
use scimguard_tests::model::Actor;
use serde_json::{Value, json};

use super::application::Traits;
use super::event::{Event, Fault, Request};
use super::guard::Blueprint;
use super::history::History;
use super::record::Backing;
use super::world::World;

/// The user's name, and another name.
const ANN: &str = "ann@example.com";
const ANNA: &str = "anna@example.com";
/// The application's first user.
const USER: &str = "u1";
/// The group's name, and the id derived from it.
const TEAM: &str = "web-team";
const TEAM_ID: &str = "web_team";

/// A starting record.
pub struct Start {
    /// Its name.
    pub name: &'static str,
    /// The requests that led to it.
    pub history: History,
}

/// Every starting record, for one kind of application.
///
/// # Errors
/// If the world cannot be created, or a check fails while the record is built.
pub fn starts(blueprint: &Arc<Blueprint>, traits: Traits) -> anyhow::Result<Vec<Start>> {
    let okta = |operation| (Actor::Provisioner, operation, None);
    let admin = |operation| (Actor::Operator, operation, None);
    let lost = |operation| (Actor::Provisioner, operation, Some(Fault::AnswerLost));
    let native_group = || {
        admin(managed(
            "POST",
            "/ng/api/user-groups".into(),
            json!({"identifier": "local", "name": TEAM, "users": []}),
        ))
    };
    let made: Vec<(&'static str, Vec<Made>)> = vec![
        ("nobody", vec![]),
        ("native", vec![admin(invited())]),
        ("direct", vec![okta(created())]),
        (
            "group-provisioned",
            vec![okta(created()), okta(pushed(&[USER]))],
        ),
        ("pending", vec![lost(created())]),
        ("uncertain", vec![okta(created()), lost(renamed("Ann New"))]),
        ("deactivated", vec![okta(created()), okta(active(false))]),
        (
            "a pending group",
            vec![okta(created()), lost(pushed(&[USER]))],
        ),
        (
            "a group that may be deleted",
            vec![
                okta(created()),
                okta(pushed(&[USER])),
                lost(scim("DELETE", team(), Value::Null)),
            ],
        ),
        (
            "two groups of one name",
            vec![native_group(), okta(created()), okta(pushed(&[USER]))],
        ),
    ];
    made.into_iter()
        .map(|(name, made)| {
            let history = begun(blueprint, traits, made)?;
            Ok(Start { name, history })
        })
        .collect()
}

/// One request of a start, and the fault of its answer.
type Made = (Actor, Operation, Option<Fault>);

fn begun(blueprint: &Arc<Blueprint>, traits: Traits, made: Vec<Made>) -> anyhow::Result<History> {
    let mut world = World::new(blueprint, traits, Backing::Memory)?;
    let mut events = Vec::new();
    for (id, (actor, operation, fault)) in (0..).zip(made) {
        let begin = Event::Begin(id, Request::of(actor, &operation));
        world.happen(&begin);
        events.push(begin);
        if let Some(fault) = fault {
            let fault = Event::Fault(id, fault);
            while !world.faults().contains(&fault) {
                let Some(next) = world.next().into_iter().next() else {
                    anyhow::bail!("the request ends before its fault");
                };
                world.happen(&next);
                events.push(next);
            }
            world.happen(&fault);
            events.push(fault);
        }
        events.extend(world.finish());
    }
    match world.wrong() {
        None => Ok(History {
            traits,
            backing: Backing::Memory,
            events,
        }),
        Some(wrong) => anyhow::bail!("{wrong}"),
    }
}

/// The provider's requests that are combined with others.
#[must_use]
pub fn of_the_provider() -> Vec<Request> {
    let operations = [
        created(),
        renamed("Ann Okta"),
        active(false),
        active(true),
        scim("DELETE", format!("/Users/{USER}"), Value::Null),
        pushed(&[USER]),
        pushed(&[]),
        members(json!({"op": "add", "path": "members", "value": [{"value": USER}]})),
        members(json!({"op": "remove", "path": format!("members[value eq \"{USER}\"]")})),
        members(json!({"op": "replace", "value": {"displayName": "app-team"}})),
        scim("DELETE", team(), Value::Null),
        patch(
            format!("/Users/{USER}"),
            json!([{"op": "replace", "path": "userName", "value": ANNA}]),
        ),
    ];
    let requests = operations.iter();
    requests
        .map(|operation| Request::of(Actor::Provisioner, operation))
        .collect()
}

/// Operators' requests that are combined with others.
#[must_use]
pub fn of_operators() -> Vec<Request> {
    let write = |name: &str, users: Value| {
        let body =
            json!({"identifier": TEAM_ID, "name": name, "users": users, "externallyManaged": true});
        managed("PUT", "/ng/api/user-groups".into(), body)
    };
    let operations = [
        managed(
            "PUT",
            format!("/ng/api/user/{USER}"),
            json!({"uuid": USER, "name": "Ann Admin", "email": ANN}),
        ),
        managed("DELETE", format!("/ng/api/user/{USER}"), Value::Null),
        managed(
            "PUT",
            format!("/ng/api/user-groups/{TEAM_ID}/member/{USER}"),
            Value::Null,
        ),
        managed(
            "DELETE",
            format!("/ng/api/user-groups/{TEAM_ID}/member/{USER}"),
            Value::Null,
        ),
        managed(
            "DELETE",
            format!("/ng/api/user-groups/{TEAM_ID}"),
            Value::Null,
        ),
        write("mine", json!([])),
        managed(
            "POST",
            "/ng/api/user-groups".into(),
            json!({"identifier": "mine", "name": TEAM, "users": [USER]}),
        ),
        invited(),
        patch(
            format!("/Users/{USER}"),
            json!([{"op": "replace", "path": "active", "value": true}]),
        ),
        scim("POST", "/Users".into(), whole_user(ANN, "Ann Admin", true)),
    ];
    let requests = operations.iter();
    requests
        .map(|operation| Request::of(Actor::Operator, operation))
        .collect()
}

fn created() -> Operation {
    let mut person = whole_user(ANN, "Ann Lee", true);
    person["externalId"] = json!("00u-ann");
    scim("POST", "/Users".into(), person)
}

fn invited() -> Operation {
    let body = json!({"emails": [ANN], "userGroups": [], "roleBindings": []});
    managed("POST", "/ng/api/user/users".into(), body)
}

fn renamed(name: &str) -> Operation {
    patch(
        format!("/Users/{USER}"),
        json!([{"op": "replace", "value": {"displayName": name}}]),
    )
}

fn active(active: bool) -> Operation {
    patch(
        format!("/Users/{USER}"),
        json!([{"op": "replace", "value": {"active": active}}]),
    )
}

fn pushed(users: &[&str]) -> Operation {
    let users: Vec<Value> = users.iter().map(|user| json!({"value": user})).collect();
    let group = json!({"schemas": [GROUP], "displayName": TEAM, "members": users});
    scim("POST", "/Groups".into(), group)
}

fn members(operation: Value) -> Operation {
    patch(team(), json!([operation]))
}

fn team() -> String {
    format!("/Groups/{TEAM_ID}")
}
