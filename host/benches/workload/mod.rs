//! What the benchmarks decide: requests of Okta's, with the record for each.

use scimguard_core::facts::Table;
use scimguard_core::{Body, Request};
use scimguard_tests::fixtures::principal;
use serde_json::{Value, json};

/// A request and the record for it.
pub(crate) struct Workload {
    pub(crate) name: &'static str,
    pub(crate) request: Request,
    pub(crate) table: Table,
}

pub(crate) fn workloads() -> anyhow::Result<[Workload; 3]> {
    Ok([
        workload("Okta creates a user", "POST", "Users", &user(None), &[])?,
        workload(
            "Okta adds 100 members to a group",
            "PATCH",
            "Groups/example_group",
            &additions(),
            &(0..100).collect::<Vec<_>>(),
        )?,
        workload(
            "Okta updates a user",
            "PUT",
            "Users/u7",
            &user(Some("u7")),
            &[7],
        )?,
    ])
}

pub(crate) fn workload(
    name: &'static str,
    method: &str,
    path: &str,
    body: &Value,
    users: &[u32],
) -> anyhow::Result<Workload> {
    let headers = [
        ("authorization", "Bearer pat.ACC1.tok1.s3cret"),
        ("content-type", "application/scim+json; charset=utf-8"),
        ("user-agent", "Okta SCIM Client 1.0.0"),
    ];
    Ok(Workload {
        name,
        request: Request {
            method: method.to_owned(),
            path: format!("/gateway/ng/api/scim/account/ACC1/{path}"),
            headers: headers
                .map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()))
                .to_vec(),
            body: Body::Bytes(body.to_string().into_bytes()),
            annotate: false,
        },
        table: Table::from_json(&record(users)).map_err(anyhow::Error::msg)?,
    })
}

/// A user as Okta creates it (`POST`), or returns it after reading it (`PUT`).
fn user(id: Option<&str>) -> Value {
    let mut user = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": "user7@example.com",
        "name": {"givenName": "Ann", "familyName": "Lee"},
        "emails": [{"primary": true, "value": "user7@example.com", "type": "work"}],
        "displayName": "Ann Lee",
        "locale": "en-US",
        "externalId": "00u7",
        "groups": [],
        "password": "1mz050nq",
        "active": true
    });
    if let Some(id) = id {
        user["id"] = json!(id);
        user["meta"] = json!({"resourceType": "User", "created": "2026-05-01T00:00:00Z"});
    }
    user
}

fn additions() -> Value {
    members_message("add", 100)
}

pub(crate) fn members_message(verb: &str, count: u32) -> Value {
    let member = |n| json!({"value": format!("u{n}"), "display": format!("user{n}@example.com")});
    json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [
            {"op": verb, "path": "members", "value": (0..count).map(member).collect::<Vec<_>>()}
        ]
    })
}

fn record(users: &[u32]) -> Value {
    let user = |n: &u32| {
        json!({"account": "ACC1", "id": format!("u{n}"), "userName": format!("user{n}@example.com"),
               "displayName": "Ann Lee", "externalId": format!("00u{n}"), "managed_by": "okta"})
    };
    json!({
        "tokens": [{"token": "pat.ACC1.tok1.s3cret", "account": "ACC1", "principal": "svc-okta",
                    "provider": "okta", "expires": "2027-01-01T00:00:00Z"}],
        "principals": [principal("svc-okta")],
        "users": users.iter().map(user).collect::<Vec<_>>(),
        "groups": [{"account": "ACC1", "id": "example_group", "displayName": "example-group",
                    "managed_by": "okta"}],
        "members": []
    })
}
