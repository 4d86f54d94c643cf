//! What explains a decision later: the request as far as it may be recorded, and the facts.

use scimguard_core::facts::{Answer, Fact, Key};
use scimguard_core::{Body, Json};
use serde_json::{Map, Value, json};

use super::hide::{Hidden, Names};
use super::{BODY_BYTES, Decision, Seen, document};
use crate::text::{printable, without_values};

/// Refusals of the management API whose texts reveal the edit and its owner, and nothing else of a body.
const REVEALED: &[&str] = &["okta-only.", "ownership.", "user.deactivated", "route."];

/// Normalisations that are listed, at most; all are counted.
const CHANGES: usize = 200;

/// Longer paths are not recorded.
const PATH_BYTES: usize = 8 * 1024;

/// The detail of a decision, as JSON. `scim`: whether the policy takes it for SCIM too.
pub(super) fn detail(decision: &Decision, scim: bool, names: &Names) -> Value {
    let changes: Vec<Value> = decision
        .changes
        .iter()
        .take(CHANGES)
        .map(|change| json!({"rule": change.rule, "path": printable(&change.path)}))
        .collect();
    let mut detail = json!({ "changes": changes });
    let Some(seen) = &decision.seen else {
        return detail;
    };
    let hidden = Hidden::of(&seen.request.headers, names);
    let known = document::of(&seen.facts, &hidden);
    detail["now"] = seen.now.into();
    detail["facts"] = known.facts;
    detail["facts_complete"] = known.complete.into();
    if seen.scim && scim {
        let (request, omitted) = request(seen, &hidden);
        detail["request"] = request;
        detail["omitted"] = omitted.into();
    } else {
        detail["request"] = head(
            seen,
            &hidden,
            &hidden.text(&without_values(&seen.request.path)),
        );
        detail["omitted"] = "management".into();
        detail["detail"] = words(decision, seen).map(|it| hidden.text(&it)).into();
    }
    detail
}

/// The approximate size of facts in memory.
pub(super) fn bytes(facts: &[Fact]) -> usize {
    const EACH: usize = 512;
    let entries = |fact: &Fact| match &fact.answer {
        Answer::Groups(all) => all.len(),
        Answer::Holders(all) => all.len(),
        Answer::Members(all) => all.len(),
        Answer::Difference(both) => both.added.len() + both.removed.len(),
        Answer::Claims(text) => text.len() / EACH,
        _ => 1,
    };
    let asked = |fact: &Fact| match &fact.key {
        Key::Members(key) | Key::MembersDifference(key) => key.users.len(),
        _ => 1,
    };
    facts
        .iter()
        .map(|fact| EACH * (entries(fact) + asked(fact)))
        .sum()
}

/// A SCIM call as `scimguard check` reads it, and why its body is missing.
fn request(seen: &Seen, hidden: &Hidden<'_>) -> (Value, Option<&'static str>) {
    if seen.request.path.len() > PATH_BYTES {
        return (Value::Null, Some("large"));
    }
    let mut request = head(seen, hidden, &hidden.target(&seen.request.path));
    let omitted = match &seen.request.body {
        Body::None => None,
        // The refusal did not need it.
        Body::Unread => Some("unread"),
        Body::OverLimit => Some("large"),
        Body::Bytes(bytes) if bytes.len() > BODY_BYTES => Some("large"),
        Body::Bytes(bytes) => match hidden.body(bytes) {
            Some(body) => {
                request["body_text"] = body.into();
                None
            }
            None => Some("unreadable"),
        },
    };
    (request, omitted)
}

fn head(seen: &Seen, hidden: &Hidden<'_>, target: &str) -> Value {
    let mut headers: Map<String, Value> = Map::new();
    for (name, value) in &seen.request.headers {
        let value = Value::from(hidden.header(name, value));
        let name = hidden.text(name);
        match headers.get_mut(&name) {
            None => {
                headers.insert(name, value);
            }
            Some(Value::Array(values)) => values.push(value),
            Some(single) => *single = Value::Array(vec![single.take(), value]),
        }
    }
    let method = hidden.text(&seen.request.method);
    json!({"method": method, "path": target, "headers": headers})
}

/// The guard's text for a client of the management API.
fn words(decision: &Decision, seen: &Seen) -> Option<String> {
    let rule = decision.rule.as_deref()?;
    if !REVEALED.iter().any(|prefix| rule.starts_with(prefix)) {
        return None;
    }
    let told = Json::parse(seen.refusal.as_deref()?)?;
    Some(told.get("detail")?.as_str()?.to_owned())
}
