//! A decision as a JSON document, for `scimguard check` and the browser page. It uses the same
//! writer as forwarded bodies, so its bytes are those that would be forwarded.

use crate::json::{Json, Member};
use crate::message::{
    Body, Forward, ForwardBody, Headers, Normalisation, Reject, Request, Respond, Response,
    ResponseBody,
};
use crate::record::Record;

/// The document of a request that is forwarded.
#[must_use]
pub fn forward(forward: &Forward, received: &Request) -> Json {
    let body = match (&forward.body, &received.body) {
        (ForwardBody::Bytes(bytes), _) | (ForwardBody::AsReceived, Body::Bytes(bytes)) => {
            Some(bytes.as_slice())
        }
        _ => None,
    };
    let mut request = vec![
        Member::new("method", Json::string(&forward.method)),
        Member::new("path", Json::string(&forward.path)),
        Member::new("headers", headers(&forward.headers)),
    ];
    request.extend(body.map(body_member));
    let mut decision = vec![
        Member::new("decision", Json::string("forward")),
        Member::new("request", Json::Object(request)),
    ];
    if let Some(rule) = &forward.rule {
        decision.push(Member::new("rule", Json::string(rule)));
    }
    decision.push(Member::new("changes", changes(&forward.changes)));
    decision.push(Member::new("records", records(&forward.records)));
    Json::Object(decision)
}

/// The document of a request that is refused.
#[must_use]
pub fn reject(reject: &Reject) -> Json {
    Json::object([
        ("decision", Json::string("reject")),
        ("rule", Json::string(&reject.rule)),
        ("response", response(&reject.response)),
        ("changes", changes(&reject.changes)),
        ("records", Json::Array(Vec::new())),
    ])
}

/// The document of a request whose parts were all refused, each with its own answer.
#[must_use]
pub fn respond(respond: &Respond) -> Json {
    let mut decision = vec![Member::new("decision", Json::string("respond"))];
    if let Some(rule) = &respond.rule {
        decision.push(Member::new("rule", Json::string(rule)));
    }
    decision.push(Member::new("response", response(&respond.response)));
    decision.push(Member::new("changes", changes(&[])));
    decision.push(Member::new("records", records(&respond.records)));
    Json::Object(decision)
}

/// The document of a response.
#[must_use]
pub fn response(response: &Response) -> Json {
    let mut members = vec![
        Member::new("status", Json::Number(response.status.to_string())),
        Member::new("headers", headers(&response.headers)),
    ];
    if let ResponseBody::Bytes(bytes) = &response.body {
        members.push(body_member(bytes));
    }
    Json::Object(members)
}

/// As JSON if it parses, else as text.
fn body_member(bytes: &[u8]) -> Member {
    match Json::parse(bytes) {
        Some(body) => Member::new("body", body),
        None => Member::new("body_text", Json::string(String::from_utf8_lossy(bytes))),
    }
}

fn headers(headers: &Headers) -> Json {
    let mut members: Vec<Member> = Vec::new();
    for (name, value) in headers {
        let value = Json::string(String::from_utf8_lossy(value));
        match members.iter_mut().find(|member| member.name == *name) {
            None => members.push(Member::new(name, value)),
            Some(member) => match &mut member.value {
                Json::Array(values) => values.push(value),
                single => *single = Json::Array(vec![single.clone(), value]),
            },
        }
    }
    Json::Object(members)
}

fn changes(changes: &[Normalisation]) -> Json {
    Json::Array(
        changes
            .iter()
            .map(|change| {
                Json::object([
                    ("rule", Json::string(&change.rule)),
                    ("path", Json::string(&change.path)),
                    ("detail", Json::string(&change.detail)),
                ])
            })
            .collect(),
    )
}

fn records(records: &[Record]) -> Json {
    Json::Array(
        records
            .iter()
            .map(|record| {
                serde_json::to_value(record).map_or(Json::Null, |value| Json::from(&value))
            })
            .collect(),
    )
}
