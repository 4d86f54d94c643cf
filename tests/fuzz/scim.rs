//! SCIM requests of every kind, from choices: mostly as RFC 7644 has them, with something odd now and
//! then.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

use crate::choices::{Choices, longer};

/// Method, path below the base, body.
pub(crate) type Call = (String, String, Value);

const IDS: [&str; 6] = ["u1", "u2", "u3", "u9", "web_team", "local"];
const NAMES: [&str; 7] = [
    "ann@example.com",
    "bob@example.com",
    "kim@example.com",
    "ANN@example.com",
    "web-team",
    "web.team",
    "new@example.com",
];
const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
/// Attributes of users and groups, as clients write them.
const ATTRIBUTES: [&str; 28] = [
    "userName",
    "displayName",
    "active",
    "emails",
    "members",
    "name",
    "externalId",
    "name.givenName",
    "name.familyName",
    "name.formatted",
    "title",
    "locale",
    "password",
    "roles",
    "entitlements",
    "phoneNumbers",
    "addresses",
    "groups",
    "id",
    "meta",
    "schemas",
    "USERNAME",
    "urn:ietf:params:scim:schemas:core:2.0:User:userName",
    ENTERPRISE,
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
    "x509Certificates",
    "nothing",
];
const SUBS: [&str; 8] = [
    "value",
    "type",
    "primary",
    "display",
    "$ref",
    "givenName",
    "operation",
    "x",
];

/// A request. Lists are `scale` times as long.
pub(crate) fn call(choices: &mut Choices<'_>, scale: usize) -> Call {
    match choices.below(10) {
        8 => bulk(choices, scale),
        9 => search(choices, scale),
        _ => single(choices, scale),
    }
}

fn single(choices: &mut Choices<'_>, scale: usize) -> Call {
    let kind = *choices.pick(&["Users", "Groups"]);
    let ids = match kind {
        "Users" => ["u1", "u2", "u3", "u1", "u9"],
        _ => ["web_team", "local", "web_team", "local", "g9"],
    };
    let id = choices.text(&ids);
    let id = utf8_percent_encode(&id, NON_ALPHANUMERIC);
    let one = format!("/{kind}/{id}");
    let (method, path, body) = match choices.below(12) {
        0..=4 => ("PATCH", one, patch(choices, scale)),
        5 => ("PUT", one, resource(choices, kind, scale)),
        6 | 7 => ("POST", format!("/{kind}"), resource(choices, kind, scale)),
        8 => ("DELETE", one, Value::Null),
        9 => ("GET", one + &query(choices, scale), Value::Null),
        10 => {
            let ends = [
                "/Schemas",
                "/ResourceTypes",
                "/ServiceProviderConfig",
                "/Me",
                "",
                "/Bulk",
                "/Users//",
            ];
            ("GET", choices.text(&ends), Value::Null)
        }
        _ => (
            *choices.pick(&["HEAD", "OPTIONS", "get", "PATCH"]),
            one,
            json(choices, 3),
        ),
    };
    (method.to_owned(), path, body)
}

fn bulk(choices: &mut Choices<'_>, scale: usize) -> Call {
    let count = 1 + choices.below(5);
    let operations = (0..count).map(|index| {
        let (method, path, mut data) = single(choices, 1);
        if choices.once_in(4)
            && let Some(data) = data.as_object_mut()
        {
            let member = json!({"value": format!("bulkId:{}", choices.below(4))});
            data.insert("members".to_owned(), json!([member]));
        }
        let mut operation = json!({"method": method, "path": path, "bulkId": index.to_string()});
        if choices.once_in(4) {
            operation["path"] = format!("/Users/bulkId:{}", choices.below(4)).into();
        }
        if !data.is_null() {
            operation["data"] = data;
        }
        if choices.once_in(16) {
            operation[*choices.pick(&["version", "bulkId", "path", "method"])] = json(choices, 2);
        }
        operation
    });
    let operations = longer(operations.collect(), scale);
    let mut body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": operations,
    });
    if choices.once_in(3) {
        body["failOnErrors"] = choices.below(4).into();
    }
    ("POST".to_owned(), "/Bulk".to_owned(), body)
}

fn search(choices: &mut Choices<'_>, scale: usize) -> Call {
    let kind = *choices.pick(&["/Users", "/Groups", ""]);
    if choices.once_in(2) {
        return (
            "GET".to_owned(),
            format!("{kind}{}", query(choices, scale)),
            Value::Null,
        );
    }
    let mut body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
        "filter": filter(choices, 3, scale),
    });
    for name in [
        "startIndex",
        "count",
        "attributes",
        "excludedAttributes",
        "sortBy",
        "sortOrder",
    ] {
        if choices.once_in(3) {
            body[name] = json(choices, 2);
        }
    }
    ("POST".to_owned(), format!("{kind}/.search"), body)
}

fn query(choices: &mut Choices<'_>, scale: usize) -> String {
    let names = [
        "filter",
        "startIndex",
        "count",
        "attributes",
        "sortBy",
        "cursor",
        "FILTER",
        "x",
    ];
    let pairs: Vec<String> = (0..choices.below(4))
        .map(|_| {
            let name = *choices.pick(&names);
            let value = match name.eq_ignore_ascii_case("filter") {
                true => filter(choices, 3, scale),
                false => {
                    choices.text(&["1", "-1", "0", "userName", "emails.value,name", "members"])
                }
            };
            format!("{name}={}", utf8_percent_encode(&value, NON_ALPHANUMERIC))
        })
        .collect();
    match pairs.is_empty() {
        true => String::new(),
        false => format!("?{}", pairs.join("&")),
    }
}

/// RFC 7644 figure 1.
fn filter(choices: &mut Choices<'_>, depth: usize, scale: usize) -> String {
    let inner = |choices: &mut Choices<'_>| filter(choices, depth - 1, 1);
    match choices.below(if depth == 0 { 4 } else { 9 }) {
        4 => format!("{} and {}", inner(choices), inner(choices)),
        5 => format!("not ({})", inner(choices)),
        6 => format!("({}) or ({})", inner(choices), inner(choices)),
        7 => format!(
            "{}[{}]",
            choices.text(&["emails", "members", "addresses"]),
            inner(choices)
        ),
        8 => {
            let terms: Vec<String> = (0..(1 + choices.below(4)) * scale)
                .map(|index| format!("value eq \"u{index}\""))
                .collect();
            terms.join(" or ")
        }
        3 => format!("{} pr", attribute(choices)),
        _ => {
            let operator = choices.text(&["eq", "EQ", "ne", "co", "sw", "ew", "gt", "le"]);
            format!("{} {operator} {}", attribute(choices), leaf(choices))
        }
    }
}

fn attribute(choices: &mut Choices<'_>) -> String {
    let name = choices.text(&ATTRIBUTES);
    match choices.once_in(4) {
        true => format!("{name}.{}", choices.text(&SUBS)),
        false => name,
    }
}

/// RFC 7644 figure 7.
fn path(choices: &mut Choices<'_>, scale: usize) -> String {
    let usual = [
        "members",
        "emails[type eq \"work\"].value",
        "emails[type eq \"home\"]",
        "members[value eq \"u1\"]",
        "active",
        "displayName",
        "name.givenName",
    ];
    if choices.once_in(2) {
        return choices.text(&usual);
    }
    let name = choices.text(&ATTRIBUTES);
    match choices.below(4) {
        0 => name,
        1 => format!("{name}.{}", choices.text(&SUBS)),
        2 => format!("{name}[{}]", filter(choices, 2, scale)),
        _ => format!(
            "{name}[{}].{}",
            filter(choices, 2, scale),
            choices.text(&SUBS)
        ),
    }
}

fn patch(choices: &mut Choices<'_>, scale: usize) -> Value {
    let count = 1 + choices.below(5);
    let operations = (0..count).map(|_| {
        let op = *choices.pick(&["add", "replace", "remove", "Replace", "Add", "Remove"]);
        let op = if choices.once_in(24) { "move" } else { op };
        let mut operation = json!({"op": op});
        if choices.once_in(3) {
            let mut value = Map::new();
            for _ in 0..=choices.below(3) {
                let name = choices.text(&ATTRIBUTES);
                value.insert(name.clone(), value_of(choices, &name, 1));
            }
            operation["value"] = value.into();
        } else {
            let path = path(choices, 1);
            if !choices.once_in(6) {
                operation["value"] = value_of(choices, &path, 1);
            }
            operation["path"] = path.into();
        }
        operation
    });
    let mut operations = longer(operations.collect(), scale);
    if let Some(first) = operations.first_mut()
        && choices.once_in(2)
    {
        *first =
            json!({"op": "add", "path": "members", "value": value_of(choices, "members", scale)});
    }
    json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations,
    })
}

fn resource(choices: &mut Choices<'_>, kind: &str, scale: usize) -> Value {
    let schema = match choices.once_in(16) {
        true => choices.text(&[ENTERPRISE, "urn:x", ""]),
        false => USER.replace("User", kind.trim_end_matches('s')),
    };
    let mut resource = json!({"schemas": [schema]});
    let usual: &[&str] = match kind {
        "Users" => &["userName", "displayName", "active", "emails", "externalId"],
        _ => &["displayName", "members", "externalId"],
    };
    for name in usual {
        if !choices.once_in(5) {
            resource[*name] = value_of(choices, name, scale);
        }
    }
    for _ in 0..choices.below(4) {
        let name = choices.text(&ATTRIBUTES);
        resource[&name] = value_of(choices, &name, scale);
    }
    resource
}

/// A value much like one of this attribute.
fn value_of(choices: &mut Choices<'_>, name: &str, scale: usize) -> Value {
    if choices.once_in(10) {
        return json(choices, 3);
    }
    if name.ends_with(".value") {
        return choices.text(&NAMES).into();
    }
    match name.split(['[', '.']).next().unwrap_or_default() {
        "active" => choices
            .pick(&[json!(true), json!(false), json!("False")])
            .clone(),
        "emails" | "phoneNumbers" | "addresses" | "roles" | "entitlements" => {
            let count = choices.below(4);
            let elements = (0..count).map(|_| {
                json!({"value": choices.text(&NAMES), "type": choices.text(&["work", "home", "WORK"])})
            });
            longer(elements.collect(), scale).into()
        }
        "members" | "groups" => {
            let count = choices.below(5);
            let elements = (0..count).map(|_| json!({"value": choices.text(&IDS)}));
            longer(elements.collect(), scale).into()
        }
        "name" if !name.contains('.') => {
            json!({"givenName": choices.text(&["Ann", "Bob"]), "familyName": choices.text(&["Lee", "\u{fdfa}"])})
        }
        ENTERPRISE => {
            json!({"department": choices.text(&["x"]), "manager": {"value": choices.text(&IDS)}})
        }
        "externalId" => choices.text(&["x1", "u1", "x9"]).into(),
        _ => choices.text(&NAMES).into(),
    }
}

fn leaf(choices: &mut Choices<'_>) -> Value {
    match choices.below(6) {
        0 => Value::Null,
        1 => choices.once_in(2).into(),
        2 => choices.below(256).into(),
        3 => json!(1e300),
        _ => choices.text(&IDS).into(),
    }
}

/// Any JSON, nested at most so deep.
pub(crate) fn json(choices: &mut Choices<'_>, depth: usize) -> Value {
    match choices.below(if depth == 0 { 4 } else { 8 }) {
        0..=3 => leaf(choices),
        4 | 5 => (0..choices.below(4))
            .map(|_| json(choices, depth - 1))
            .collect(),
        _ => {
            let members = 0..choices.below(4);
            let members = members.map(|_| {
                let name = match choices.once_in(2) {
                    true => choices.text(&ATTRIBUTES),
                    false => choices.text(&SUBS),
                };
                (name, json(choices, depth - 1))
            });
            Value::Object(members.collect())
        }
    }
}
