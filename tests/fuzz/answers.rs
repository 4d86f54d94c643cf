//! An application that answers anything, from choices: what was asked for, lies, errors, nonsense,
//! nothing.

use scimguard_core::BackendOutcome;
use scimguard_core::message::{AnswerBody, BackendAnswer};
use serde_json::{Value, json};

use crate::choices::Choices;
use crate::drive::Sent;
use crate::scim;

/// The answer to what the guard sends.
pub(crate) fn answer(choices: &mut Choices<'_>, sent: &Sent<'_>) -> BackendOutcome {
    if choices.once_in(12) {
        return BackendOutcome::Unanswered;
    }
    let status = match choices.below(4) {
        0 => *choices.pick(&[404, 409, 400, 403, 408, 412, 429, 500, 503, 501]),
        1 => *choices.pick(&[200, 201, 202, 204, 206, 301, 304, 100, 599]),
        _ => match sent.method {
            "POST" => 201,
            "DELETE" => 204,
            _ => 200,
        },
    };
    let body = match choices.below(12) {
        0 => AnswerBody::None,
        1 => AnswerBody::OverLimit,
        2 => AnswerBody::Bytes(
            choices
                .text(&["{", "[]", "null", "\u{feff}{}", "<html>", "\"\""])
                .into_bytes(),
        ),
        3 => bytes(&json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
            "status": choices.text(&["409", "400", "x"]), "scimType": choices.text(&["uniqueness", "noTarget"]),
            "detail": choices.text(&["because", ""]),
        })),
        4 => bytes(&scim::json(choices, 4)),
        5 => bytes(&list(choices)),
        _ => bytes(&shown(choices, sent)),
    };
    let header = |name: &str, value: &str| (name.to_owned(), value.as_bytes().to_vec());
    let headers = match choices.below(4) {
        0 => vec![
            header("location", "http://127.0.0.1/scim/v2/ACC1/Users/u1"),
            header("etag", "W/\"1\""),
        ],
        1 => vec![
            header("set-cookie", "a=b"),
            header("content-type", "text/html"),
        ],
        _ => Vec::new(),
    };
    BackendOutcome::Answered(BackendAnswer {
        status,
        headers,
        body,
    })
}

/// The resource as it was sent, or much like it.
fn shown(choices: &mut Choices<'_>, sent: &Sent<'_>) -> Value {
    let sent_body: Value = serde_json::from_slice(sent.body).unwrap_or_default();
    let mut shown = match (sent.method, sent_body) {
        ("POST" | "PUT", Value::Object(body)) => Value::Object(body),
        _ => json!({
            "userName": choices.text(&["ann@example.com", "bob@example.com", "eve@example.com"]),
            "displayName": choices.text(&["Ann Lee", "web-team", "other"]),
            "active": choices.once_in(2), "password": "p",
        }),
    };
    let path = sent.path.split('?').next().unwrap_or_default();
    let last = path.rsplit('/').next().unwrap_or_default();
    let id = match choices.once_in(4) {
        true => choices.text(&["u1", "u2", "web_team", "other"]),
        false if matches!(last, "Users" | "Groups") => "new1".to_owned(),
        false => last.to_owned(),
    };
    shown["id"] = id.into();
    if choices.once_in(4) {
        shown["members"] = json!([{"value": choices.text(&["u1", "u9"])}, {"value": "u2"}]);
    }
    if choices.once_in(6) {
        shown[choices.text(&["id", "userName", "members", "meta", "active"])] =
            scim::json(choices, 3);
    }
    shown
}

fn list(choices: &mut Choices<'_>) -> Value {
    let resources = (0..choices.below(4)).map(|index| {
        json!({"id": format!("u{index}"), "userName": choices.text(&["ann@example.com", "x@example.com"])})
    });
    let resources: Vec<Value> = resources.collect();
    json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": choices.below(4), "Resources": resources,
    })
}

fn bytes(body: &Value) -> AnswerBody {
    AnswerBody::Bytes(body.to_string().into_bytes())
}
