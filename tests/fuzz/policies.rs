//! Policy documents from choices: what the document's own JSON Schema describes, with something else
//! now and then.

use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use crate::choices::Choices;
use crate::scim;

static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
    let schema = include_str!("../../plugin/core/src/policy/schema.json");
    serde_json::from_str(schema).expect("JSON")
});

/// Texts that patterns of the schema ask for, and others.
const TEXTS: [&str; 24] = [
    "okta",
    "/scim/v2/{account}",
    "/gateway/ng/api/scim/account/{account}",
    "/api/",
    "/api/users/{user}",
    "/api/{account}/groups/{group}",
    "/",
    "userName",
    "displayName",
    "members",
    "emails",
    "name.givenName",
    "urn:example:User",
    "urn:ietf:params:scim:schemas:core:2.0:User",
    "/identifier",
    "/users/*/id",
    "group.update",
    "application/json",
    "multipart/form-data",
    "1h",
    "https://issuer.example",
    "accountIdentifier",
    "PUT",
    "scim_*",
];
const KEYS: [&str; 6] = [
    "User.emails",
    "Group.members",
    "ACC1",
    "ACC2",
    "a/b~c",
    "properties",
];

/// A document.
pub(crate) fn document(choices: &mut Choices<'_>) -> Value {
    let mut document = value(choices, &SCHEMA, 0);
    if let Some(document) = document.as_object_mut()
        && !choices.once_in(12)
    {
        document.insert("version".to_owned(), json!(1));
    }
    document
}

/// A value that a schema describes, more or less.
fn value(choices: &mut Choices<'_>, schema: &Value, depth: usize) -> Value {
    if choices.once_in(24) || depth > 24 {
        return scim::json(choices, 2);
    }
    if let Some(name) = schema["$ref"].as_str() {
        let pointer = name.trim_start_matches('#');
        return value(
            choices,
            SCHEMA.pointer(pointer).unwrap_or(&Value::Null),
            depth + 1,
        );
    }
    for several in ["oneOf", "anyOf"] {
        if let Some(all) = schema[several].as_array() {
            let one = choices.pick(all);
            return value(choices, one, depth + 1);
        }
    }
    if let Some(all) = schema["enum"].as_array() {
        return choices.pick(all).clone();
    }
    if let Some(only) = schema.get("const") {
        return only.clone();
    }
    let kinds = &schema["type"];
    match kinds.as_str().or_else(|| kinds[0].as_str()) {
        Some("object") => object(choices, schema, depth).into(),
        Some("array") => {
            let count = choices.below(4);
            (0..count)
                .map(|_| value(choices, &schema["items"], depth + 1))
                .collect()
        }
        Some("boolean") => choices.once_in(2).into(),
        Some("integer") => choices
            .pick(&[4, 1, 0, 100, 65_536, 1_000_000, -1])
            .to_owned()
            .into(),
        Some("number") => choices.pick(&[0.1, 1.0, 0.0, 2.0]).to_owned().into(),
        Some("null") => Value::Null,
        Some("string") => choices.text(&TEXTS).into(),
        // Any JSON Schema, such as an account's own.
        _ => json!({
            "type": "object",
            "properties": {"userName": {"pattern": choices.text(&["^a", "(?:.{0,100}){50}", "(", "\\p{L}+$"])}},
            "required": [choices.text(&TEXTS)],
        }),
    }
}

fn object(choices: &mut Choices<'_>, schema: &Value, depth: usize) -> Map<String, Value> {
    let mut object = Map::new();
    let required: Vec<&str> = match schema["required"].as_array() {
        Some(names) => names.iter().filter_map(Value::as_str).collect(),
        None => Vec::new(),
    };
    if let Some(properties) = schema["properties"].as_object() {
        for (name, inner) in properties {
            let is_wanted = match required.contains(&name.as_str()) {
                true => !choices.once_in(16),
                false => choices.once_in(3),
            };
            if is_wanted {
                object.insert(name.clone(), value(choices, inner, depth + 1));
            }
        }
    }
    if schema["additionalProperties"].is_object() || choices.once_in(24) {
        for _ in 0..choices.below(3) {
            let name = choices.text(&KEYS);
            let inner = value(choices, &schema["additionalProperties"], depth + 1);
            object.insert(name, inner);
        }
    }
    object
}
