//! Describes faults of a JSON document in plain words: where, and what was expected. Never dumps
//! the schema.

use jsonschema::ValidationError;
use jsonschema::error::{TypeKind, ValidationErrorKind};
use serde_json::Value;

use crate::nearest::meant;

/// Describes what is wrong, without the value itself.
pub(crate) fn explain(error: &ValidationError<'_>) -> String {
    explain_with(error, &Value::Null)
}

/// Like [`explain`], but uses the schema's own `patternErrorMessage` next to a `pattern`, if any;
/// editors show it too.
pub(crate) fn explain_with(error: &ValidationError<'_>, schema: &Value) -> String {
    use ValidationErrorKind as Kind;
    match error.kind() {
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            match unexpected.as_slice() {
                [one] => format!("unknown field {one:?}"),
                several => format!("unknown fields {}", quoted(several)),
            }
        }
        Kind::PropertyNames { error } => {
            format!(
                "a field name is not allowed here: {}",
                explain_with(error, schema)
            )
        }
        Kind::Required { property } => format!("the field {property} is missing"),
        Kind::Type { kind } => format!("expected {}", expected_type(kind)),
        Kind::Enum { options } => format!("expected one of {}", listed(options)),
        Kind::Constant { expected_value } => format!("expected {expected_value}"),
        Kind::Pattern { pattern } => match beside(error, schema, "patternErrorMessage") {
            Some(Value::String(words)) => words.clone(),
            _ => format!("expected text that matches {pattern}"),
        },
        Kind::Minimum { limit } => format!("expected at least {limit}"),
        Kind::Maximum { limit } => format!("expected at most {limit}"),
        Kind::MinLength { limit: 1 } => "must not be empty".to_owned(),
        Kind::MinLength { limit } => format!("expected at least {limit} characters"),
        Kind::MaxLength { limit } => format!("expected at most {}", count(*limit, "character")),
        Kind::MinItems { limit } => format!("expected at least {}", count(*limit, "element")),
        Kind::MaxItems { limit } => format!("expected at most {}", count(*limit, "element")),
        Kind::MinProperties { limit } => format!("expected at least {}", count(*limit, "field")),
        Kind::MaxProperties { limit } => format!("expected at most {}", count(*limit, "field")),
        Kind::Format { format } => format!("expected text in the format {format}"),
        Kind::UniqueItems => "the list contains a duplicate element".to_owned(),
        Kind::FalseSchema => "no value is allowed here".to_owned(),
        Kind::OneOfNotValid { context } | Kind::AnyOf { context } => {
            let ways: Vec<&ValidationError<'_>> =
                context.iter().filter_map(|errors| errors.first()).collect();
            // If some alternative fits the value's type, the author did not mean alternatives for
            // other types.
            let of_this_type: Vec<_> = ways
                .iter()
                .filter(|way| !matches!(way.kind(), Kind::Type { .. }))
                .collect();
            let meant: Vec<String> = match of_this_type.is_empty() {
                true => ways.iter().map(|way| explain_with(way, schema)).collect(),
                false => of_this_type
                    .iter()
                    .map(|way| explain_with(way, schema))
                    .collect(),
            };
            meant.join(", or ")
        }
        Kind::Not { schema } if schema.get("const").is_some() => {
            format!("must not be {}", schema["const"])
        }
        kind => format!("does not satisfy `{}`", kind.keyword()),
    }
}

/// Returns the value of a keyword next to the one that failed.
fn beside<'a>(error: &ValidationError<'_>, schema: &'a Value, keyword: &str) -> Option<&'a Value> {
    let (around, _) = error.schema_path().as_str().rsplit_once('/')?;
    schema.pointer(around)?.get(keyword)
}

/// Describes why a text is not JSON or not of the expected form, after its place.
#[must_use]
pub fn syntax_fault(error: &serde_json::Error) -> String {
    let (line, column) = (error.line(), error.column());
    let whole = error.to_string();
    let place = format!(" at line {line} column {column}");
    let (place, reason) = match whole.strip_suffix(&place) {
        Some(reason) => (format!("line {line}, column {column}: "), reason),
        None => (String::new(), whole.as_str()),
    };
    match meant(reason) {
        Some(name) => format!("{place}{reason}; did you mean `{name}`?"),
        None => format!("{place}{reason}"),
    }
}

fn count(number: u64, what: &str) -> String {
    match number {
        1 => format!("1 {what}"),
        number => format!("{number} {what}s"),
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
