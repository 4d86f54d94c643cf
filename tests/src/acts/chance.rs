//! What the provider and operators do, chosen at random from what there is: each as likely to be
//! allowed as not.

use super::{Operation, managed, patch, scim, whole_user};
use crate::fixtures::GROUP;
use crate::model::{Group, Id, User, World};
use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IteratorRandom as _;
use serde_json::{Value, json};

/// How many people there are in the provider's directory, and teams.
const PEOPLE: u32 = 12;
const TEAMS: u32 = 6;

/// Workers of the provider.
pub const WORKERS: u32 = 2;

/// What the provider does next.
pub enum Plan {
    /// With what it knows.
    Do(Operation),
    /// With what it finds first.
    Find {
        /// The search.
        search: Operation,
        /// If nobody is found.
        create: Operation,
        /// What becomes of the one that is found.
        change: Box<dyn Fn(&str) -> Operation + Send>,
    },
}

/// What the provider does next. It is several workers, each with a share of people and teams of its
/// own.
pub fn of_the_provider(random: &mut StdRng, world: &World, share: u32) -> Plan {
    let user = pick(random, world.users.iter().filter(|(_, user)| user.managed));
    let group = pick(
        random,
        world.groups.iter().filter(|(_, group)| group.managed),
    );
    let name = format!("Okta {}", random.random_range(0..1000));
    Plan::Do(match (random.random_range(0..100), user, group) {
        (0..15, Some((id, _)), _) => patch(
            format!("/Users/{id}"),
            json!([{"op": "replace", "value": {"displayName": name}}]),
        ),
        (15..30, Some((id, user)), _) => patch(
            format!("/Users/{id}"),
            json!([{"op": "replace", "value": {"active": !user.active}}]),
        ),
        (30..35, Some((id, user)), _) => scim(
            "PUT",
            format!("/Users/{id}"),
            whole_user(&user.mail, &name, user.active),
        ),
        (35..38, Some((id, _)), _) => {
            let mail = format!("moved-{}@example.com", random.random::<u32>());
            patch(
                format!("/Users/{id}"),
                json!([{"op": "replace", "path": "userName", "value": mail}]),
            )
        }
        (38..41, Some((id, _)), _) => scim("DELETE", format!("/Users/{id}"), Value::Null),
        (41..66, Some((user, _)), Some((id, group))) => {
            let operation = match random.random_range(0..3) {
                0 => json!({"op": "replace", "path": "members", "value": [{"value": user}]}),
                _ if group.members.contains(user) => {
                    json!({"op": "remove", "path": format!("members[value eq \"{user}\"]")})
                }
                _ => json!({"op": "add", "path": "members", "value": [{"value": user}]}),
            };
            patch(format!("/Groups/{id}"), json!([operation]))
        }
        (66..71, _, Some((id, _))) => {
            let name = format!("renamed-{}", random.random_range(0..1000));
            patch(
                format!("/Groups/{id}"),
                json!([{"op": "replace", "value": {"id": id, "displayName": name}}]),
            )
        }
        (71..75, _, Some((id, _))) => scim("DELETE", format!("/Groups/{id}"), Value::Null),
        (75..85, ..) => return pushed(random, world, share),
        (85..88, ..) => return returned(random, world, share, name),
        _ => return provisioned(random, share, name),
    })
}

/// A person of the directory: created, or taken over if the application has them.
fn provisioned(random: &mut StdRng, share: u32, name: String) -> Plan {
    let mail = format!("person-{}@example.com", number(random, PEOPLE, share));
    let filter = format!("userName%20eq%20%22{mail}%22").replace('@', "%40");
    let mut person = whole_user(&mail, &name, true);
    person["externalId"] = json!(format!("00u-{mail}"));
    Plan::Find {
        search: scim("GET", format!("/Users?filter={filter}"), Value::Null),
        create: scim("POST", "/Users".into(), person),
        change: Box::new(move |id| {
            let operation = json!({"op": "replace", "value": {"displayName": name}});
            patch(format!("/Users/{id}"), json!([operation]))
        }),
    }
}

/// A person whom the provider has deactivated, under another name.
fn returned(random: &mut StdRng, world: &World, share: u32, name: String) -> Plan {
    let gone = world.users.iter().filter(|(_, user)| {
        let is_known = user.external_id.is_some();
        user.managed && !user.active && is_known
    });
    let Some((_, user)) = pick(random, gone) else {
        return provisioned(random, share, name);
    };
    let mail = format!("returned-{}@example.com", random.random::<u32>());
    let mut person = whole_user(&mail, &name, true);
    person["externalId"] = json!(user.external_id);
    Plan::Do(scim("POST", "/Users".into(), person))
}

/// A team of the directory, with somebody in it.
fn pushed(random: &mut StdRng, world: &World, share: u32) -> Plan {
    let name = format!("team-{}", number(random, TEAMS, share));
    let member = pick(random, world.users.iter().filter(|(_, user)| user.managed));
    let members: Vec<Value> = member.iter().map(|(id, _)| json!({"value": id})).collect();
    let filter = format!("displayName%20eq%20%22{name}%22");
    let group = json!({"schemas": [GROUP], "displayName": name, "members": members});
    Plan::Find {
        search: scim("GET", format!("/Groups?filter={filter}"), Value::Null),
        create: scim("POST", "/Groups".into(), group),
        change: Box::new(move |id| {
            let operation = json!({"op": "replace", "path": "members", "value": members});
            patch(format!("/Groups/{id}"), json!([operation]))
        }),
    }
}

fn number(random: &mut StdRng, up_to: u32, share: u32) -> u32 {
    random.random_range(0..up_to / WORKERS) * WORKERS + share
}

/// What an operator does next, who may have looked some time ago.
pub fn of_an_operator(random: &mut StdRng, world: &World) -> Operation {
    let user = pick(random, world.users.iter());
    let group = pick(random, world.groups.iter());
    match (random.random_range(0..100), user, group) {
        (0..45, Some((id, user)), _) => of_a_user(random, id, user),
        (45..85, Some((user, _)), Some((id, group))) => of_a_group(random, id, group, user),
        (85..90, Some((id, _)), _) => {
            managed("PUT", format!("/ng/api/user/unlock-user/{id}"), Value::Null)
        }
        (90..95, ..) => {
            let number = random.random_range(0..TEAMS);
            // Its name may be one that the provider pushes too.
            let name = match random.random() {
                true => format!("team-{number}"),
                false => format!("local-{number}"),
            };
            let members: Vec<&Id> = user.iter().map(|(id, _)| *id).collect();
            let body =
                json!({"identifier": format!("local_{number}"), "name": name, "users": members});
            managed("POST", "/ng/api/user-groups".into(), body)
        }
        _ => {
            let number = random.random_range(0..PEOPLE * 2);
            let body = json!({
                "emails": [format!("person-{number}@example.com")],
                "userGroups": [], "roleBindings": [],
            });
            managed("POST", "/ng/api/user/users".into(), body)
        }
    }
}

fn of_a_user(random: &mut StdRng, id: &Id, user: &User) -> Operation {
    let name = format!("Local {}", random.random_range(0..1000));
    let write = |name: &str, mail: &str| {
        let body = json!({"uuid": id, "name": name, "email": mail});
        managed("PUT", format!("/ng/api/user/{id}"), body)
    };
    let path = format!("/Users/{id}");
    match random.random_range(0..8) {
        0 => write(&name, &user.mail),
        1 => write(&user.name, &user.mail),
        2 => managed("DELETE", format!("/ng/api/user/{id}"), Value::Null),
        3 => patch(
            path,
            json!([{"op": "replace", "path": "displayName", "value": name}]),
        ),
        4 => patch(
            path,
            json!([{"op": "replace", "path": "displayName", "value": user.name}]),
        ),
        // One of its own whom an operator deactivates is no concern of the provider's later.
        5 if user.managed => patch(
            path,
            json!([{"op": "replace", "path": "active", "value": !user.active}]),
        ),
        6 => scim("PUT", path, whole_user(&user.mail, &user.name, user.active)),
        _ => scim("DELETE", path, Value::Null),
    }
}

fn of_a_group(random: &mut StdRng, id: &Id, group: &Group, user: &Id) -> Operation {
    let write = |name: &str, members: Vec<&Id>| {
        let body = json!({
            "identifier": id, "name": name, "users": members, "externallyManaged": group.managed,
        });
        managed("PUT", "/ng/api/user-groups".into(), body)
    };
    let members: Vec<&Id> = group.members.iter().collect();
    let references: Vec<Value> = members.iter().map(|id| json!({"value": id})).collect();
    let mine = format!("mine-{}", random.random_range(0..1000));
    let path = format!("/Groups/{id}");
    match random.random_range(0..10) {
        0 => write(&mine, members),
        1 => write(&group.name, members),
        2 => write(&group.name, vec![user]),
        3 => managed("DELETE", format!("/ng/api/user-groups/{id}"), Value::Null),
        4 => managed(
            "PUT",
            format!("/ng/api/user-groups/{id}/member/{user}"),
            Value::Null,
        ),
        5 => managed(
            "DELETE",
            format!("/ng/api/user-groups/{id}/member/{user}"),
            Value::Null,
        ),
        6 => managed(
            "PUT",
            format!("/ng/api/user/add-user-to-groups/{user}"),
            json!({"userGroupIdsToAdd": [id]}),
        ),
        7 => patch(
            path,
            json!([{"op": "add", "path": "members", "value": [{"value": user}]}]),
        ),
        8 => patch(
            path,
            json!([{"op": "remove", "path": format!("members[value eq \"{user}\"]")}]),
        ),
        _ => {
            let body =
                json!({"schemas": [GROUP], "displayName": group.name, "members": references});
            scim("PUT", path, body)
        }
    }
}

fn pick<'a, T>(
    random: &mut StdRng,
    from: impl Iterator<Item = (&'a Id, &'a T)>,
) -> Option<(&'a Id, &'a T)> {
    from.choose(random)
}
