//! The costliest requests for their size that a search has found: each kind with its size in bytes
//! and the text of its names.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use scimguard_core::{Body, Request};
use serde_json::{Value, json};

use crate::face::{BASE, as_json, request};

/// The names of a request: a text, repeated up to a number of characters.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fill {
    pub(crate) text: &'static str,
    pub(crate) characters: usize,
}

/// A kind of request.
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    pub(crate) has_token: bool,
    make: fn(usize, Fill) -> Request,
}

/// Names that the search tries: plain and long ones, characters that folding expands, escapes.
pub(crate) const FILLS: [Fill; 7] = [
    fill("a", 1),
    fill("a", 40),
    fill("a", 1000),
    fill("\u{fdfa}", 1),
    fill("\u{fdfa}", 300),
    fill("가", 40),
    fill("\"", 40),
];

pub(crate) const KINDS: [Kind; 15] = [
    kind("users to create", false, |size, fill| {
        let emails = names(size, 3, fill);
        management("POST", "user/users", json!({"emails": emails}))
    }),
    kind("users times groups", false, |size, fill| {
        let (emails, groups) = (names(size / 2, 3, fill), names(size / 2, 3, fill));
        management(
            "POST",
            "user/users",
            json!({"emails": emails, "userGroups": groups}),
        )
    }),
    kind("1,000 pairs of a user and a group", false, |_, fill| {
        let name = |n: usize| format!("{n}{}", fill.text.repeat(fill.characters));
        let emails: Vec<String> = (0..31).map(name).collect();
        management(
            "POST",
            "user/users",
            json!({"emails": emails, "userGroups": emails}),
        )
    }),
    kind("a group's members", false, |size, fill| {
        let users = names(size, 3, fill);
        let body = json!({"identifier": "web_team", "name": "web-team", "users": users});
        management("PUT", "user-groups", body)
    }),
    kind(
        "what rides along, below a long name",
        false,
        |size, fill| {
            let inner: serde_json::Map<String, Value> = names(size / 2, 6, fill)
                .into_iter()
                .map(|name| (name, json!({"": 1})))
                .collect();
            let body = json!({
                "identifier": "web_team", "externallyManaged": true, "x".repeat(size / 2): inner,
            });
            management("PUT", "user-groups", body)
        },
    ),
    kind("lists in lists", false, |size, _| {
        let body = format!("[{}]", vec!["[[[[[]]]]]"; size / 11].join(","));
        Request {
            body: Body::Bytes(body.into_bytes()),
            ..management("PUT", "user-groups", Value::Null)
        }
    }),
    kind("unknown attributes", true, |size, fill| {
        let mut user = json!({"schemas": [CORE.to_owned() + "User"], "userName": "a@example.com"});
        for name in names(size, 6, fill) {
            user[name] = json!(1);
        }
        scim("POST", "/Users", user)
    }),
    kind("emails", true, |size, fill| {
        let emails: Vec<Value> = names(size, 12, fill)
            .into_iter()
            .map(|value| json!({"value": value}))
            .collect();
        let user = json!({
            "schemas": [CORE.to_owned() + "User"], "userName": "a@example.com", "emails": emails,
        });
        scim("POST", "/Users", user)
    }),
    kind("members of a new group", true, |size, fill| {
        scim("POST", "/Groups", group(size, fill))
    }),
    kind("members replaced", true, |size, fill| {
        scim("PUT", "/Groups/web_team", group(size, fill))
    }),
    kind("operations", true, |size, fill| {
        let operations = names(size, 60, fill)
            .into_iter()
            .map(|id| json!({"op": "add", "path": "members", "value": [{"value": id}]}));
        patch("/Groups/web_team", operations.take(1000).collect())
    }),
    kind("filters of many values", true, |size, fill| {
        let terms: Vec<String> = names(size, 12, fill)
            .into_iter()
            .map(|id| format!("value eq {}", Value::String(id)))
            .collect();
        let operations = terms.chunks(400).map(
            |terms| json!({"op": "remove", "path": format!("members[{}]", terms.join(" or "))}),
        );
        patch("/Groups/web_team", operations.take(1000).collect())
    }),
    kind("value paths", true, |size, fill| {
        let operations = names(size, 70, fill).into_iter().map(|kind| {
            let path = format!("emails[type eq {}].value", Value::String(kind));
            json!({"op": "add", "path": path, "value": "b@example.com"})
        });
        patch("/Users/u1", operations.take(1000).collect())
    }),
    kind("a Bulk request", true, |size, fill| {
        let operations: Vec<Value> = (0..100)
            .map(|n| {
                let body = group(size / 110, fill);
                json!({"method": "POST", "path": "/Groups", "bulkId": n.to_string(), "data": body})
            })
            .collect();
        let body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": operations,
        });
        scim("POST", "/Bulk", body)
    }),
    kind("a search", true, |size, fill| {
        let terms: Vec<String> = names(size.min(8000), 16, fill)
            .into_iter()
            .map(|name| format!("userName eq {}", Value::String(name)))
            .collect();
        let filter = utf8_percent_encode(&terms.join(" or "), NON_ALPHANUMERIC).to_string();
        request("GET", format!("{BASE}/Users?filter={filter}"), Vec::new())
    }),
];

const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:";

// === impl Kind ===

impl Kind {
    /// Creates a request of about this size.
    pub(crate) fn request(&self, size: usize, fill: Fill) -> Request {
        let mut request = (self.make)(size, fill);
        if !self.has_token {
            request.headers.retain(|(name, _)| name != "authorization");
        }
        request
    }
}

const fn kind(name: &'static str, has_token: bool, make: fn(usize, Fill) -> Request) -> Kind {
    Kind {
        name,
        has_token,
        make,
    }
}

const fn fill(text: &'static str, characters: usize) -> Fill {
    Fill { text, characters }
}

/// Creates distinct names of about this many bytes of JSON in total, each with this much text
/// around it.
fn names(size: usize, around: usize, fill: Fill) -> Vec<String> {
    let text = fill.text.repeat(fill.characters);
    let each = Value::String(text.clone()).to_string().len() + 4 + around;
    (0..(size / each).max(1))
        .map(|n| format!("{n:x}{text}"))
        .collect()
}

fn group(size: usize, fill: Fill) -> Value {
    let members: Vec<Value> = names(size, 11, fill)
        .into_iter()
        .map(|id| json!({"value": id}))
        .collect();
    json!({"schemas": [CORE.to_owned() + "Group"], "displayName": "web-team", "members": members})
}

fn patch(path: &str, operations: Vec<Value>) -> Request {
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations,
    });
    scim("PATCH", path, body)
}

fn scim(method: &str, path: &str, body: Value) -> Request {
    request(
        method,
        format!("{BASE}{path}"),
        body.to_string().into_bytes(),
    )
}

fn management(method: &str, path: &str, body: Value) -> Request {
    let path = format!("/gateway/ng/api/{path}?accountIdentifier=ACC1");
    as_json(request(method, path, body.to_string().into_bytes()))
}
