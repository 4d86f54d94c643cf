//! Edits of a user by SCIM.

use scimguard_tests::fixtures::USER;
use scimguard_tests::model::Active::{self, Kept, Off, On};
use scimguard_tests::model::{Edit, Profile, World};
use scimguard_tests::okta::patch;
use serde_json::{Value, json};

use super::{Attempt, Client, Request};
use crate::test_bed::{NED, NED_MAIL, SUE, SUE_MAIL, SUE_NAME, external_id};

const OTHER_NAME: &str = "Sue Somebody";
const OTHER_MAIL: &str = "susan@example.com";

pub(super) fn attempts(client: Client, world: &World) -> Vec<Attempt> {
    let path = format!("/Users/{SUE}");
    let now = world.users.get(SUE).is_none_or(|user| user.active);
    let put = |name: &str, display: &str, active: bool| {
        let edit = Edit::write_user(
            SUE,
            Profile::named(display, SUE_MAIL),
            if active { On } else { Off },
        );
        client.attempt(name, edit, Request("PUT", &path, user(display, active)))
    };
    let create = |name: &str, display: &str| {
        let edit = Edit::create_user(SUE_MAIL, Profile::named(display, SUE_MAIL), &[]);
        client.attempt(name, edit, Request("POST", "/Users", user(display, true)))
    };
    let by_id = |name: &str, method, edit: Edit| {
        client.attempt(name, edit, Request(method, &path, Value::Null))
    };
    let mut attempts: Vec<Attempt> = patches()
        .into_iter()
        .map(|(name, operation, profile, active)| {
            let edit = Edit::write_user(SUE, profile, active);
            client.attempt(
                name,
                edit,
                Request("PATCH", &path, patch(json!([operation]))),
            )
        })
        .collect();
    attempts.extend([
        put("PUT another full name", OTHER_NAME, now),
        put("PUT the user as it is", SUE_NAME, now),
        put("PUT active false", SUE_NAME, false),
        put("PUT active true", SUE_NAME, true),
        put("PUT another full name and active false", OTHER_NAME, false),
        put("PUT another full name and active true", OTHER_NAME, true),
        create("POST the user as it is", SUE_NAME),
        create("POST the user with another full name", OTHER_NAME),
        by_id("DELETE the user", "DELETE", Edit::DeleteUser(SUE.into())),
        by_id("GET the user", "GET", Edit::Nothing),
    ]);
    attempts
}

/// Each with its operation, and what it says of the profile and of `active`.
fn patches() -> [(&'static str, Value, Profile, Active); 15] {
    let replace = |path: &str, value: Value| json!({"op": "replace", "path": path, "value": value});
    let given_name = Profile {
        unrecorded: true,
        ..Profile::default()
    };
    let foreign = Profile {
        foreign_external_id: true,
        ..Profile::default()
    };
    let (name, mail, nothing) = (Profile::name, Profile::mail, Profile::default);
    #[rustfmt::skip]
    let patches = [
        ("PATCH the full name", replace("displayName", json!(OTHER_NAME)), name(OTHER_NAME), Kept),
        ("PATCH the given name", replace("name.givenName", json!("Susan")), given_name, Kept),
        ("PATCH the e-mail", replace("emails", emails(OTHER_MAIL)), mail(OTHER_MAIL), Kept),
        ("PATCH the user name", replace("userName", json!(OTHER_MAIL)), mail(OTHER_MAIL), Kept),
        ("PATCH the full name without a path",
            json!({"op": "replace", "value": {"displayName": OTHER_NAME}}), name(OTHER_NAME), Kept),
        ("PATCH the full name and activate",
            json!({"op": "replace", "value": {"displayName": OTHER_NAME, "active": true}}),
            name(OTHER_NAME), On),
        ("PATCH the same full name", replace("displayName", json!(SUE_NAME)), name(SUE_NAME), Kept),
        ("PATCH the same user name in another case",
            replace("userName", json!("Sue@Example.com")), mail(SUE_MAIL), Kept),
        ("PATCH the same e-mail", replace("emails", emails(SUE_MAIL)), mail(SUE_MAIL), Kept),
        ("PATCH what is not synced", replace("locale", json!("de-DE")), nothing(), Kept),
        ("PATCH active false", replace("active", json!(false)), nothing(), Off),
        ("PATCH active true", replace("active", json!(true)), nothing(), On),
        ("PATCH active as the string False",
            json!({"op": "Replace", "path": "active", "value": "False"}), nothing(), Off),
        ("PATCH the user name of another", replace("userName", json!(NED_MAIL)), mail(NED_MAIL), Kept),
        ("PATCH the external id to the id of another", replace("externalId", json!(NED)), foreign, Kept),
    ];
    patches
}

fn user(display: &str, active: bool) -> Value {
    json!({
        "schemas": [USER], "userName": SUE_MAIL, "displayName": display, "externalId": external_id(SUE),
        "emails": emails(SUE_MAIL), "active": active,
    })
}

fn emails(mail: &str) -> Value {
    json!([{"value": mail, "type": "work", "primary": true}])
}
