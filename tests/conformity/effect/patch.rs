//! PATCH requests as identity providers send them (RFC 7644 §3.5.2, and what Okta and Entra make of
//! it), each with the forms that it shows.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::form::Form;
use super::resource::{self, CORE_GROUP, CORE_USER, any_of};
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
    CoreUrn,
    CanonicalCase,
}

/// A user or a group, and a PATCH of it.
pub(crate) fn any_case() -> impl Strategy<Value = Case> {
    let user = (
        resource::user(),
        patch_of(user_operation::operation(), CORE_USER),
    );
    let group = (
        resource::group(),
        patch_of(group_operation::operation(), CORE_GROUP),
    );
    prop_oneof![3 => user.boxed(), 1 => group.boxed()].prop_map(|(resource, operations)| Case {
        resource,
        forms: operations.iter().flat_map(|o| o.forms.clone()).collect(),
        patch: json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": operations.iter().map(Operation::json).collect::<Value>(),
        }),
    })
}

fn patch_of(
    operation: BoxedStrategy<Operation>,
    core: &'static str,
) -> impl Strategy<Value = Vec<Operation>> {
    let spelling = prop_oneof![
        12 => Just(Spelling::AsIs),
        2 => Just(Spelling::CapitalOp),
        1 => Just(Spelling::UpperOp),
        1 => Just(Spelling::NameCase),
        2 => Just(Spelling::CoreUrn),
        1 => Just(Spelling::CanonicalCase),
    ];
    let spelt = (operation, spelling)
        .prop_map(move |(operation, spelling)| operation.spelt(spelling, core))
        .boxed();
    prop_oneof![
        3 => prop::collection::vec(spelt.clone(), 1..=1),
        1 => prop::collection::vec(spelt, 2..=4),
    ]
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
            Spelling::CoreUrn => {
                if let Some(path) = self.path.as_mut().filter(|path| is_core(path)) {
                    path.insert_str(0, &format!("{core}:"));
                    self.forms.push(Form::CoreUrn);
                }
            }
            Spelling::CanonicalCase => {
                let before = self.json();
                if let Some(path) = &mut self.path {
                    *path = path.replace("\"work\"", "\"Work\"");
                }
                if let Some(value) = &mut self.value {
                    let written = value.to_string().replace("\"work\"", "\"Work\"");
                    *value = serde_json::from_str(&written).expect("only a string has changed");
                }
                if self.json() != before {
                    self.forms.push(Form::CanonicalCase);
                }
            }
        }
        self
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
