//! Edits of a user by SCIM.

use scimguard_tests::model::{Active, Edit, Profile, World};
use serde_json::{Value, json};

use super::{Attempt, Client, Request};
use crate::scene::{NED, NED_MAIL, SUE, SUE_MAIL, SUE_NAME, external_id};

const OTHER_NAME: &str = "Sue Somebody";
const OTHER_MAIL: &str = "susan@example.com";

pub(super) fn attempts(client: Client, world: &World) -> Vec<Attempt> {
    let path = format!("/Users/{SUE}");
    let now = world.users.get(SUE).is_none_or(|user| user.active);
    let write = |profile: Profile, active: Active| Edit::WriteUser {
        user: SUE.into(),
        profile,
        active,
    };
    let patch = |name: &str, operation: Value, edit: Edit| {
        let body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [operation],
        });
        client.attempt(name, edit, Request("PATCH", &path, body))
    };
    let replace = |path: &str, value: Value| json!({"op": "replace", "path": path, "value": value});
    let put = |name: &str, display: &str, active: bool| {
        let written = if active { Active::On } else { Active::Off };
        let edit = write(named(display, SUE_MAIL), written);
        client.attempt(name, edit, Request("PUT", &path, user(display, active)))
    };
    let create = |name: &str, display: &str| {
        let edit = Edit::CreateUser {
            mail: SUE_MAIL.into(),
            profile: named(display, SUE_MAIL),
            groups: [].into(),
        };
        client.attempt(name, edit, Request("POST", "/Users", user(display, true)))
    };
    let given_name = Profile {
        unrecorded: true,
        ..Profile::default()
    };
    let foreign = Profile {
        foreign_external_id: true,
        ..Profile::default()
    };
    let nothing = Profile::default;
    vec![
        patch(
            "PATCH the full name",
            replace("displayName", json!(OTHER_NAME)),
            write(name(OTHER_NAME), Active::Kept),
        ),
        patch(
            "PATCH the given name",
            replace("name.givenName", json!("Susan")),
            write(given_name, Active::Kept),
        ),
        patch(
            "PATCH the e-mail",
            replace("emails", emails(OTHER_MAIL)),
            write(mail(OTHER_MAIL), Active::Kept),
        ),
        patch(
            "PATCH the user name",
            replace("userName", json!(OTHER_MAIL)),
            write(mail(OTHER_MAIL), Active::Kept),
        ),
        patch(
            "PATCH the full name without a path",
            json!({"op": "replace", "value": {"displayName": OTHER_NAME}}),
            write(name(OTHER_NAME), Active::Kept),
        ),
        patch(
            "PATCH the full name and activate",
            json!({"op": "replace", "value": {"displayName": OTHER_NAME, "active": true}}),
            write(name(OTHER_NAME), Active::On),
        ),
        patch(
            "PATCH the same full name",
            replace("displayName", json!(SUE_NAME)),
            write(name(SUE_NAME), Active::Kept),
        ),
        patch(
            "PATCH the same user name in another case",
            replace("userName", json!("Sue@Example.com")),
            write(mail(SUE_MAIL), Active::Kept),
        ),
        patch(
            "PATCH the same e-mail",
            replace("emails", emails(SUE_MAIL)),
            write(mail(SUE_MAIL), Active::Kept),
        ),
        patch(
            "PATCH what is not synced",
            replace("locale", json!("de-DE")),
            write(nothing(), Active::Kept),
        ),
        patch(
            "PATCH active false",
            replace("active", json!(false)),
            write(nothing(), Active::Off),
        ),
        patch(
            "PATCH active true",
            replace("active", json!(true)),
            write(nothing(), Active::On),
        ),
        patch(
            "PATCH active as the string False",
            json!({"op": "Replace", "path": "active", "value": "False"}),
            write(nothing(), Active::Off),
        ),
        patch(
            "PATCH the user name of another",
            replace("userName", json!(NED_MAIL)),
            write(mail(NED_MAIL), Active::Kept),
        ),
        patch(
            "PATCH the external id to the id of another",
            replace("externalId", json!(NED)),
            write(foreign, Active::Kept),
        ),
        put("PUT another full name", OTHER_NAME, now),
        put("PUT the user as it is", SUE_NAME, now),
        put("PUT active false", SUE_NAME, false),
        put("PUT active true", SUE_NAME, true),
        put("PUT another full name and active false", OTHER_NAME, false),
        put("PUT another full name and active true", OTHER_NAME, true),
        create("POST the user as it is", SUE_NAME),
        create("POST the user with another full name", OTHER_NAME),
        client.attempt(
            "DELETE the user",
            Edit::DeleteUser(SUE.into()),
            Request("DELETE", &path, Value::Null),
        ),
        client.attempt(
            "GET the user",
            Edit::Nothing,
            Request("GET", &path, Value::Null),
        ),
    ]
}

fn user(display: &str, active: bool) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": SUE_MAIL, "displayName": display, "externalId": external_id(SUE),
        "emails": emails(SUE_MAIL), "active": active,
    })
}

fn emails(mail: &str) -> Value {
    json!([{"value": mail, "type": "work", "primary": true}])
}

fn name(name: &str) -> Profile {
    Profile {
        name: Some(name.into()),
        ..Profile::default()
    }
}

fn mail(mail: &str) -> Profile {
    Profile {
        mail: Some(mail.into()),
        ..Profile::default()
    }
}

fn named(display: &str, mail: &str) -> Profile {
    Profile {
        name: Some(display.into()),
        mail: Some(mail.into()),
        ..Profile::default()
    }
}
