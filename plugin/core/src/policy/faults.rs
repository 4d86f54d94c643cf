//! Describes the faults of a policy document, each with its place and the name that was probably
//! meant.

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind;
use serde_json::Value;

use crate::ConfigError;
use crate::json_schema::{explain_with, validator};
use crate::nearest::nearest;

/// The JSON Schema of policy documents.
pub(crate) const SCHEMA: &str = include_str!("schema.json");

/// Returns every fault that the document's schema finds.
pub(super) fn check(given: &Value) -> Result<(), Vec<ConfigError>> {
    let schema: Value =
        serde_json::from_str(SCHEMA).map_err(|error| fault("", error.to_string()))?;
    let validator = validator(&schema).map_err(|error| fault("", error))?;
    let errors: Vec<ConfigError> = validator
        .iter_errors(given)
        .flat_map(|error| faults_of(&error, &schema))
        .collect();
    if errors.is_empty() {
        Ok(())
    } else {
        Err(errors)
    }
}

/// Describes one fault.
pub(super) fn fault(pointer: &str, message: String) -> Vec<ConfigError> {
    vec![ConfigError {
        pointer: pointer.to_owned(),
        message,
    }]
}

/// RFC 6901 §3.
pub(super) fn pointer_token(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Reports an unknown field at its own place, not at that of the enclosing object.
fn faults_of(error: &ValidationError<'_>, schema: &Value) -> Vec<ConfigError> {
    use ValidationErrorKind as Kind;
    let place = error.instance_path().to_string();
    let below = |name: &str| format!("{place}/{}", pointer_token(name));
    match error.kind() {
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            let around = error.schema_path().as_str().rsplit_once('/');
            let around = around.and_then(|(around, _)| schema.pointer(around));
            let known = around.map(|it| fields(it, schema)).unwrap_or_default();
            unexpected
                .iter()
                .map(|name| ConfigError {
                    pointer: below(name),
                    message: unknown(name, &known, schema),
                })
                .collect()
        }
        Kind::PropertyNames { error } => {
            let name = error.instance().as_str().unwrap_or_default();
            fault(
                &below(name),
                format!("the name {}", explain_with(error, schema)),
            )
        }
        Kind::Enum { options } => {
            let options = options.as_array().into_iter().flatten();
            let given = error.instance();
            let given = given.as_str().unwrap_or_default();
            let meant = nearest(given, options.filter_map(Value::as_str));
            let expected = explain_with(error, schema);
            fault(
                &place,
                with_meant(expected, meant.map(|it| format!("{it:?}"))),
            )
        }
        _ => fault(&place, explain_with(error, schema)),
    }
}

/// Suggests what an unknown field was meant to be: a similar field of this object, or one that
/// belongs elsewhere.
fn unknown(name: &str, known: &[&str], schema: &Value) -> String {
    let own = nearest(name, known.iter().copied()).map(|it| format!("{it:?}"));
    let meant = own.or_else(|| Some(format!("`{}`", elsewhere(name, schema)?)));
    with_meant(format!("unknown field {name:?}"), meant)
}

fn with_meant(message: String, meant: Option<String>) -> String {
    match meant {
        Some(meant) => format!("{message}; did you mean {meant}?"),
        None => message,
    }
}

/// Finds where a field of this name belongs: at the top of the document or in an object there.
fn elsewhere(name: &str, schema: &Value) -> Option<String> {
    let top = schema.get("properties")?.as_object()?;
    if top.contains_key(name) {
        return Some(format!("/{name}"));
    }
    top.iter()
        .find(|(_, below)| fields(below, schema).contains(&name))
        .map(|(object, _)| format!("/{object}/{name}"))
}

/// Returns the fields that a schema defines for an object, including those of referenced schemas.
fn fields<'a>(of: &'a Value, schema: &'a Value) -> Vec<&'a str> {
    let own = of.get("properties").and_then(Value::as_object);
    let mut names: Vec<&str> = own
        .into_iter()
        .flatten()
        .map(|(name, _)| name.as_str())
        .collect();
    let referred = of.get("$ref").and_then(Value::as_str);
    let referred = referred.and_then(|it| schema.pointer(it.strip_prefix('#')?));
    if let Some(referred) = referred {
        names.extend(fields(referred, schema));
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A message never shows a regular expression.
    #[test]
    fn every_pattern_of_the_schema_has_a_message() {
        fn look(value: &Value, place: &str) {
            match value {
                Value::Object(members) => {
                    if members.get("pattern").is_some_and(Value::is_string) {
                        let words = members.get("patternErrorMessage").and_then(Value::as_str);
                        assert!(words.is_some_and(|it| it.starts_with("m")), "{place}");
                    }
                    for (name, member) in members {
                        look(member, &format!("{place}/{name}"));
                    }
                }
                Value::Array(elements) => elements.iter().for_each(|it| look(it, place)),
                _ => {}
            }
        }
        look(&serde_json::from_str(SCHEMA).unwrap(), "");
    }
}
