//! Edits by the management API, as the preset knows its routes.

use std::collections::BTreeSet;

use scimguard_tests::model::{Active, Edit, Id, Ownership, Policy, Profile, World, ids};
use serde_json::{Value, json};

use super::{Attempt, Request, managed, members, with, without};
use crate::test_bed::{
    DAN, GIA, HOME, NAT, NED_MAIL, OLAF, SIDE, SUE, SUE_MAIL, SUE_NAME, TARGET, TARGET_NAME,
};

const GROUPS: &str = "/gateway/ng/api/user-groups";
const USERS: &str = "/gateway/ng/api/user";
const ROLES: &str = "/gateway/authz/api/roleassignments";

pub(super) fn attempts(policy: Policy, world: &World) -> Vec<Attempt> {
    let mut attempts = users(policy, world);
    attempts.extend(groups(world));
    attempts.extend(memberships());
    attempts
}

fn users(policy: Policy, world: &World) -> Vec<Attempt> {
    let user = format!("{USERS}/{SUE}");
    let write = |name: &str, path: &str, full: &str, mail: &str| {
        let edit = Edit::write_user(SUE, Profile::named(full, mail), Active::Kept);
        let body = json!({"uuid": SUE, "name": full, "email": mail});
        managed(name, edit, Request("PUT", path, body))
    };
    let (another_name, another_mail) = ("Sue Other", "susan@example.com");
    // The e-mail names the user on this route, beside the path. An owned user in either is judged as the
    // one who is edited; else a user would get another's e-mail.
    let of_another = "PUT the user with the e-mail of another";
    let mut of_another = write(of_another, &user, SUE_NAME, NED_MAIL);
    if world.ownership(SUE, policy) == Ownership::GroupProvisioned {
        of_another.edit = write("", &user, SUE_NAME, another_mail).edit;
    }
    let free = |name: &str, method, path: &str, body| {
        managed(name, Edit::Free, Request(method, path, body))
    };
    let delete = Edit::DeleteUser(SUE.into());
    let unlock = format!("{USERS}/unlock-user/{SUE}");
    let role =
        json!({"roleIdentifier": "_viewer", "principal": {"identifier": SUE, "type": "USER"}});
    #[rustfmt::skip]
    let users = vec![
        write("PUT the user with another name", &user, another_name, SUE_MAIL),
        write("PUT the user with another e-mail", &user, SUE_NAME, another_mail),
        of_another,
        write("PUT the user as it is", &user, SUE_NAME, "Sue@example.com"),
        write("PUT user with another name", USERS, another_name, SUE_MAIL),
        write("PUT user as it is", USERS, SUE_NAME, SUE_MAIL),
        managed("DELETE the user", delete, Request("DELETE", &user, Value::Null)),
        free("unlock the user", "PUT", &unlock, Value::Null),
        free("assign a role", "POST", ROLES, role.clone()),
        free("assign roles", "POST", &format!("{ROLES}/multi"), json!({"roleAssignments": [role]})),
        free("take a role away", "DELETE", &format!("{ROLES}/ra1"), Value::Null),
    ];
    users
}

fn groups(world: &World) -> Vec<Attempt> {
    let group = format!("{GROUPS}/{TARGET}");
    let now = members(world);
    let (added, left) = (with(&now, SUE), without(&now, SUE));
    let several = |last: &str| with(&with(&now, NAT), last);
    let pushed = world.groups.get(TARGET).is_some_and(|group| group.managed);
    let write = |name: &str, display: &str, members: &BTreeSet<Id>| {
        let edit = Edit::replace_group(TARGET, Some(display), members);
        let body = json!({
            "identifier": TARGET, "name": display, "users": members, "description": "Changed",
            "externallyManaged": pushed,
        });
        managed(name, edit, Request("PUT", GROUPS, body))
    };
    let create = |name: &str, id: &str, display: &str, members: &BTreeSet<Id>| {
        let edit = Edit::create_group(Some(id), display, members);
        let body = json!({"identifier": id, "name": display, "users": members});
        managed(name, edit, Request("POST", GROUPS, body))
    };
    let link = |name: &str, path: &str, body: Value| {
        let (path, edit) = (format!("{group}/{path}"), Edit::LinkGroup(TARGET.into()));
        managed(name, edit, Request("PUT", &path, body))
    };
    let empty = Edit::replace_group(TARGET, Some(TARGET_NAME), &[].into());
    let without_users =
        json!({"identifier": TARGET, "name": TARGET_NAME, "externallyManaged": pushed});
    let without_users = Request("PUT", GROUPS, without_users);
    let delete = Edit::DeleteGroup(TARGET.into());
    #[rustfmt::skip]
    let groups = vec![
        write("PUT the group as it is with another description", TARGET_NAME, &now),
        write("PUT another name", "renamed-team", &now),
        write("PUT with the user", TARGET_NAME, &added),
        write("PUT without the user", TARGET_NAME, &left),
        write("PUT another name with the user", "renamed-team", &added),
        write("PUT with several", TARGET_NAME, &several(DAN)),
        write("PUT with several, one of whom is in a pushed group", TARGET_NAME, &several(GIA))
            .because_of(GIA),
        write("PUT with several, one of whom is deactivated", TARGET_NAME, &several(OLAF))
            .because_of(OLAF),
        managed("PUT without a list of users", empty, without_users),
        create("POST a new group with the user", "new_team", "new-team", &ids(&[SUE])),
        create("POST a new group with several", "new_team", "new-team", &ids(&[NAT, DAN, SUE])),
        create("POST the group as it is", TARGET, TARGET_NAME, &now),
        create("POST the group with the user", TARGET, TARGET_NAME, &added),
        create("POST the group with another name", TARGET, "renamed-team", &now),
        managed("DELETE the group", delete, Request("DELETE", &group, Value::Null)),
        link("link the group to SAML", "link/saml/s1", json!({"samlGroupId": "g"})),
        link("link the group to LDAP", "link/ldap/l1", json!({"ldapGroupDN": "cn=g"})),
        link("unlink the group", "unlink", Value::Null),
    ];
    groups
}

fn memberships() -> Vec<Attempt> {
    let member = |name: &str, method, user: &str, edit: Edit| {
        let path = format!("{GROUPS}/{TARGET}/member/{user}");
        managed(name, edit, Request(method, &path, Value::Null))
    };
    let add = |name: &str, user| member(name, "PUT", user, Edit::join(SUE, &[TARGET]));
    let remove = |name: &str, user| member(name, "DELETE", user, Edit::leave(SUE, &[TARGET]));
    let join = |name: &str, groups: &[&str]| {
        let path = format!("{USERS}/add-user-to-groups/{SUE}");
        let body = json!({"userGroupIdsToAdd": groups});
        managed(name, Edit::join(SUE, groups), Request("PUT", &path, body))
    };
    let invite = |name: &str, mail: &str, groups: &[&str]| {
        // It says nothing of the full name.
        let edit = Edit::create_user(mail, Profile::default(), groups);
        let body = json!({"emails": [mail], "userGroups": groups, "roleBindings": []});
        managed(name, edit, Request("POST", &format!("{USERS}/users"), body))
    };
    let somebody = "new@example.com";
    #[rustfmt::skip]
    let memberships = vec![
        add("PUT the member", SUE),
        add("PUT the member by the user name", "SUE@example.com"),
        remove("DELETE the member", SUE),
        remove("DELETE the member by the user name", SUE_MAIL),
        join("put the user into the group", &[TARGET]),
        join("put the user into a native group and this one", &[SIDE, TARGET]),
        join("put the user into this group and a pushed one", &[TARGET, HOME]),
        invite("invite the user", SUE_MAIL, &[]),
        invite("invite the user into the group", "Sue@Example.com", &[TARGET]),
        invite("invite somebody new", somebody, &[]),
        invite("invite somebody new into the group", somebody, &[TARGET]),
        invite("invite somebody new into both", somebody, &[SIDE, TARGET]),
    ];
    memberships
}
