//! The BulkRequest message (RFC 7644 §3.7). A message that is invalid as a whole is refused before
//! any operation.

use super::{Operation, references};
use crate::json::Json;
use crate::normalise::member;
use crate::rules::{Refusal, scim};
use crate::scim::BULK_REQUEST_URN;

/// The contents of a BulkRequest.
pub(super) struct Envelope {
    pub(super) fail_on_errors: Option<usize>,
    pub(super) operations: Vec<Operation>,
}

/// Reads the message.
pub(super) fn read(body: Json, most: usize) -> Result<Envelope, Refusal> {
    let Json::Object(members) = body else {
        return Err(scim::SCHEMA_INVALID_TYPE
            .because(format!("The body must be an object, not {}.", body.kind())));
    };
    let mut urns = Json::Null;
    let mut operations = Json::Null;
    let mut fail_on_errors = Json::Null;
    for given in members {
        match given.name.to_ascii_lowercase().as_str() {
            "schemas" => urns = given.value,
            "operations" => operations = given.value,
            "failonerrors" => fail_on_errors = given.value,
            _ => {
                return Err(scim::BULK_INVALID.because(format!(
                    "{} is not part of a Bulk request. Send schemas, Operations and failOnErrors.",
                    given.name
                )));
            }
        }
    }
    crate::normalise::message_schemas(&urns, BULK_REQUEST_URN, "a Bulk request")?;
    let fail_on_errors = errors_accepted(&fail_on_errors)?;
    let operations = match operations {
        Json::Array(operations) if !operations.is_empty() => operations,
        Json::Null | Json::Array(_) => {
            return Err(scim::BULK_INVALID
                .because("Operations is missing or empty. Send at least one operation."));
        }
        other => {
            return Err(scim::BULK_INVALID
                .because(format!("Operations must be a list, not {}.", other.kind())));
        }
    };
    if operations.len() > most {
        return Err(scim::BULK_TOO_MANY.because(format!(
            "The Bulk request has {} operations; at most {most} are possible in one request.",
            operations.len()
        )));
    }
    let operations = operations
        .into_iter()
        .enumerate()
        .map(|(index, given)| operation(given, &format!("Operations[{index}]")))
        .collect::<Result<_, _>>()?;
    Ok(Envelope {
        fail_on_errors,
        operations,
    })
}

fn errors_accepted(given: &Json) -> Result<Option<usize>, Refusal> {
    match given {
        Json::Null => Ok(None),
        Json::Number(text) => {
            match text.parse::<usize>() {
                Ok(number) if number > 0 => Ok(Some(number)),
                _ => Err(scim::BULK_INVALID
                    .because(format!("failOnErrors must be at least 1, not {text}."))),
            }
        }
        other => Err(scim::BULK_INVALID.because(format!(
            "failOnErrors must be a whole number, not {}.",
            other.kind()
        ))),
    }
}

fn operation(given: Json, place: &str) -> Result<Operation, Refusal> {
    let invalid = |why: String| scim::BULK_INVALID.because(format!("{place}{why}"));
    if !matches!(given, Json::Object(_)) {
        return Err(invalid(format!(
            " must be an object, not {}.",
            given.kind()
        )));
    }
    let text = |name: &str| match member(&given, name) {
        None | Some(Json::Null) => Ok(None),
        Some(Json::String(text)) => Ok(Some(text.clone())),
        Some(other) => Err(invalid(format!(
            ".{name} must be a string, not {}.",
            other.kind()
        ))),
    };
    let method = text("method")?.unwrap_or_default();
    if !matches!(method.as_str(), "POST" | "PUT" | "PATCH" | "DELETE") {
        return Err(invalid(format!(
            ".method must be one of POST, PUT, PATCH and DELETE, not {method:?}."
        )));
    }
    let path = text("path")?.unwrap_or_default();
    check_path(&path, method == "POST").map_err(|expected| {
        invalid(format!(".path: a {method} needs {expected}, not {path:?}."))
    })?;
    let bulk_id = text("bulkId")?.filter(|id| !id.is_empty());
    if method == "POST" && bulk_id.is_none() {
        return Err(invalid(" has no bulkId. A POST needs one.".to_owned()));
    }
    let version = text("version")?;
    if version
        .as_ref()
        .is_some_and(|v| v.chars().any(char::is_control))
    {
        return Err(invalid(".version contains a control character.".to_owned()));
    }
    let data = match member(&given, "data") {
        _ if method == "DELETE" => None,
        None | Some(Json::Null) => {
            return Err(invalid(format!(" has no data. A {method} needs data.")));
        }
        Some(data) => Some(data),
    };
    Ok(Operation {
        refers_to: references::named(&path, data),
        data: data.map(Json::to_string),
        method,
        path,
        bulk_id,
        version,
        answered: None,
    })
}

/// Exactly `/Type` for a POST, `/Type/id` for anything else.
fn check_path(path: &str, is_collection: bool) -> Result<(), &'static str> {
    let (expected, depth) = if is_collection {
        ("the path of a collection, such as /Users", 1)
    } else {
        ("the path of a resource, such as /Users/ID", 2)
    };
    let segments = path.strip_prefix('/').map(|rest| rest.split('/'));
    let is_right = segments.is_some_and(|segments| {
        let segments: Vec<&str> = segments.collect();
        segments.len() == depth && segments.iter().all(|segment| !segment.is_empty())
    });
    if is_right && !path.contains(['?', '#']) {
        Ok(())
    } else {
        Err(expected)
    }
}
