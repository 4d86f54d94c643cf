//! Faults of a JSON document in our own words: where, and what was expected. Never a dump of the
//! schema.

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{PatternCache, PatternOptions, ValidationError, Validator};
use serde_json::Value;

use crate::normalise::patterns::MAX_COMPILED_BYTES;

/// Compiles a schema. Patterns run in linear time, references stay inside the document.
pub(crate) fn validator(schema: &Value) -> Result<Validator, String> {
    validator_with(schema, &PatternCache::default())
}

/// The same with patterns that are compiled already.
pub(crate) fn validator_with(schema: &Value, patterns: &PatternCache) -> Result<Validator, String> {
    jsonschema::options()
        // With a limit every pattern runs on this engine, whose work is counted.
        .with_pattern_options(PatternOptions::regex().size_limit(MAX_COMPILED_BYTES))
        .with_pattern_cache(patterns.clone())
        .offline()
        .build(schema)
        .map_err(|error| error.to_string())
}

/// What is wrong, without the value itself.
pub(crate) fn explain(error: &ValidationError<'_>) -> String {
    use ValidationErrorKind as Kind;
    match error.kind() {
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            match unexpected.as_slice() {
                [one] => format!("unknown field {one:?}"),
                several => format!("unknown fields {}", quoted(several)),
            }
        }
        Kind::PropertyNames { error } => format!("a name is not possible here: {}", explain(error)),
        Kind::Required { property } => format!("the field {property} is missing"),
        Kind::Type { kind } => format!("expected {}", expected_type(kind)),
        Kind::Enum { options } => format!("expected one of {}", listed(options)),
        Kind::Constant { expected_value } => format!("expected {expected_value}"),
        Kind::Pattern { pattern } => format!("expected text that matches {pattern}"),
        Kind::Minimum { limit } => format!("expected at least {limit}"),
        Kind::Maximum { limit } => format!("expected at most {limit}"),
        Kind::MinLength { limit } => format!("expected at least {limit} characters"),
        Kind::MaxLength { limit } => format!("expected at most {limit} characters"),
        Kind::MinItems { limit } => format!("expected at least {limit} elements"),
        Kind::MaxItems { limit } => format!("expected at most {limit} elements"),
        Kind::MinProperties { limit } => format!("expected at least {limit} fields"),
        Kind::MaxProperties { limit } => format!("expected at most {limit} fields"),
        Kind::Format { format } => format!("expected text in the format {format}"),
        Kind::UniqueItems => "an element is there twice".to_owned(),
        Kind::FalseSchema => "nothing may stand here".to_owned(),
        Kind::OneOfNotValid { context } | Kind::AnyOf { context } => {
            let ways: Vec<String> = context
                .iter()
                .filter_map(|errors| errors.first())
                .map(explain)
                .collect();
            ways.join(", or ")
        }
        kind => format!("does not satisfy `{}`", kind.keyword()),
    }
}

fn expected_type(kind: &TypeKind) -> String {
    match kind {
        TypeKind::Single(one) => format!("type {one}"),
        TypeKind::Multiple(several) => {
            let names: Vec<String> = several.iter().map(|one| one.to_string()).collect();
            format!("type {}", names.join(" or "))
        }
    }
}

fn listed(options: &Value) -> String {
    match options {
        Value::Array(options) => options
            .iter()
            .map(Value::to_string)
            .collect::<Vec<_>>()
            .join(", "),
        other => other.to_string(),
    }
}

fn quoted(names: &[String]) -> String {
    names
        .iter()
        .map(|name| format!("{name:?}"))
        .collect::<Vec<_>>()
        .join(", ")
}
