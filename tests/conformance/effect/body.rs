//! Bodies of POST and PUT as they are meant, and as clients write them.

use proptest::prelude::*;
use proptest::sample::subsequence;
use serde_json::{Map, Value, json};

use super::resource::{self, CORE_GROUP, CORE_USER, ENTERPRISE};
use crate::judge::{GROUP, USER};

/// A body, and the resource that is meant by it.
#[derive(Clone, Debug)]
pub(crate) struct Written {
    pub(crate) collection: &'static str,
    pub(crate) id: &'static str,
    pub(crate) body: Value,
    pub(crate) meant: Value,
}

/// A habit of clients.
#[derive(Clone, Copy, Debug)]
enum Habit {
    /// `USERNAME`.
    NameCase,
    /// `"active": "True"`.
    BooleanText,
    /// One value where a list belongs.
    SingleForList,
    /// `"name.givenName": "Ann"`.
    DottedKeys,
    /// `"urn:…:department": "R&D"`.
    UrnKeys,
    /// `"manager": "u2"`.
    ManagerText,
    /// The core schema's URN in front of an attribute.
    CoreUrn,
    /// `id`, `meta` and `groups`, as they were read.
    ReadOnly,
    /// `null` and `[]` for what has no value.
    Unassigned,
    /// `schemas` names no extension.
    NoExtensionUrn,
    /// `schemas` names the extension alone.
    OnlyExtensionUrn,
    /// A URN in another case.
    UrnCase,
}

const HABITS: &[Habit] = &[
    Habit::NameCase,
    Habit::BooleanText,
    Habit::SingleForList,
    Habit::DottedKeys,
    Habit::ManagerText,
    Habit::UrnKeys,
    Habit::CoreUrn,
    Habit::ReadOnly,
    Habit::Unassigned,
    Habit::NoExtensionUrn,
    Habit::OnlyExtensionUrn,
    Habit::UrnCase,
];

/// A user or a group, written with some habits.
pub(crate) fn any_body() -> impl Strategy<Value = Written> {
    let resource = prop_oneof![2 => resource::user().boxed(), 1 => resource::group().boxed()];
    (resource, subsequence(HABITS, 0..=4)).prop_map(|(mut meant, habits)| {
        let mut body = meant.clone();
        let members = meant.as_object_mut().expect("a resource is an object");
        members.remove("id");
        let is_group = members["schemas"][0] == CORE_GROUP;
        let body_members = body.as_object_mut().expect("a resource is an object");
        for habit in habits {
            habit.write(body_members);
        }
        let (collection, id) = if is_group {
            ("Groups", GROUP)
        } else {
            ("Users", USER)
        };
        Written {
            collection,
            id,
            body,
            meant,
        }
    })
}

// === impl Habit ===

impl Habit {
    fn write(self, body: &mut Map<String, Value>) {
        match self {
            Self::NameCase => {
                for name in ["userName", "displayName", "emails", "members"] {
                    rename(body, name, &name.to_ascii_uppercase());
                }
            }
            Self::BooleanText => {
                if let Some(active) = body.get_mut("active") {
                    *active = if *active == true { "True" } else { "False" }.into();
                }
            }
            Self::SingleForList => {
                for (name, value) in body.iter_mut().filter(|(name, _)| *name != "schemas") {
                    match value {
                        Value::Array(elements) if elements.len() == 1 && name != "schemas" => {
                            *value = elements.remove(0);
                        }
                        _ => {}
                    }
                }
            }
            Self::DottedKeys => unfold(body, "name", "name."),
            Self::UrnKeys => unfold(body, ENTERPRISE, &format!("{ENTERPRISE}:")),
            Self::ManagerText => {
                if let Some(manager) = body.get_mut(ENTERPRISE).and_then(|e| e.get_mut("manager")) {
                    *manager = manager["value"].clone();
                }
            }
            Self::CoreUrn => rename(body, "title", &format!("{CORE_USER}:title")),
            Self::ReadOnly => {
                body.insert("meta".to_owned(), json!({"resourceType": "User"}));
                body.insert("groups".to_owned(), json!([{"value": GROUP}]));
            }
            Self::Unassigned => {
                for (name, value) in [("nickName", Value::Null), ("externalId", Value::Null)] {
                    body.entry(name).or_insert(value);
                }
                body.entry("photos").or_insert_with(|| json!([]));
            }
            Self::NoExtensionUrn => {
                if let Some(Value::Array(urns)) = body.get_mut("schemas") {
                    urns.truncate(1);
                }
            }
            Self::OnlyExtensionUrn => {
                if body.contains_key(ENTERPRISE) {
                    body.insert("schemas".to_owned(), json!([ENTERPRISE]));
                }
            }
            Self::UrnCase => {
                if let Some(Value::Array(urns)) = body.get_mut("schemas") {
                    for urn in urns {
                        *urn = urn.as_str().map(str::to_ascii_lowercase).into();
                    }
                }
                rename(body, ENTERPRISE, &ENTERPRISE.to_ascii_lowercase());
            }
        }
    }
}

fn rename(body: &mut Map<String, Value>, from: &str, to: &str) {
    if let Some(value) = body.remove(from) {
        body.insert(to.to_owned(), value);
    }
}

fn unfold(body: &mut Map<String, Value>, name: &str, prefix: &str) {
    if let Some(Value::Object(members)) = body.remove(name) {
        for (sub, value) in members {
            body.insert(format!("{prefix}{sub}"), value);
        }
    }
}
