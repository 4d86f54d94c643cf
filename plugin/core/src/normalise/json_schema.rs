//! The JSON Schemas of one resource type: the shape that follows from its attribute table, the
//! envelope of a PATCH, and what an account asks for itself. Compiled once.

use jsonschema::{ValidationError, Validator};
use serde_json::{Map, Value, json};

use super::patch::{Operation, Verb};
use super::work::{self, TooMuch, Work};
use crate::json::{Json, Member};
use crate::policy::check::{explain, validator};
use crate::refusal::Refusal;
use crate::rules::{face, scim};
use crate::scim::PATCH_URN;
use crate::scim::schema::{Attribute, Type};
use crate::scim::shape::Shape;

/// Larger schemas are not an account's constraint but an attack (bytes of JSON text).
const MAX_CUSTOM_BYTES: usize = 65_536;

/// What canonical messages are checked against.
pub(crate) struct Constraints {
    resource: Validator,
    patch: Validator,
    custom: Option<Custom>,
}

/// An account's own schema: for whole resources, and for the parts that a PATCH sets.
struct Custom {
    whole: (Value, Validator),
    partial: (Value, Validator),
}

impl Constraints {
    /// Compiles the schemas of one resource type.
    ///
    /// # Errors
    /// What is wrong with the account's own schema.
    pub(crate) fn compile(shape: &Shape, custom: Option<&Value>) -> Result<Self, String> {
        Ok(Self {
            resource: validator(&resource_schema(shape))?,
            patch: validator(&patch_schema())?,
            custom: custom.map(Custom::compile).transpose()?,
        })
    }

    /// Checks a canonical resource.
    pub(crate) fn check_resource(&self, resource: &Json) -> Result<(), Refusal> {
        let instance = resource.to_serde();
        derived(&self.resource, &instance)?;
        match &self.custom {
            Some(custom) => custom.check(&custom.whole, &instance, &mut Work::of_a_request()),
            None => Ok(()),
        }
    }

    /// Checks canonical operations: the message itself, and what they set.
    pub(crate) fn check_patch(
        &self,
        message: &Json,
        operations: &[Operation],
    ) -> Result<(), Refusal> {
        derived(&self.patch, &message.to_serde())?;
        let Some(custom) = &self.custom else {
            return Ok(());
        };
        let mut work = Work::of_a_request();
        for operation in operations.iter().filter(|o| o.verb != Verb::Remove) {
            custom.check(&custom.partial, &partial(operation).to_serde(), &mut work)?;
        }
        Ok(())
    }
}

fn derived(validator: &Validator, instance: &Value) -> Result<(), Refusal> {
    match validator.iter_errors(instance).next() {
        None => Ok(()),
        Some(error) => Err(scim::SCHEMA_INVALID_TYPE.because(format!(
            "{}: {}.",
            place(&error),
            explain(&error)
        ))),
    }
}

fn place(error: &ValidationError<'_>) -> String {
    match error.instance_path().to_string() {
        path if path.is_empty() => "The message".to_owned(),
        path => path,
    }
}

/// The resource that has just what one operation sets.
fn partial(operation: &Operation) -> Json {
    let value = operation.value.clone().unwrap_or(Json::Null);
    let value = match &operation.sub {
        Some(sub) => Json::Object(vec![Member::new(sub, value)]),
        None => value,
    };
    let value = match operation.filter {
        Some(_) => Json::Array(vec![value]),
        None => value,
    };
    let set = |name: &str, value| Json::Object(vec![Member::new(name, value)]);
    match operation.attribute.rsplit_once(':') {
        Some((urn, name)) => set(urn, set(name, value)),
        None => set(&operation.attribute, value),
    }
}

// === impl Custom ===

impl Custom {
    fn compile(schema: &Value) -> Result<Self, String> {
        if schema.to_string().len() > MAX_CUSTOM_BYTES {
            return Err(format!(
                "the schema is larger than {MAX_CUSTOM_BYTES} bytes"
            ));
        }
        work::countable(schema)?;
        let mut partial = schema.clone();
        without_required(&mut partial);
        let compiled = |schema: Value| validator(&schema).map(|compiled| (schema, compiled));
        Ok(Self {
            whole: compiled(schema.clone())?,
            partial: compiled(partial)?,
        })
    }

    fn check(
        &self,
        (schema, validator): &(Value, Validator),
        instance: &Value,
        work: &mut Work,
    ) -> Result<(), Refusal> {
        work.count(schema, instance).map_err(|TooMuch| {
            face::PLUGIN_TIMEOUT.because(
                "The account's own schema takes too long for this request. Send less at once, or simplify the schema.",
            )
        })?;
        let Some(error) = validator.iter_errors(instance).next() else {
            return Ok(());
        };
        let reason =
            described(schema, error.schema_path().as_str()).unwrap_or_else(|| explain(&error));
        Err(scim::SCHEMA_CUSTOM.because(format!("{}: {reason}", place(&error))))
    }
}

/// Takes out what asks for attributes to be there: a PATCH sets some, not all.
fn without_required(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            // Where one of these is an object it is a property of that name.
            for keyword in ["required", "minProperties"] {
                if members.get(keyword).is_some_and(|value| !value.is_object()) {
                    members.remove(keyword);
                }
            }
            members.values_mut().for_each(without_required);
        }
        Value::Array(elements) => elements.iter_mut().for_each(without_required),
        _ => {}
    }
}

/// The description or title of the failing subschema, else of the nearest one around it.
fn described(schema: &Value, keyword_path: &str) -> Option<String> {
    let mut path = keyword_path;
    loop {
        let at = schema.pointer(path);
        for annotation in ["description", "title"] {
            if let Some(text) = at.and_then(|at| at.get(annotation)).and_then(Value::as_str) {
                return Some(text.to_owned());
            }
        }
        path = path.rsplit_once('/')?.0;
    }
}

/// RFC 7644 §3.5.2, as far as JSON Schema can say it.
fn patch_schema() -> Value {
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["schemas", "Operations"],
        "properties": {
            "schemas": {"const": [PATCH_URN]},
            "Operations": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "additionalProperties": false,
                    "required": ["op"],
                    "properties": {
                        "op": {"enum": ["add", "remove", "replace"]},
                        "path": {"type": "string"},
                        "value": {},
                    },
                },
            },
        },
    })
}

/// The shape of a canonical resource, from its attribute table.
fn resource_schema(shape: &Shape) -> Value {
    let mut properties = Map::new();
    properties.insert(
        "schemas".to_owned(),
        json!({"type": "array", "minItems": 1, "items": {"type": "string"}}),
    );
    for attribute in shape.attributes() {
        properties.insert(attribute.name.clone(), attribute_schema(attribute));
    }
    for extension in &shape.resource.extensions {
        let inner: Map<String, Value> = extension
            .attributes
            .iter()
            .map(|attribute| (attribute.name.clone(), attribute_schema(attribute)))
            .collect();
        properties.insert(
            extension.id.clone(),
            json!({"type": "object", "additionalProperties": false, "properties": inner}),
        );
    }
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["schemas"],
        "properties": properties,
    })
}

fn attribute_schema(attribute: &Attribute) -> Value {
    let one = match attribute.r#type {
        Type::Boolean => json!({"type": "boolean"}),
        Type::Decimal => json!({"type": "number"}),
        Type::Integer => json!({"type": "integer"}),
        Type::String | Type::DateTime | Type::Binary | Type::Reference => json!({"type": "string"}),
        Type::Complex => {
            let inner: Map<String, Value> = attribute
                .sub_attributes
                .iter()
                .map(|sub| (sub.name.clone(), attribute_schema(sub)))
                .collect();
            json!({"type": "object", "additionalProperties": false, "properties": inner})
        }
    };
    if attribute.multi_valued {
        json!({"type": "array", "minItems": 1, "items": one})
    } else {
        one
    }
}
