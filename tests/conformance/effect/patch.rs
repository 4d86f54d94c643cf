//! PATCH requests as identity providers send them (RFC 7644 §3.5.2, and what Okta and Entra make of
//! it), each with the forms that it shows.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::form::Form;
use super::resource::{self, CORE_GROUP, CORE_USER, ENTERPRISE, any_of};
use super::{group_operation, user_operation};

/// One operation.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    pub(crate) op: &'static str,
    pub(crate) path: Option<String>,
    pub(crate) value: Option<Value>,
    pub(crate) forms: Vec<Form>,
}

/// A resource, and a PATCH of it.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) resource: Value,
    pub(crate) patch: Value,
    pub(crate) forms: BTreeSet<Form>,
}

/// How an operation is spelt.
#[derive(Clone, Copy, Debug)]
enum Spelling {
    AsIs,
    CapitalOp,
    UpperOp,
    NameCase,
    ValueNameCase,
    UrnCase,
    CoreUrn,
    CanonicalCase,
    FilterBlanks,
}

/// How the message around the operations is spelt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Envelope {
    AsIs,
    OtherCase,
    SingleOperation,
}

/// A user or a group, and a PATCH of it.
pub(crate) fn any_case() -> impl Strategy<Value = Case> {
    let user = spelt(user_operation::operation(), CORE_USER);
    let group = spelt(group_operation::operation(), CORE_GROUP);
    let on_user = prop_oneof![
        12 => some(user),
        1 => user_operation::in_parts(),
    ];
    let envelope = prop_oneof![
        30 => Just(Envelope::AsIs),
        1 => Just(Envelope::OtherCase),
        1 => Just(Envelope::SingleOperation),
    ];
    let patched = prop_oneof![
        3 => (resource::user(), on_user),
        1 => (resource::group(), some(group)),
    ];
    (patched, envelope)
        .prop_map(|((resource, operations), envelope)| case(resource, &operations, envelope))
}

fn spelt(operation: BoxedStrategy<Operation>, core: &'static str) -> BoxedStrategy<Operation> {
    let spelling = prop_oneof![
        12 => Just(Spelling::AsIs),
        2 => Just(Spelling::CapitalOp),
        1 => Just(Spelling::UpperOp),
        1 => Just(Spelling::NameCase),
        1 => Just(Spelling::ValueNameCase),
        1 => Just(Spelling::UrnCase),
        1 => Just(Spelling::FilterBlanks),
        2 => Just(Spelling::CoreUrn),
        1 => Just(Spelling::CanonicalCase),
    ];
    (operation, spelling)
        .prop_map(move |(operation, spelling)| operation.spelt(spelling, core))
        .boxed()
}

/// Mostly one, for what one alone does.
fn some(operation: BoxedStrategy<Operation>) -> BoxedStrategy<Vec<Operation>> {
    prop_oneof![
        3 => prop::collection::vec(operation.clone(), 1..=1),
        1 => prop::collection::vec(operation, 2..=4),
    ]
    .boxed()
}

fn case(resource: Value, operations: &[Operation], envelope: Envelope) -> Case {
    let mut forms: BTreeSet<Form> = operations.iter().flat_map(|o| o.forms.clone()).collect();
    let mut list: Vec<Value> = operations.iter().map(Operation::json).collect();
    let schemas = json!(["urn:ietf:params:scim:api:messages:2.0:PatchOp"]);
    let patch = match envelope {
        Envelope::OtherCase => {
            forms.insert(Form::EnvelopeCase);
            for operation in &mut list {
                if let Some(members) = operation.as_object_mut() {
                    for (name, value) in std::mem::take(members) {
                        members.insert(name.to_ascii_uppercase(), value);
                    }
                }
            }
            json!({"schemas": schemas, "operations": list})
        }
        Envelope::SingleOperation if list.len() == 1 => {
            forms.insert(Form::SingleOperation);
            json!({"schemas": schemas, "Operations": list[0]})
        }
        Envelope::AsIs | Envelope::SingleOperation => {
            json!({"schemas": schemas, "Operations": list})
        }
    };
    Case {
        resource,
        patch,
        forms,
    }
}

// === impl Operation ===

impl Operation {
    /// An operation at a path.
    pub(crate) fn at(
        op: &'static str,
        path: impl Into<String>,
        value: Option<Value>,
        forms: impl Into<Vec<Form>>,
    ) -> Self {
        Self {
            op,
            path: Some(path.into()),
            value,
            forms: forms.into(),
        }
    }

    /// An operation whose value says what it is for.
    pub(crate) fn pathless(op: &'static str, value: Map<String, Value>, forms: Vec<Form>) -> Self {
        Self {
            op,
            path: None,
            value: Some(Value::Object(value)),
            forms,
        }
    }

    fn json(&self) -> Value {
        let mut json = json!({"op": self.op});
        if let Some(path) = &self.path {
            json["path"] = path.as_str().into();
        }
        if let Some(value) = &self.value {
            json["value"] = value.clone();
        }
        json
    }

    /// Writes path and value otherwise.
    fn respell(&mut self, form: Form, write: impl Fn(&str) -> String) {
        let before = self.json();
        self.path = self.path.as_deref().map(&write);
        if let Some(value) = &mut self.value {
            let written = write(&value.to_string());
            *value = serde_json::from_str(&written).expect("only what is in strings has changed");
        }
        if self.json() != before {
            self.forms.push(form);
        }
    }

    fn spelt(mut self, spelling: Spelling, core: &str) -> Self {
        let is_core = |path: &str| !path.starts_with("urn:");
        match spelling {
            Spelling::AsIs => {}
            Spelling::CapitalOp => {
                self.op = capital(self.op);
                self.forms.push(Form::CapitalOp);
            }
            Spelling::UpperOp => {
                self.op = upper(self.op);
                self.forms.push(Form::UpperOp);
            }
            Spelling::NameCase => {
                if let Some(path) = self.path.as_mut().filter(|path| is_core(path)) {
                    let end = path.find('[').unwrap_or(path.len());
                    path[..end].make_ascii_uppercase();
                    self.forms.push(Form::NameCase);
                }
            }
            Spelling::ValueNameCase => {
                let before = self.value.clone();
                if let Some(value) = &mut self.value {
                    capitalise_names(value);
                }
                if self.value != before {
                    self.forms.push(Form::ValueNameCase);
                }
            }
            Spelling::UrnCase => self.respell(Form::UrnCase, |text| {
                text.replace(ENTERPRISE, &ENTERPRISE.to_ascii_uppercase())
            }),
            Spelling::FilterBlanks => {
                if let Some(path) = self.path.as_mut().filter(|path| path.contains('[')) {
                    *path = path.replacen('[', "[ ", 1);
                    if let Some(end) = path.rfind(']') {
                        path.insert(end, ' ');
                    }
                    self.forms.push(Form::FilterBlanks);
                }
            }
            Spelling::CoreUrn => {
                if let Some(path) = self.path.as_mut().filter(|path| is_core(path)) {
                    path.insert_str(0, &format!("{core}:"));
                    self.forms.push(Form::CoreUrn);
                }
            }
            Spelling::CanonicalCase => self.respell(Form::CanonicalCase, |text| {
                text.replace("\"work\"", "\"Work\"")
                    .replace("\"home\"", "\"HOME\"")
                    .replace("\"other\"", "\"Other\"")
            }),
        }
        self
    }
}

/// Writes the names in a value with a capital; paths in the place of names stay.
fn capitalise_names(value: &mut Value) {
    match value {
        Value::Array(elements) => elements.iter_mut().for_each(capitalise_names),
        Value::Object(members) => {
            for (mut name, mut value) in std::mem::take(members) {
                capitalise_names(&mut value);
                if !name.contains([':', '.', '[']) {
                    name[..1].make_ascii_uppercase();
                }
                members.insert(name, value);
            }
        }
        _ => {}
    }
}

fn capital(op: &str) -> &'static str {
    match op {
        "add" => "Add",
        "remove" => "Remove",
        _ => "Replace",
    }
}

fn upper(op: &str) -> &'static str {
    match op {
        "add" => "ADD",
        "remove" => "REMOVE",
        _ => "REPLACE",
    }
}

/// `add` or `replace`.
pub(crate) fn setting() -> impl Strategy<Value = &'static str> + Clone {
    any_of(&["add", "replace"])
}

/// One of two forms, by what the operation does.
pub(crate) fn by_op(op: &str, add: Form, replace: Form) -> Form {
    if op == "add" { add } else { replace }
}

/// A key of a value without a path.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) key: String,
    pub(crate) value: Value,
    pub(crate) forms: Vec<Form>,
    /// What two keys may not both be about.
    pub(crate) about: &'static str,
}

/// An operation without a path, from the keys of its value.
pub(crate) fn from_keys(op: &'static str, keys: Vec<Key>) -> Operation {
    let mut value = Map::new();
    let mut forms = vec![Form::Pathless];
    let mut seen = BTreeSet::new();
    for key in keys {
        if seen.insert(key.about) {
            value.insert(key.key, key.value);
            forms.extend(key.forms.into_iter().map(|form| match form {
                Form::PathlessAddValues => {
                    by_op(op, Form::PathlessAddValues, Form::PathlessReplaceValues)
                }
                form => form,
            }));
        }
    }
    Operation::pathless(op, value, forms)
}
