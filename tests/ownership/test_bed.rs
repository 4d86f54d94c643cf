//! The records that edits are tried on: one user, one group, everything that can be between them,
//! and bystanders.

use scimguard_tests::fixtures::{ACCOUNT, principal};
use scimguard_tests::model::{Group, User, World, ids};
use serde_json::{Value, json};

use crate::{OPERATOR_TOKEN, PROVISIONER_TOKEN};

/// The user whom edits are about.
pub(crate) const SUE: &str = "u-sue";
pub(crate) const SUE_MAIL: &str = "sue@example.com";
pub(crate) const SUE_NAME: &str = "Sue Subject";

/// The group that edits are about; its id is made of its name.
pub(crate) const TARGET: &str = "target_team";
pub(crate) const TARGET_NAME: &str = "target-team";

/// Native, and in the target group if there is one.
pub(crate) const NED: &str = "u-ned";
pub(crate) const NED_MAIL: &str = "ned@example.com";
/// Native, in no group.
pub(crate) const NAT: &str = "u-nat";
/// Direct.
pub(crate) const DAN: &str = "u-dan";
/// Group-provisioned.
pub(crate) const GIA: &str = "u-gia";
/// Direct and deactivated.
pub(crate) const OLAF: &str = "u-olaf";

/// A pushed group that is not the target.
pub(crate) const HOME: &str = "home_team";
/// A native group without members.
pub(crate) const SIDE: &str = "side_team";

/// A record, in words and as it is.
pub(crate) struct TestBed {
    pub(crate) name: String,
    pub(crate) world: World,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Absent,
    Native,
    Direct,
    GroupProvisioned,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target {
    Absent,
    Native,
    Pushed,
}

/// Every record that can be.
pub(crate) fn all() -> Vec<TestBed> {
    use Kind::{Absent, Direct, GroupProvisioned, Native};
    let mut beds = Vec::new();
    for kind in [Absent, Native, Direct, GroupProvisioned] {
        for target in [Target::Absent, Target::Native, Target::Pushed] {
            for (active, member) in [(true, false), (true, true), (false, false), (false, true)] {
                beds.extend(bed(kind, target, active, member));
            }
        }
    }
    beds
}

fn bed(kind: Kind, target: Target, active: bool, member: bool) -> Option<TestBed> {
    let impossible = (kind == Kind::Absent && (member || !active))
        || (target == Target::Absent && member)
        // Whom the provider put into its group is not direct.
        || (kind == Kind::Direct && target == Target::Pushed && member);
    if impossible {
        return None;
    }
    let mut world = bystanders();
    if target != Target::Absent {
        let members = if member { vec![NED, SUE] } else { vec![NED] };
        let pushed = target == Target::Pushed;
        let target = group(TARGET_NAME, pushed, &members);
        world.groups.insert(TARGET.into(), target);
    }
    if kind != Kind::Absent {
        let user = User {
            mail: SUE_MAIL.into(),
            name: SUE_NAME.into(),
            managed: kind != Kind::Native,
            active,
            external_id: None,
        };
        world.users.insert(SUE.into(), user);
    }
    if let (Kind::GroupProvisioned, Some(home)) = (kind, world.groups.get_mut(HOME)) {
        home.members.insert(SUE.into());
    }
    let activity = if active { "" } else { " deactivated" };
    let membership = if member { "a member of" } else { "beside" };
    Some(TestBed {
        name: format!("{kind:?}{activity} user {membership} {target:?} group"),
        world,
    })
}

fn bystanders() -> World {
    let mut world = World::default();
    let olaf = User {
        active: false,
        ..User::managed("olaf@example.com", "Olaf Off")
    };
    for (id, user) in [
        (NED, User::native(NED_MAIL, "Ned Native")),
        (NAT, User::native("nat@example.com", "Nat Native")),
        (DAN, User::managed("dan@example.com", "Dan Direct")),
        (GIA, User::managed("gia@example.com", "Gia Group")),
        (OLAF, olaf),
    ] {
        world.users.insert(id.into(), user);
    }
    for (id, group) in [
        (HOME, group("home-team", true, &[GIA])),
        (SIDE, group("side-team", false, &[])),
    ] {
        world.groups.insert(id.into(), group);
    }
    world
}

fn group(name: &str, managed: bool, members: &[&str]) -> Group {
    Group {
        name: name.into(),
        managed,
        members: ids(members),
    }
}

/// What the provider calls a user.
pub(crate) fn external_id(user: &str) -> String {
    format!("00{user}")
}

/// A record as case suites have it.
pub(crate) fn facts(world: &World) -> Value {
    let owner = |managed: bool| managed.then_some("okta");
    let users = world.users.iter().map(|(id, user)| {
        json!({
            "account": ACCOUNT, "id": id, "userName": user.mail, "displayName": user.name,
            "externalId": user.managed.then(|| external_id(id)),
            "active": user.active, "managed_by": owner(user.managed),
        })
    });
    let groups = world.groups.iter().map(|(id, group)| {
        let owner = owner(group.managed);
        json!({"account": ACCOUNT, "id": id, "displayName": group.name, "managed_by": owner})
    });
    let members = world.groups.iter().flat_map(|(id, group)| {
        let member = move |user| json!({"account": ACCOUNT, "group": id, "user": user});
        group.members.iter().map(member)
    });
    json!({
        "tokens": [
            {"token": PROVISIONER_TOKEN, "account": ACCOUNT, "principal": "okta", "provider": "okta"},
            {"token": OPERATOR_TOKEN, "account": ACCOUNT, "principal": "admin", "provider": null},
        ],
        "principals": [principal("okta"), principal("admin")],
        "users": users.collect::<Vec<_>>(), "groups": groups.collect::<Vec<_>>(),
        "members": members.collect::<Vec<_>>(),
    })
}
