//! Compares results with what was expected, and describes each difference.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use scimguard_core::history::{Decided, HeaderValue};
use scimguard_core::message::{ForwardBody, Normalisation, Response, ResponseBody};
use scimguard_core::{Body, Forward, Headers, Reject, Request, Respond};
use serde_json::Value;

use super::suite::{Decision, Expect, ExpectResponse};

/// Differences listed for one body, at most.
const LISTED: usize = 6;

/// One unexpected result.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Difference {
    what: String,
    expected: String,
    came: String,
}

impl Difference {
    /// A response is expected of a step that has no backend.
    pub(super) fn unanswered() -> Self {
        Self {
            what: "response".to_owned(),
            expected: "one".to_owned(),
            came: "none: the request is forwarded, and the step has no upstream".to_owned(),
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            what,
            expected,
            came,
        } = self;
        write!(f, "{what}: expected {expected}, got {came}")
    }
}

/// Checks a decision.
pub(super) fn decision(expect: &Expect, request: &Request, decided: &Decided) -> Vec<Difference> {
    let mut differences = Differences::default();
    let (came, told) = match decided {
        Decided::Forward(forward) => (Decision::Forward, told_forward(forward)),
        Decided::Reject(reject) => (Decision::Reject, told_reject(reject)),
        Decided::Respond(respond) => (
            Decision::Respond,
            format!("respond ({})", respond.response.status),
        ),
    };
    if let Some(expected) = expect.decision
        && expected != came
    {
        // Nothing else can be compared.
        return vec![Difference {
            what: "decision".to_owned(),
            expected: format!("{expected:?}").to_lowercase(),
            came: told,
        }];
    }
    match decided {
        Decided::Forward(forward) => forwarded(expect, request, forward, &mut differences),
        Decided::Reject(reject) => rejected(expect, reject, &mut differences),
        Decided::Respond(respond) => responded(expect, respond, &mut differences),
    }
    differences.0
}

fn forwarded(expect: &Expect, request: &Request, forward: &Forward, to: &mut Differences) {
    to.same("rule", expect.rule.as_deref(), forward.rule.as_deref());
    to.same("status", expect.status, None);
    to.same("scimType", expect.scim_type.as_deref(), None);
    to.same("method", expect.method.as_deref(), Some(&forward.method));
    to.same("path", expect.path.as_deref(), Some(&forward.path));
    to.contains("detail", expect.detail_contains.as_deref(), None);
    to.headers(&expect.headers, &forward.headers);
    to.changes(expect.changes.as_deref(), &forward.changes);
    let body = match (&forward.body, &request.body) {
        (ForwardBody::Bytes(bytes), _) | (ForwardBody::AsReceived, Body::Bytes(bytes)) => {
            Some(&bytes[..])
        }
        (ForwardBody::AsReceived | ForwardBody::None, _) => None,
    };
    to.body(expect.body.as_ref(), expect.body_contains.as_ref(), body);
}

fn rejected(expect: &Expect, reject: &Reject, to: &mut Differences) {
    let body = response_body(&reject.response.body);
    let error: Option<Value> = body.and_then(|bytes| serde_json::from_slice(bytes).ok());
    let text = |name: &str| error.as_ref()?.get(name)?.as_str();
    to.same("rule", expect.rule.as_deref(), Some(&reject.rule));
    to.same("status", expect.status, Some(reject.response.status));
    to.same("scimType", expect.scim_type.as_deref(), text("scimType"));
    to.same("method", expect.method.as_deref(), None);
    to.same("path", expect.path.as_deref(), None);
    to.contains("detail", expect.detail_contains.as_deref(), text("detail"));
    to.headers(&expect.headers, &reject.response.headers);
    to.changes(expect.changes.as_deref(), &reject.changes);
    to.body(expect.body.as_ref(), expect.body_contains.as_ref(), body);
}

fn responded(expect: &Expect, respond: &Respond, to: &mut Differences) {
    to.same("rule", expect.rule.as_deref(), respond.rule.as_deref());
    to.same("status", expect.status, Some(respond.response.status));
    to.same("scimType", expect.scim_type.as_deref(), None);
    to.same("method", expect.method.as_deref(), None);
    to.same("path", expect.path.as_deref(), None);
    to.contains("detail", expect.detail_contains.as_deref(), None);
    to.headers(&expect.headers, &respond.response.headers);
    to.changes(expect.changes.as_deref(), &[]);
    let body = response_body(&respond.response.body);
    to.body(expect.body.as_ref(), expect.body_contains.as_ref(), body);
}

/// Checks what the client gets.
pub(super) fn response(expect: &ExpectResponse, response: &Response) -> Vec<Difference> {
    let mut differences = Differences::default();
    differences.same("response status", expect.status, Some(response.status));
    differences.headers(&expect.headers, &response.headers);
    differences.body(
        expect.body.as_ref(),
        expect.body_contains.as_ref(),
        response_body(&response.body),
    );
    differences.0
}

fn response_body(body: &ResponseBody) -> Option<&[u8]> {
    match body {
        ResponseBody::None | ResponseBody::AsReceived => None,
        ResponseBody::Bytes(bytes) => Some(bytes),
    }
}

fn told_forward(forward: &Forward) -> String {
    format!("forward ({} {})", forward.method, forward.path)
}

fn told_reject(reject: &Reject) -> String {
    let body = response_body(&reject.response.body);
    let error: Option<Value> = body.and_then(|bytes| serde_json::from_slice(bytes).ok());
    let detail = error
        .as_ref()
        .and_then(|error| error.get("detail")?.as_str());
    format!(
        "reject by {} ({})",
        reject.rule,
        detail.unwrap_or("without a detail")
    )
}

#[derive(Default)]
struct Differences(Vec<Difference>);

impl Differences {
    fn add(&mut self, what: impl Into<String>, expected: String, came: String) {
        self.0.push(Difference {
            what: what.into(),
            expected,
            came,
        });
    }

    fn same<T: PartialEq + fmt::Debug>(
        &mut self,
        what: &str,
        expected: Option<T>,
        came: Option<T>,
    ) {
        if let Some(expected) = expected
            && came.as_ref() != Some(&expected)
        {
            let came = came.map_or_else(|| "none".to_owned(), |came| format!("{came:?}"));
            self.add(what, format!("{expected:?}"), came);
        }
    }

    fn contains(&mut self, what: &str, expected: Option<&str>, came: Option<&str>) {
        if let Some(expected) = expected
            && !came.is_some_and(|came| came.contains(expected))
        {
            let came = came.map_or_else(|| "none".to_owned(), |came| format!("{came:?}"));
            self.add(what, format!("a text with {expected:?}"), came);
        }
    }

    fn headers(&mut self, expected: &BTreeMap<String, HeaderValue>, came: &Headers) {
        for (name, value) in expected {
            let values: Vec<_> = came
                .iter()
                .filter(|(other, _)| other.eq_ignore_ascii_case(name))
                .map(|(_, value)| String::from_utf8_lossy(value).into_owned())
                .collect();
            if values != value.values() {
                let what = format!("header {name}");
                self.add(what, format!("{:?}", value.values()), format!("{values:?}"));
            }
        }
    }

    fn changes(&mut self, expected: Option<&[String]>, came: &[Normalisation]) {
        let Some(expected) = expected else { return };
        let expected: BTreeSet<&str> = expected.iter().map(String::as_str).collect();
        let came: BTreeSet<&str> = came.iter().map(|change| change.rule.as_str()).collect();
        if expected != came {
            self.add("changes", format!("{expected:?}"), format!("{came:?}"));
        }
    }

    fn body(&mut self, whole: Option<&Value>, part: Option<&Value>, came: Option<&[u8]>) {
        if whole.is_none() && part.is_none() {
            return;
        }
        let came = match came.map(serde_json::from_slice::<Value>) {
            None => Value::Null,
            Some(Ok(value)) => value,
            Some(Err(error)) => {
                self.add("body", "JSON".to_owned(), format!("none ({error})"));
                return;
            }
        };
        let mut places = Vec::new();
        if let Some(whole) = whole {
            compare(whole, &came, Extent::Whole, "", &mut places);
        }
        if let Some(part) = part {
            compare(part, &came, Extent::Part, "", &mut places);
        }
        let more = places.len().saturating_sub(LISTED);
        self.0.extend(places.into_iter().take(LISTED));
        if more > 0 {
            self.add("body", "no".to_owned(), format!("{more} more differences"));
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    Whole,
    /// Objects may have more members than expected.
    Part,
}

fn compare(expected: &Value, came: &Value, extent: Extent, place: &str, to: &mut Vec<Difference>) {
    match (expected, came) {
        (Value::Object(wanted), Value::Object(found)) => {
            for (name, value) in wanted {
                let place = format!("{place}/{name}");
                match found.get(name) {
                    Some(other) => compare(value, other, extent, &place, to),
                    None => to.push(at(&place, value.to_string(), "nothing".to_owned())),
                }
            }
            if extent == Extent::Whole {
                for (name, value) in found.iter().filter(|(name, _)| !wanted.contains_key(*name)) {
                    let place = format!("{place}/{name}");
                    to.push(at(&place, "nothing".to_owned(), value.to_string()));
                }
            }
        }
        (Value::Array(wanted), Value::Array(found)) if wanted.len() == found.len() => {
            for (index, (value, other)) in wanted.iter().zip(found).enumerate() {
                compare(value, other, Extent::Whole, &format!("{place}/{index}"), to);
            }
        }
        _ if expected != came => to.push(at(place, expected.to_string(), came.to_string())),
        _ => {}
    }
}

fn at(place: &str, expected: String, came: String) -> Difference {
    Difference {
        what: format!("body {}", if place.is_empty() { "/" } else { place }),
        expected,
        came,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Differences;

    fn told(
        whole: Option<serde_json::Value>,
        part: Option<serde_json::Value>,
        came: &str,
    ) -> String {
        let mut differences = Differences::default();
        differences.body(whole.as_ref(), part.as_ref(), Some(came.as_bytes()));
        let lines: Vec<_> = differences.0.iter().map(ToString::to_string).collect();
        lines.join("\n")
    }

    #[test]
    fn a_body_is_compared_whole_or_in_part() {
        let came = r#"{"b": [{"x": 1}, 2], "a": {"c": true, "d": null}}"#;
        let whole = json!({"a": {"c": true, "d": null}, "b": [{"x": 1}, 2]});
        assert_eq!(told(Some(whole), None, came), "");
        assert_eq!(told(None, Some(json!({"a": {"c": true}})), came), "");
        assert_eq!(
            told(
                Some(json!({"a": {"c": false}, "b": [{"x": 1}, 2]})),
                None,
                came
            ),
            "body /a/c: expected false, got true\nbody /a/d: expected nothing, got null"
        );
    }

    #[test]
    fn lists_are_compared_whole_even_in_part_of_a_body() {
        assert_eq!(
            told(
                None,
                Some(json!({"b": [{"x": 1}]})),
                r#"{"b": [{"x": 1, "y": 2}]}"#
            ),
            "body /b/0/y: expected nothing, got 2"
        );
        assert_eq!(
            told(None, Some(json!({"b": [1]})), r#"{"b": [1, 2]}"#),
            "body /b: expected [1], got [1,2]"
        );
    }

    #[test]
    fn many_differences_are_counted() {
        let came = r#"{"a":1,"b":2,"c":3,"d":4,"e":5,"f":6,"g":7,"h":8}"#;
        let lines = told(Some(json!({})), None, came);
        assert_eq!(lines.lines().count(), 7);
        assert!(lines.ends_with("2 more differences"), "{lines}");
    }
}
