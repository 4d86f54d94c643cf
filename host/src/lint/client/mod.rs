//! Checks the client of one exchange: what the guard would refuse or rewrite, and what the profiles
//! require beyond that.

mod message;

use serde_json::Value;

use super::exchange::{Call, Endpoint, header, media_type};
use super::findings::Findings;
use super::judge::{Judge, Message};
use super::points::client as points;
use message::{filter, message};

/// RFC 9110 §13.1, as the Interoperability Profile lists them.
const CONDITIONS: &[&str] = &[
    "if-match",
    "if-none-match",
    "if-modified-since",
    "if-unmodified-since",
];

/// Checks the request of a call.
pub(super) fn look(call: &Call<'_>, judge: &Judge, found: &mut Findings) -> anyhow::Result<()> {
    headers(call, found);
    let query = call.raw_query.as_ref();
    let target = query.map_or_else(
        || call.tail.clone(),
        |query| format!("{}?{query}", call.tail),
    );
    let request = Message {
        method: &call.entry.method,
        target: &target,
        headers: &call.entry.headers,
        body: call.entry.body.as_deref(),
    };
    if call.endpoint == Endpoint::Bulk {
        return bulk(call, judge, found);
    }
    guard(&request, judge, "", found)?;
    if let Some(expression) = call.parameter("filter") {
        if call.entry.method == "GET" {
            filter(expression, "?filter", found);
        } else {
            found.at(
                &points::FILTER_ON_WRITE,
                "?filter",
                "only GET may have a filter in its URL",
            );
        }
    }
    if let Some(expression) = call.sent_member("filter").and_then(Value::as_str) {
        filter(expression, "filter", found);
    }
    if let Some(sent) = &call.sent {
        message(&call.entry.method, &call.endpoint, sent, "", found);
    }
    Ok(())
}

fn headers(call: &Call<'_>, found: &mut Findings) {
    let sent = &call.entry.headers;
    if header(sent, "user-agent").is_none_or(|agent| agent.trim().is_empty()) {
        found.at(&points::USER_AGENT, "header User-Agent", "it is missing");
    }
    for name in CONDITIONS {
        if header(sent, name).is_some() {
            found.at(
                &points::CONDITION,
                format!("header {name}"),
                "omit the condition",
            );
        }
    }
    if let Some(credential) = header(sent, "authorization") {
        let scheme = credential.split(' ').next().unwrap_or_default();
        if !scheme.eq_ignore_ascii_case("bearer") {
            found.at(
                &points::CREDENTIAL,
                "header Authorization",
                "expected the scheme Bearer",
            );
        }
    }
    if call.entry.body.is_some()
        && let Some(declared) = media_type(sent)
        && declared != "application/scim+json"
        && (declared == "application/json" || declared.ends_with("+json"))
    {
        found.at(
            &points::CONTENT_TYPE,
            "header Content-Type",
            format!("{declared}; expected application/scim+json"),
        );
    }
    if call.entry.method == "PUT" {
        found.at(&points::PUT, "method", "send the changes as a PATCH");
    }
}

/// Adds the guard's findings on a message.
fn guard(
    request: &Message<'_>,
    judge: &Judge,
    within: &str,
    found: &mut Findings,
) -> anyhow::Result<()> {
    for fault in judge.faults(request)? {
        if fault.is_about_an_extension() {
            continue;
        }
        found.of_id(&fault.rule, inside(within, &fault.place), fault.what);
    }
    Ok(())
}

/// Each operation of a bulk request is a request (RFC 7644 §3.7); the guard's findings on the bulk
/// request itself concern its form.
fn bulk(call: &Call<'_>, judge: &Judge, found: &mut Findings) -> anyhow::Result<()> {
    let whole = Message {
        method: &call.entry.method,
        target: &call.tail,
        headers: &call.entry.headers,
        body: call.entry.body.as_deref(),
    };
    for fault in judge.faults(&whole)? {
        let is_form = ["route.", "body.", "bulk.", "schema."]
            .iter()
            .any(|family| fault.rule.starts_with(family));
        let is_inside = fault.rule.starts_with("schema.") && fault.place.starts_with("Operations[");
        if is_form && !is_inside {
            found.of_id(&fault.rule, fault.place, fault.what);
        }
    }
    let operations = call.sent.as_ref().and_then(|sent| sent.get("Operations"));
    for (index, operation) in operations
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .enumerate()
    {
        let text = |name| operation.get(name).and_then(Value::as_str);
        let (Some(method), Some(path)) = (text("method"), text("path")) else {
            continue;
        };
        let Some(endpoint) = Endpoint::of(path) else {
            continue;
        };
        let within = format!("Operations[{index}].data");
        let data = operation.get("data");
        let bytes = data.map(|data| data.to_string().into_bytes());
        let request = Message {
            method,
            target: path,
            headers: &call.entry.headers,
            body: bytes.as_deref(),
        };
        guard(&request, judge, &within, found)?;
        if let Some(data) = data {
            message(method, &endpoint, data, &within, found);
        }
    }
    Ok(())
}

/// A place in a message that is itself within another.
fn inside(within: &str, place: &str) -> String {
    match (within, place) {
        ("", place) => place.to_owned(),
        (within, "body") => within.to_owned(),
        (within, place) => format!("{within}.{place}"),
    }
}
