//! What identity providers send and the RFCs do not know, or only some servers: each form with the
//! effect that its sender means, worked out by hand. Implementations refuse most of it, so none of
//! them can tell.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::resource::{self, ADDRESS, ENTERPRISE, NAME, any_of, text_of};
use crate::judge::GROUP;

/// One operation as an identity provider means it.
#[derive(Clone, Debug)]
pub(crate) enum Foreign {
    /// Entra: `"value": "False"`.
    Active {
        op: &'static str,
        text: &'static str,
    },
    /// Entra: `manager` as text, by a path or by a key.
    Manager {
        op: &'static str,
        id: &'static str,
        by_key: bool,
    },
    /// A list of one where one value belongs.
    ListForSingle {
        op: &'static str,
        title: &'static str,
    },
    /// Entra: `"name.givenName"` as a key.
    DottedKey {
        op: &'static str,
        sub: &'static str,
        value: Value,
    },
    /// Entra: an e-mail that may not be there yet, by a path or by a key.
    Email {
        op: &'static str,
        r#type: &'static str,
        value: &'static str,
        by_key: bool,
    },
    /// Entra: the parts of an address that may not be there yet.
    AddressPart {
        r#type: &'static str,
        sub: &'static str,
        value: Value,
    },
    /// One e-mail, in no list.
    SingleEmail { value: &'static str },
    /// Okta: deactivate and reactivate without a path.
    OktaActive { active: bool },
    /// Okta: the id beside the new name.
    OktaRename { name: &'static str },
    /// Entra: who is taken out, in a list or alone.
    RemoveMembers {
        ids: Vec<&'static str>,
        is_single: bool,
    },
    /// One member, in no list.
    AddMember { id: &'static str },
}

/// A resource, what an identity provider sends, and the resource that it means.
#[derive(Clone, Debug)]
pub(crate) struct Meant {
    pub(crate) resource: Value,
    pub(crate) patch: Value,
    pub(crate) wanted: Value,
}

const SETTING: &[&str] = &["Add", "Replace", "add", "replace"];
const IDS: &[&str] = &["u1", "u2", "u3"];
const EMAILS: &[&str] = &["new@example.com", "ann.new@example.org"];

/// One to three such operations, in a list or, if it is one, alone.
pub(crate) fn any_meant() -> impl Strategy<Value = Meant> {
    let on_user = (resource::user(), prop::collection::vec(on_user(), 1..=3));
    let on_group = (resource::group(), prop::collection::vec(on_group(), 1..=3));
    (
        prop_oneof![3 => on_user, 1 => on_group],
        prop::bool::weighted(0.2),
    )
        .prop_map(|((resource, operations), alone)| {
            let mut wanted = resource.clone();
            for operation in &operations {
                operation.take_effect(&mut wanted);
            }
            let mut list: Vec<Value> = operations.iter().map(Foreign::json).collect();
            let operations = match list.len() {
                1 if alone => list.remove(0),
                _ => list.into(),
            };
            Meant {
                resource,
                patch: json!({
                    "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                    "Operations": operations,
                }),
                wanted,
            }
        })
}

/// What a resource says, apart from its list of schemas: whether that names an extension once it has
/// values is the server's doing.
pub(crate) fn meaning(resource: &Value) -> Value {
    let mut meaning = super::meaning::of(resource);
    if let Some(members) = meaning.as_object_mut() {
        members.remove("schemas");
    }
    meaning
}

fn on_user() -> BoxedStrategy<Foreign> {
    let op = || any_of(SETTING);
    let types = || any_of(&["work", "home", "other"]);
    prop_oneof![
        (op(), any_of(&["True", "False", "true", "false"]))
            .prop_map(|(op, text)| Foreign::Active { op, text }),
        (op(), any_of(IDS), any::<bool>()).prop_map(|(op, id, by_key)| Foreign::Manager {
            op,
            id,
            by_key
        }),
        (op(), any_of(&["Engineer", "Guide"]))
            .prop_map(|(op, title)| Foreign::ListForSingle { op, title }),
        (op(), text_of(NAME)).prop_map(|(op, (sub, value))| Foreign::DottedKey { op, sub, value }),
        (op(), types(), any_of(EMAILS), any::<bool>()).prop_map(|(op, r#type, value, by_key)| {
            Foreign::Email {
                op,
                r#type,
                value,
                by_key,
            }
        }),
        (types(), text_of(ADDRESS)).prop_map(|(r#type, (sub, value))| Foreign::AddressPart {
            r#type,
            sub,
            value
        }),
        any_of(EMAILS).prop_map(|value| Foreign::SingleEmail { value }),
        any::<bool>().prop_map(|active| Foreign::OktaActive { active }),
    ]
    .boxed()
}

fn on_group() -> BoxedStrategy<Foreign> {
    prop_oneof![
        1 => any_of(&["web-team", "R&D"]).prop_map(|name| Foreign::OktaRename { name }),
        3 => (resource::members(), any::<bool>())
            .prop_map(|(ids, is_single)| Foreign::RemoveMembers { ids, is_single }),
        1 => any_of(IDS).prop_map(|id| Foreign::AddMember { id }),
    ]
    .boxed()
}

// === impl Foreign ===

impl Foreign {
    fn json(&self) -> Value {
        let at =
            |op: &str, path: String, value: Value| json!({"op": op, "path": path, "value": value});
        let keyed = |op: &str, key: String, value: Value| json!({"op": op, "value": {key: value}});
        match self {
            Self::Active { op, text } => at(op, "active".to_owned(), json!(text)),
            Self::Manager { op, id, by_key } => {
                let write = if *by_key { keyed } else { at };
                write(op, format!("{ENTERPRISE}:manager"), json!(id))
            }
            Self::ListForSingle { op, title } => at(op, "title".to_owned(), json!([title])),
            Self::DottedKey { op, sub, value } => keyed(op, format!("name.{sub}"), value.clone()),
            Self::Email {
                op,
                r#type,
                value,
                by_key,
            } => {
                let write = if *by_key { keyed } else { at };
                write(
                    op,
                    format!("emails[type eq \"{type}\"].value"),
                    json!(value),
                )
            }
            Self::AddressPart { r#type, sub, value } => at(
                "Add",
                format!("addresses[type eq \"{type}\"].{sub}"),
                value.clone(),
            ),
            Self::SingleEmail { value } => at(
                "Replace",
                "emails".to_owned(),
                json!({"value": value, "type": "work"}),
            ),
            Self::OktaActive { active } => json!({"op": "replace", "value": {"active": active}}),
            Self::OktaRename { name } => {
                json!({"op": "replace", "value": {"id": GROUP, "displayName": name}})
            }
            Self::RemoveMembers { ids, is_single } => {
                let value = match ids.as_slice() {
                    [id, ..] if *is_single => json!({"value": id}),
                    ids => resource::references(ids),
                };
                at("Remove", "members".to_owned(), value)
            }
            Self::AddMember { id } => at("Add", "members".to_owned(), json!({"value": id})),
        }
    }

    /// Does to the resource what is meant.
    fn take_effect(&self, resource: &mut Value) {
        match self {
            Self::Active { text, .. } => {
                resource["active"] = text.eq_ignore_ascii_case("true").into();
            }
            Self::Manager { id, .. } => {
                resource[ENTERPRISE]["manager"] = json!({"value": id});
            }
            Self::ListForSingle { title, .. } => resource["title"] = json!(title),
            Self::DottedKey { sub, value, .. } => resource["name"][*sub] = value.clone(),
            Self::Email { r#type, value, .. } => {
                set_in(resource, "emails", r#type, "value", &json!(value));
            }
            Self::AddressPart { r#type, sub, value } => {
                set_in(resource, "addresses", r#type, sub, value);
            }
            Self::SingleEmail { value } => {
                resource["emails"] = json!([{"value": value, "type": "work"}]);
            }
            Self::OktaActive { active } => resource["active"] = json!(active),
            Self::OktaRename { name } => resource["displayName"] = json!(name),
            Self::RemoveMembers { ids, is_single } => {
                let count = if *is_single { 1 } else { ids.len() };
                let gone = &ids[..count];
                if let Some(members) = resource["members"].as_array_mut() {
                    members.retain(|member| !gone.iter().any(|id| member["value"] == *id));
                }
            }
            Self::AddMember { id } => match resource["members"].as_array_mut() {
                Some(members) => members.push(json!({"value": id})),
                None => resource["members"] = json!([{"value": id}]),
            },
        }
    }
}

/// Sets a part of the values of a type, or adds one.
fn set_in(resource: &mut Value, name: &str, r#type: &str, sub: &str, value: &Value) {
    if !resource[name].is_array() {
        resource[name] = json!([]);
    }
    let Some(all) = resource[name].as_array_mut() else {
        return;
    };
    let mut found = false;
    for element in all.iter_mut().filter(|element| element["type"] == r#type) {
        element[sub] = value.clone();
        found = true;
    }
    if !found {
        all.push(json!({"type": r#type, sub: value}));
    }
}
