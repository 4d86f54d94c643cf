//! Edits by the management API, as the preset knows its routes.

use std::collections::BTreeSet;

use scimguard_tests::model::{Active, Edit, Id, Ownership, Policy, Profile, World};
use serde_json::{Value, json};

use super::{Attempt, Request, managed, members, with, without};
use crate::scene::{
    DAN, GIA, HOME, NAT, NED_MAIL, OLAF, SIDE, SUE, SUE_MAIL, SUE_NAME, TARGET, TARGET_NAME, ids,
};

const GROUPS: &str = "/gateway/ng/api/user-groups";
const USERS: &str = "/gateway/ng/api/user";

pub(super) fn attempts(policy: Policy, world: &World) -> Vec<Attempt> {
    let mut attempts = users(policy, world);
    attempts.extend(groups(world));
    attempts.extend(memberships());
    attempts
}

fn users(policy: Policy, world: &World) -> Vec<Attempt> {
    let user = format!("{USERS}/{SUE}");
    let write = |name: &str, path: &str, full: &str, mail: &str| {
        let edit = Edit::WriteUser {
            user: SUE.into(),
            profile: Profile {
                mail: Some(mail.into()),
                name: Some(full.into()),
                ..Profile::default()
            },
            active: Active::Kept,
        };
        let body = json!({"uuid": SUE, "name": full, "email": mail});
        managed(name, edit, Request("PUT", path, body))
    };
    // The e-mail names the user on this route, beside the path. An owned user in either is judged as the
    // one who is edited; else a user would get another's e-mail.
    let mut of_another = write(
        "PUT the user with the e-mail of another",
        &user,
        SUE_NAME,
        NED_MAIL,
    );
    if world.ownership(SUE, policy) == Ownership::GroupProvisioned {
        let edit = write("", &user, SUE_NAME, "susan@example.com").edit;
        of_another.edit = edit;
    }
    let free = |name: &str, method, path: &str, body| {
        managed(name, Edit::Free, Request(method, path, body))
    };
    let role =
        json!({"roleIdentifier": "_viewer", "principal": {"identifier": SUE, "type": "USER"}});
    vec![
        write(
            "PUT the user with another name",
            &user,
            "Sue Other",
            SUE_MAIL,
        ),
        write(
            "PUT the user with another e-mail",
            &user,
            SUE_NAME,
            "susan@example.com",
        ),
        of_another,
        write("PUT the user as it is", &user, SUE_NAME, "Sue@example.com"),
        write("PUT user with another name", USERS, "Sue Other", SUE_MAIL),
        write("PUT user as it is", USERS, SUE_NAME, SUE_MAIL),
        managed(
            "DELETE the user",
            Edit::DeleteUser(SUE.into()),
            Request("DELETE", &user, Value::Null),
        ),
        free(
            "unlock the user",
            "PUT",
            &format!("{USERS}/unlock-user/{SUE}"),
            Value::Null,
        ),
        free(
            "assign a role",
            "POST",
            "/gateway/authz/api/roleassignments",
            role.clone(),
        ),
        free(
            "assign roles",
            "POST",
            "/gateway/authz/api/roleassignments/multi",
            json!({"roleAssignments": [role]}),
        ),
        free(
            "take a role away",
            "DELETE",
            "/gateway/authz/api/roleassignments/ra1",
            Value::Null,
        ),
    ]
}

fn groups(world: &World) -> Vec<Attempt> {
    let group = format!("{GROUPS}/{TARGET}");
    let now = members(world);
    let (added, left) = (with(&now, SUE), without(&now, SUE));
    let pushed = world.groups.get(TARGET).is_some_and(|group| group.managed);
    let write = |name: &str, display: &str, members: &BTreeSet<Id>| {
        let edit = Edit::ReplaceGroup {
            group: TARGET.into(),
            name: Some(display.into()),
            members: members.clone(),
        };
        let body = json!({
            "identifier": TARGET, "name": display, "users": members, "description": "Changed",
            "externallyManaged": pushed,
        });
        managed(name, edit, Request("PUT", GROUPS, body))
    };
    let create = |name: &str, id: &str, display: &str, members: &BTreeSet<Id>| {
        let edit = Edit::CreateGroup {
            id: Some(id.into()),
            name: display.into(),
            members: members.clone(),
        };
        let body = json!({"identifier": id, "name": display, "users": members});
        managed(name, edit, Request("POST", GROUPS, body))
    };
    let link = |name: &str, path: &str, body: Value| {
        let path = format!("{group}/{path}");
        managed(
            name,
            Edit::LinkGroup(TARGET.into()),
            Request("PUT", &path, body),
        )
    };
    let empty = Edit::ReplaceGroup {
        group: TARGET.into(),
        name: Some(TARGET_NAME.into()),
        members: [].into(),
    };
    vec![
        write(
            "PUT the group as it is with another description",
            TARGET_NAME,
            &now,
        ),
        write("PUT another name", "renamed-team", &now),
        write("PUT with the user", TARGET_NAME, &added),
        write("PUT without the user", TARGET_NAME, &left),
        write("PUT another name with the user", "renamed-team", &added),
        write(
            "PUT with several",
            TARGET_NAME,
            &with(&with(&now, NAT), DAN),
        ),
        write(
            "PUT with several, one of whom is in a pushed group",
            TARGET_NAME,
            &with(&with(&now, NAT), GIA),
        )
        .because_of(GIA),
        write(
            "PUT with several, one of whom is deactivated",
            TARGET_NAME,
            &with(&with(&now, NAT), OLAF),
        )
        .because_of(OLAF),
        managed(
            "PUT without a list of users",
            empty,
            Request(
                "PUT",
                GROUPS,
                json!({"identifier": TARGET, "name": TARGET_NAME, "externallyManaged": pushed}),
            ),
        ),
        create(
            "POST a new group with the user",
            "new_team",
            "new-team",
            &ids(&[SUE]),
        ),
        create(
            "POST a new group with several",
            "new_team",
            "new-team",
            &ids(&[NAT, DAN, SUE]),
        ),
        create("POST the group as it is", TARGET, TARGET_NAME, &now),
        create("POST the group with the user", TARGET, TARGET_NAME, &added),
        create(
            "POST the group with another name",
            TARGET,
            "renamed-team",
            &now,
        ),
        managed(
            "DELETE the group",
            Edit::DeleteGroup(TARGET.into()),
            Request("DELETE", &group, Value::Null),
        ),
        link(
            "link the group to SAML",
            "link/saml/s1",
            json!({"samlGroupId": "g"}),
        ),
        link(
            "link the group to LDAP",
            "link/ldap/l1",
            json!({"ldapGroupDN": "cn=g"}),
        ),
        link("unlink the group", "unlink", Value::Null),
    ]
}

fn memberships() -> Vec<Attempt> {
    let member = |user: &str| format!("{GROUPS}/{TARGET}/member/{user}");
    let add = |name: &str, path: &str| {
        let edit = Edit::JoinGroups {
            user: SUE.into(),
            groups: ids(&[TARGET]),
        };
        managed(name, edit, Request("PUT", path, Value::Null))
    };
    let remove = |name: &str, path: &str| {
        let edit = Edit::LeaveGroups {
            user: SUE.into(),
            groups: ids(&[TARGET]),
        };
        managed(name, edit, Request("DELETE", path, Value::Null))
    };
    let join = |name: &str, groups: &[&str]| {
        let edit = Edit::JoinGroups {
            user: SUE.into(),
            groups: ids(groups),
        };
        let path = format!("{USERS}/add-user-to-groups/{SUE}");
        managed(
            name,
            edit,
            Request("PUT", &path, json!({"userGroupIdsToAdd": groups})),
        )
    };
    let invite = |name: &str, mail: &str, groups: &[&str]| {
        let edit = Edit::CreateUser {
            mail: mail.into(),
            // It says nothing of the full name.
            profile: Profile::default(),
            groups: ids(groups),
        };
        let body = json!({"emails": [mail], "userGroups": groups, "roleBindings": []});
        managed(name, edit, Request("POST", &format!("{USERS}/users"), body))
    };
    vec![
        add("PUT the member", &member(SUE)),
        add(
            "PUT the member by the user name",
            &member("SUE@example.com"),
        ),
        remove("DELETE the member", &member(SUE)),
        remove("DELETE the member by the user name", &member(SUE_MAIL)),
        join("put the user into the group", &[TARGET]),
        join(
            "put the user into a native group and this one",
            &[SIDE, TARGET],
        ),
        join(
            "put the user into this group and a pushed one",
            &[TARGET, HOME],
        ),
        invite("invite the user", SUE_MAIL, &[]),
        invite(
            "invite the user into the group",
            "Sue@Example.com",
            &[TARGET],
        ),
        invite("invite somebody new", "new@example.com", &[]),
        invite(
            "invite somebody new into the group",
            "new@example.com",
            &[TARGET],
        ),
        invite(
            "invite somebody new into both",
            "new@example.com",
            &[SIDE, TARGET],
        ),
    ]
}
