//! Uses the guard to judge messages: the same core that rewrites and refuses requests reports where
//! a message is not canonical, under a policy that allows everything in RFC 7643.
//!
//! A refusal names one fault. Its place is then removed from the message and the rest is judged
//! again, so that one report has all faults.

use anyhow::Context as _;
use scimguard_core::facts::Table;
use scimguard_core::history::Decided;
use scimguard_core::{Body, Headers, Request};
use scimguard_exchange::history::Driver;
use serde_json::Value;

use super::redact;
use crate::engine::Engine;

/// Faults of one message, at most.
const MOST: usize = 50;

/// The base of the endpoints under the policy of this command.
const BASE: &str = "/scim/v2/lint";

/// Replaces the recorded credential.
const TOKEN: &str = "lint";

/// Limits are up to each installation; `unknown_attributes` distinguishes what no schema defines
/// from what is read-only.
const POLICY: &str = r#"{"version": 1, "preset": "generic", "provider": "okta",
  "scim": {"unknown_attributes": "reject",
           "limits": {"body_bytes": 268435456, "operations": 1000000, "members": 1000000, "depth": 64,
                      "bulk_operations": 100000}}}"#;

/// The schemas that the guard knows.
const KNOWN_URNS: &[&str] = &[
    "urn:ietf:params:scim:schemas:core:2.0:User",
    "urn:ietf:params:scim:schemas:core:2.0:Group",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
];

/// The guard, with one token that may do everything and no other facts.
pub(crate) struct Judge {
    engine: Engine,
    facts: Table,
}

/// A finding of the guard.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) rule: String,
    pub(super) place: String,
    pub(super) what: String,
}

/// A message to an endpoint.
pub(super) struct Message<'m> {
    pub(super) method: &'m str,
    /// The path from the endpoint on, with the query.
    pub(super) target: &'m str,
    pub(super) headers: &'m Headers,
    pub(super) body: Option<&'m [u8]>,
}

// === impl Fault ===

impl Fault {
    /// Whether this command merely does not know a schema of the server's own (RFC 7643 §3.3).
    pub(super) fn is_about_an_extension(&self) -> bool {
        let is_own = |text: &str| {
            text.split([' ', '"', '?'])
                .filter(|word| word.to_ascii_lowercase().starts_with("urn:"))
                .any(|urn| !KNOWN_URNS.iter().any(|known| begins_with(urn, known)))
        };
        match self.rule.as_str() {
            "schema.unknown-attribute" | "filter.invalid" | "patch.invalid-path" => {
                is_own(&self.place) || is_own(&self.what)
            }
            _ => false,
        }
    }
}

// === impl Judge ===

impl Judge {
    pub(crate) fn new() -> anyhow::Result<Self> {
        let engine = Engine::native(POLICY).context("the policy of lint")?;
        let facts = serde_json::json!({
            "tokens": [{"token": TOKEN, "account": "lint", "principal": "lint", "provider": "okta"}],
            "principals": [{"account": "lint", "id": "lint", "kind": "service-account", "permissions": [
                "core_user_view", "core_user_manage", "core_user_invite",
                "core_usergroup_view", "core_usergroup_manage"]}],
        });
        let facts = Table::from_json(&facts)
            .map_err(|error| anyhow::anyhow!("the facts of lint: {error}"))?;
        Ok(Self { engine, facts })
    }

    /// All faults of a message.
    pub(super) fn faults(&self, message: &Message<'_>) -> anyhow::Result<Vec<Fault>> {
        let mut request = Request {
            method: message.method.to_owned(),
            path: format!("{BASE}{}", message.target),
            headers: headers(message.headers),
            body: body(message.body),
            annotate: false,
        };
        let mut value: Option<Value> = message
            .body
            .and_then(|bytes| serde_json::from_slice(bytes).ok());
        let mut faults: Vec<Fault> = Vec::new();
        let mut struck: Vec<String> = Vec::new();
        for _ in 0..MOST {
            let (refused, changes) = self.ask(&request)?;
            for fault in changes {
                if !faults.contains(&fault) {
                    faults.push(fault);
                }
            }
            let Some(fault) = refused else { break };
            // If something becomes missing or meaningless by a removal, its container is removed too.
            let at = if struck.contains(&fault.place) {
                let Some(around) = around(&fault.place) else {
                    break;
                };
                around.to_owned()
            } else if struck.iter().any(|place| begins_with(place, &fault.place)) {
                fault.place
            } else {
                let at = fault.place.clone();
                faults.push(fault);
                at
            };
            let again = value
                .as_mut()
                .is_some_and(|value| strike(value, &at).is_some());
            let Some(rest) = value.as_ref().filter(|_| again) else {
                break;
            };
            struck.push(at);
            request.body = Body::Bytes(rest.to_string().into_bytes());
        }
        Ok(faults)
    }

    fn ask(&self, request: &Request) -> anyhow::Result<(Option<Fault>, Vec<Fault>)> {
        // Each message is judged separately: nothing is recorded.
        let mut facts = self.facts.clone();
        let decided = Driver::new(self.engine.session()?).decide(request, &mut facts, 0)?;
        let (refused, changes) = match decided {
            Decided::Forward(forward) => (None, forward.changes),
            // Every operation of a bulk request was refused: each is checked separately.
            Decided::Respond(_) => (None, Vec::new()),
            Decided::Reject(reject) => {
                let (mut place, what) = redact::detail(&reject.rule, &told(&reject.response.body));
                let rule = reject.rule;
                if rule == "route.method" {
                    "method".clone_into(&mut place);
                } else if rule.starts_with("route.") && !place.starts_with('?') {
                    "path".clone_into(&mut place);
                }
                (Some(Fault { rule, place, what }), reject.changes)
            }
        };
        let changes = changes
            .into_iter()
            .map(|change| Fault {
                what: redact::change(&change.rule, &change.detail),
                rule: change.rule,
                place: change.path,
            })
            .collect();
        Ok((refused, changes))
    }
}

/// The request's headers with the judge's own credential, and without a content coding: the
/// recorded body is decoded.
fn headers(recorded: &Headers) -> Headers {
    recorded
        .iter()
        .filter(|(name, _)| {
            !matches!(
                name.as_str(),
                "authorization" | "x-api-key" | "content-encoding"
            )
        })
        .cloned()
        .chain([(
            "authorization".to_owned(),
            format!("Bearer {TOKEN}").into_bytes(),
        )])
        .collect()
}

fn body(bytes: Option<&[u8]>) -> Body {
    bytes.map_or(Body::None, |bytes| Body::Bytes(bytes.to_vec()))
}

/// The `detail` of a refusal.
fn told(body: &scimguard_core::message::ResponseBody) -> String {
    let scimguard_core::message::ResponseBody::Bytes(bytes) = body else {
        return String::new();
    };
    serde_json::from_slice::<Value>(bytes)
        .ok()
        .and_then(|error| error.get("detail")?.as_str().map(str::to_owned))
        .unwrap_or_default()
}

/// Removes what is at a place. The others keep their numbers: a valid operation replaces that of a
/// PATCH, null an element of a list.
fn strike(value: &mut Value, place: &str) -> Option<()> {
    let (first, rest) = step(value, place)?;
    if let (Value::Object(members), Step::Member(name)) = (&mut *value, &first)
        && name.eq_ignore_ascii_case("Operations")
        && let Some(Value::Array(operations)) = members.get_mut(name)
    {
        return strike_operation(operations, rest);
    }
    let inner = match (&mut *value, &first) {
        (Value::Object(members), Step::Member(name)) => members.get_mut(name)?,
        (Value::Array(elements), Step::Element(index)) => elements.get_mut(*index)?,
        _ => return None,
    };
    if !rest.is_empty() && strike(inner, rest).is_some() {
        return Some(());
    }
    match (value, first) {
        (Value::Object(members), Step::Member(name)) => members.remove(&name).map(|_| ()),
        (Value::Array(elements), Step::Element(index)) => {
            let element = elements.get_mut(index)?;
            // `schemas` has no null.
            if element
                .as_str()
                .is_some_and(|text| text.starts_with("urn:"))
            {
                elements.remove(index);
            } else {
                *element = Value::Null;
            }
            Some(())
        }
        _ => None,
    }
}

fn strike_operation(operations: &mut [Value], place: &str) -> Option<()> {
    let index: usize = place.strip_prefix('[')?.split(']').next()?.parse().ok()?;
    let operation: &mut Value = operations.get_mut(index)?;
    // An operation of a bulk request has no replacement.
    if operation.get("method").is_some() {
        return None;
    }
    let inside = place.split_once("].value.").map(|(_, inside)| inside);
    let pathless = operation
        .get("path")
        .is_none_or(|path| path.as_str().is_none());
    // Without a path, the value holds the attributes side by side.
    if let (Some(inside), true) = (inside, pathless)
        && let Some(value) = operation.get_mut("value")
        && value.as_object().is_some_and(|members| members.len() > 1)
        && strike(value, inside).is_some()
    {
        return Some(());
    }
    *operation = serde_json::json!({"op": "replace", "path": "displayName", "value": "-"});
    Some(())
}

enum Step {
    Member(String),
    Element(usize),
}

/// Splits off the first step of a place. Keys may have dots and colons: takes the longest match. matches.
fn step<'p>(value: &Value, place: &'p str) -> Option<(Step, &'p str)> {
    match value {
        Value::Array(_) => {
            let (index, rest) = place.strip_prefix('[')?.split_once(']')?;
            Some((
                Step::Element(index.parse().ok()?),
                rest.strip_prefix('.').unwrap_or(rest),
            ))
        }
        Value::Object(members) => {
            let name = members
                .keys()
                .filter(|name| begins_with(place, name))
                .max_by_key(|name| name.len())?;
            let rest = place.get(name.len()..)?;
            Some((
                Step::Member(name.clone()),
                rest.strip_prefix(['.', ':']).unwrap_or(rest),
            ))
        }
        _ => None,
    }
}

/// The list or object that contains a place.
fn around(place: &str) -> Option<&str> {
    let at = place.rfind(['.', '['])?;
    place.get(..at).filter(|around| !around.is_empty())
}

fn begins_with(place: &str, above: &str) -> bool {
    let start = place.get(..above.len());
    let rest = place.get(above.len()..).unwrap_or_default();
    start.is_some_and(|start| start.eq_ignore_ascii_case(above))
        && (rest.is_empty() || rest.starts_with(['.', ':', '[']))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(method: &str, target: &str, body: &Value) -> Vec<(String, String)> {
        let headers = vec![("content-type".to_owned(), b"application/scim+json".to_vec())];
        let bytes = body.to_string().into_bytes();
        let message = Message {
            method,
            target,
            headers: &headers,
            body: Some(&bytes),
        };
        let faults = Judge::new().unwrap().faults(&message).unwrap();
        faults.into_iter().map(|f| (f.rule, f.place)).collect()
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        expected
            .iter()
            .map(|(rule, place)| ((*rule).to_owned(), (*place).to_owned()))
            .collect()
    }

    #[test]
    fn one_report_has_all_faults_of_a_resource() {
        let user = serde_json::json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "username": "ann", "active": 7, "favourite": "green", "emails": [{"value": 1}],
        });
        assert_eq!(
            rules("POST", "/Users", &user),
            pairs(&[
                ("schema.invalid-type", "active"),
                ("schema.invalid-type", "emails[0].value"),
                ("schema.unknown-attribute", "favourite"),
                ("normalise.name", "username"),
            ])
        );
    }

    #[test]
    fn one_report_has_the_faults_of_all_operations() {
        let patch = serde_json::json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [
                {"op": "move", "path": "title"},
                {"op": "Replace", "path": "title", "value": "x"},
                {"op": "remove"},
                {"op": "replace", "value": {"favourite": 1, "colour": 2}},
            ],
        });
        assert_eq!(
            rules("PATCH", "/Users/u1", &patch),
            pairs(&[
                ("patch.invalid-op", "Operations[0].op"),
                ("normalise.op", "Operations[1]"),
                ("patch.no-target", "Operations[2]"),
                ("schema.unknown-attribute", "Operations[3].value.colour"),
                ("schema.unknown-attribute", "Operations[3].value.favourite"),
            ])
        );
    }
}
