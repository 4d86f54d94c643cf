//! The BulkResponse (RFC 7644 §3.7.3): one result for each operation that was tried.

use percent_encoding::utf8_percent_encode;
use serde::{Deserialize, Serialize};

use super::Operation;
use crate::json::{self, Json, Member};
use crate::message::{Response, ResponseBody};
use crate::normalise::member;
use crate::normalise::query::RESERVED;
use crate::scim::BULK_RESPONSE_URN;

/// Levels of nesting in the answer to an operation; the guard wrote it.
const MAX_DEPTH: usize = 64;

/// The result of an operation.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Answered {
    pub(super) status: u16,
    location: Option<String>,
    version: Option<String>,
    /// The error, as JSON text.
    error: Option<String>,
}

/// The result of an operation from its response, and the id of the resource that it created.
pub(super) fn of(method: &str, location: &str, response: &Response) -> (Answered, Option<String>) {
    let body = match &response.body {
        ResponseBody::Bytes(bytes) => json::read(bytes, MAX_DEPTH).ok().map(|(body, _)| body),
        ResponseBody::None | ResponseBody::AsReceived => None,
    };
    let failed = response.status >= 400;
    let header = |name: &str| {
        let found = response.headers.iter().find(|(other, _)| other == name);
        found.and_then(|(_, value)| String::from_utf8(value.clone()).ok())
    };
    let text = |path: &[&str]| {
        path.iter()
            .try_fold(body.as_ref()?, |at, name| member(at, name))
            .and_then(Json::as_str)
            .map(str::to_owned)
    };
    let id = if failed { None } else { text(&["id"]) };
    let given = if failed {
        None
    } else {
        text(&["meta", "location"]).or_else(|| header("location"))
    };
    let location = match (method, &id, given) {
        (_, _, Some(given)) => Some(given),
        ("POST", Some(id), None) => {
            Some(format!("{location}/{}", utf8_percent_encode(id, RESERVED)))
        }
        ("POST", None, None) => None,
        (_, _, None) => Some(location.to_owned()),
    };
    let version = if failed {
        None
    } else {
        header("etag").or_else(|| text(&["meta", "version"]))
    };
    let answered = Answered {
        status: response.status,
        location,
        version,
        error: body.filter(|_| failed).map(|error| error.to_string()),
    };
    (answered, id)
}

/// The response to the whole request.
pub(super) fn response(operations: &[Operation]) -> Response {
    let results = operations
        .iter()
        .filter_map(|operation| {
            let answered = operation.answered.as_ref()?;
            Some(result(operation, answered))
        })
        .collect();
    let body = Json::object([
        (
            "schemas",
            Json::Array(vec![Json::string(BULK_RESPONSE_URN)]),
        ),
        ("Operations", Json::Array(results)),
    ]);
    Response {
        status: 200,
        headers: vec![("content-type".to_owned(), b"application/scim+json".to_vec())],
        body: ResponseBody::Bytes(body.to_bytes()),
    }
}

fn result(operation: &Operation, answered: &Answered) -> Json {
    let mut members = Vec::with_capacity(6);
    let mut put = |name: &str, value: Option<&String>| {
        if let Some(value) = value {
            members.push(Member::new(name, Json::string(value)));
        }
    };
    put("location", answered.location.as_ref());
    put("method", Some(&operation.method));
    put("bulkId", operation.bulk_id.as_ref());
    put("version", answered.version.as_ref());
    put("status", Some(&answered.status.to_string()));
    let error = answered
        .error
        .as_ref()
        .and_then(|error| json::read(error.as_bytes(), MAX_DEPTH).ok());
    if let Some((error, _)) = error {
        members.push(Member::new("response", error));
    }
    Json::Object(members)
}
