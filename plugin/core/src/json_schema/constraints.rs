//! The JSON Schemas of one resource type: one derived from its attribute table, and the account's
//! own. Compiled once.

use jsonschema::{ValidationError, Validator};
use serde_json::{Map, Value, json};

use super::explain::explain;
use super::fault::SchemaFault;
use super::patterns::Patterns;
use super::validator::{validator, validator_with};
use super::work::SchemaWork;
use crate::budget::Budget;
use crate::json::{Json, Member};
use crate::rules::{Refusal, scim};
use crate::scim::operation::{Operation, Verb};
use crate::scim::schema::{Attribute, Type};
use crate::scim::shape::Shape;

/// Maximum size of an account's schema in bytes of JSON text; a larger one is an attack.
const MAX_CUSTOM_BYTES: usize = 65_536;

/// The schemas that canonical messages are checked against.
pub(crate) struct Constraints {
    resource: Validator,
    custom: Option<Custom>,
}

/// An account's own schema, for whole resources and for the parts that a PATCH sets.
struct Custom {
    whole: Checked,
    partial: Checked,
}

/// A compiled schema with its cost.
struct Checked {
    schema: Value,
    work: SchemaWork,
    validator: Validator,
}

impl Constraints {
    /// Compiles the schemas of one resource type.
    ///
    /// # Errors
    /// Describes what is wrong with the account's own schema.
    pub(crate) fn compile(
        shape: &Shape,
        custom: Option<&Value>,
        patterns: &mut Patterns,
    ) -> Result<Self, SchemaFault> {
        Ok(Self {
            resource: validator(&resource_schema(shape)).map_err(SchemaFault::whole)?,
            custom: custom
                .map(|schema| Custom::compile(schema, patterns))
                .transpose()?,
        })
    }

    /// Checks a canonical resource.
    pub(crate) fn check_resource(&self, resource: &Json, budget: &Budget) -> Result<(), Refusal> {
        let instance = resource.to_serde();
        derived(&self.resource, &instance)?;
        match &self.custom {
            Some(custom) => custom.whole.check(&instance, budget),
            None => Ok(()),
        }
    }

    /// Checks the values that canonical operations set. Their types are already normalised.
    pub(crate) fn check_patch(
        &self,
        operations: &[Operation],
        budget: &Budget,
    ) -> Result<(), Refusal> {
        let Some(custom) = &self.custom else {
            return Ok(());
        };
        for operation in operations.iter().filter(|o| o.verb != Verb::Remove) {
            let instance = partial(operation).to_serde();
            custom.partial.check(&instance, budget)?;
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

/// Builds a resource with only what one operation sets.
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
    fn compile(schema: &Value, patterns: &mut Patterns) -> Result<Self, SchemaFault> {
        if schema.to_string().len() > MAX_CUSTOM_BYTES {
            return Err(SchemaFault::whole(format!(
                "the schema is larger than {MAX_CUSTOM_BYTES} bytes"
            )));
        }
        let mut partial = schema.clone();
        without_required(&mut partial);
        Ok(Self {
            whole: Checked::compile(schema.clone(), patterns)?,
            partial: Checked::compile(partial, patterns)?,
        })
    }
}

// === impl Checked ===

impl Checked {
    fn compile(schema: Value, patterns: &mut Patterns) -> Result<Self, SchemaFault> {
        let work = SchemaWork::of(&schema, patterns)?;
        let validator = validator_with(&schema, &patterns.compiled).map_err(SchemaFault::whole)?;
        Ok(Self {
            schema,
            work,
            validator,
        })
    }

    fn check(&self, instance: &Value, budget: &Budget) -> Result<(), Refusal> {
        self.work.count(instance, budget)?;
        let Some(error) = self.validator.iter_errors(instance).next() else {
            return Ok(());
        };
        let reason = described(&self.schema, error.schema_path().as_str())
            .unwrap_or_else(|| explain(&error));
        Err(scim::SCHEMA_CUSTOM.because(format!("{}: {reason}", place(&error))))
    }
}

/// Removes keywords that require attributes, since a PATCH sets only some.
fn without_required(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            // If one of these is an object, it is a property of that name.
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

/// Returns the description or title of the failing subschema, or of the nearest enclosing one.
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

/// Builds the schema of a canonical resource from its attribute table.
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
