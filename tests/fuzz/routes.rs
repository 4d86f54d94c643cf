//! Requests on the routes of the preset `harness`, from choices: every route, with each place that it
//! reads filled.

use std::sync::LazyLock;

use serde_json::{Value, json};

use crate::choices::{Choices, longer};
use crate::scim::{Call, json};

static ROUTES: LazyLock<Vec<Value>> = LazyLock::new(|| {
    let preset = include_str!("../../plugin/core/src/policy/harness.json");
    let mut preset: Value = serde_json::from_str(preset).expect("JSON");
    match preset["management"]["routes"].take() {
        Value::Array(routes) => routes,
        other => panic!("{other}"),
    }
});

const WORDS: [&str; 8] = [
    "u1",
    "u2",
    "web_team",
    "local",
    "ann@example.com",
    "web-team",
    "new",
    "u9",
];
const PLACES: [&str; 5] = ["account", "organisation", "project", "group", "user"];
const PARTS: [&str; 6] = ["group", "user", "name", "email", "members", "groups"];

/// A request. Lists are `scale` times as long.
pub(crate) fn call(choices: &mut Choices<'_>, scale: usize) -> Call {
    let high = choices.below(2) * 256;
    let route = &ROUTES[(high + choices.below(256)) % ROUTES.len()];
    let path = route["path"].as_str().unwrap_or_default().split('/');
    let path: Vec<String> = path
        .map(|segment| match segment.starts_with('{') {
            true => choices.text(&WORDS).replace('?', "%3F"),
            false => segment.to_owned(),
        })
        .collect();
    let mut query = vec!["accountIdentifier=ACC1".to_owned()];
    let mut body = json!({});
    for part in PARTS {
        for source in sources(&route[part]) {
            if choices.once_in(8) {
                continue;
            }
            if let Some(name) = source["query"].as_str() {
                query.push(format!("{name}={}", choices.text(&WORDS)));
            }
            if let Some(pointer) = source["body"].as_str() {
                let value = match part {
                    "members" | "groups" | "email" if pointer.ends_with('s') => {
                        list(choices, scale)
                    }
                    _ => choices.text(&WORDS).into(),
                };
                put(&mut body, pointer, value);
            }
        }
    }
    for place in PLACES {
        if choices.once_in(12) {
            put(&mut body, &format!("/{place}Identifier"), json(choices, 1));
        }
    }
    if choices.once_in(2) {
        put(&mut body, "/externallyManaged", true.into());
    }
    if choices.once_in(3) {
        put(&mut body, "/notificationConfigs", json(choices, 3));
    }
    if choices.once_in(6) {
        query.push(choices.text(&[
            "accountIdentifier=ACC2",
            "orgIdentifier=o",
            "projectIdentifier=p",
            ";x",
        ]));
    }
    let method = route["method"].as_str().unwrap_or_default();
    let body = match method {
        "GET" | "DELETE" => Value::Null,
        _ if choices.once_in(12) => json(choices, 4),
        _ => body,
    };
    let path = format!("{}?{}", path.join("/"), query.join("&"));
    (method.to_owned(), path, body)
}

/// One source or several.
fn sources(part: &Value) -> Vec<&Value> {
    match part {
        Value::Array(all) => all.iter().collect(),
        Value::Null => Vec::new(),
        one => vec![one],
    }
}

fn list(choices: &mut Choices<'_>, scale: usize) -> Value {
    let count = choices.below(5);
    let words = (0..count).map(|_| choices.text(&WORDS).into());
    longer(words.collect(), scale).into()
}

/// Puts a value where a pointer of one part leads.
fn put(body: &mut Value, pointer: &str, value: Value) {
    let mut names = pointer.split('/').skip(1);
    if let (Some(name), None) = (names.next(), names.next()) {
        body[name] = value;
    }
}
