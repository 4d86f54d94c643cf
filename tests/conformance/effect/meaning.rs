//! What a resource says, whatever its writer's habits: two resources of one meaning are equal here.

use serde_json::{Map, Value};

/// The resource without what differs between writers and means nothing.
pub(crate) fn of(resource: &Value) -> Value {
    let Value::Object(members) = resource else {
        return resource.clone();
    };
    let mut meaning = Map::new();
    for (name, value) in members {
        let name = name.to_ascii_lowercase();
        let value = match name.as_str() {
            // RFC 7643 §3.1: the service provider's own.
            "meta" => continue,
            "members" => memberships(value),
            // RFC 7643 §3: which schemas there are, in no order.
            "schemas" => sorted(value),
            _ => plain(value),
        };
        if is_assigned(&value) {
            meaning.insert(name, value);
        }
    }
    Value::Object(meaning)
}

/// RFC 7643 §4.2 has no order for members, and RFC 7644 §3.5.2.1 has none twice. What is said of a
/// member beside its id is not passed on (`display` is the other resource's, RFC 7643 §2.4).
fn memberships(value: &Value) -> Value {
    let ids = value.as_array().into_iter().flatten();
    let ids: Vec<Value> = ids.map(|member| member["value"].clone()).collect();
    let mut ids = sorted(&Value::Array(ids));
    if let Value::Array(ids) = &mut ids {
        ids.dedup();
    }
    ids
}

fn sorted(value: &Value) -> Value {
    let mut elements = value.as_array().cloned().unwrap_or_default();
    elements.sort_by_key(ToString::to_string);
    Value::Array(elements)
}

/// RFC 7643 §2.1: names in any case; §2.5: null and empty lists are no values.
fn plain(value: &Value) -> Value {
    match value {
        Value::Object(members) => Value::Object(
            members
                .iter()
                .map(|(name, value)| (name.to_ascii_lowercase(), plain(value)))
                .filter(|(_, value)| is_assigned(value))
                .collect(),
        ),
        Value::Array(elements) => elements.iter().map(plain).filter(is_assigned).collect(),
        _ => value.clone(),
    }
}

fn is_assigned(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Array(elements) => !elements.is_empty(),
        Value::Object(members) => !members.is_empty(),
        _ => true,
    }
}
