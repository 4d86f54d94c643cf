//! Checks the answer to a query: a ListResponse (RFC 7644 §3.4.2).

use scimguard_core::facts::ResourceKind;
use scimguard_core::fold;
use serde_json::Value;

use super::{kind as kind_of, names, resource};
use crate::lint::exchange::{Call, Endpoint};
use crate::lint::findings::Findings;
use crate::lint::judge::Judge;
use crate::lint::points::server as points;

/// RFC 7644 §3.4.2.
const URN: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";

/// Checks a list.
pub(super) fn look(
    call: &Call<'_>,
    body: &Value,
    judge: &Judge,
    found: &mut Findings,
) -> anyhow::Result<()> {
    if !names(body, URN) {
        found.at(&points::LIST_SCHEMAS, "schemas", format!("expected {URN}"));
    }
    let total = body.get("totalResults").and_then(Value::as_u64);
    let resources = match body.get("Resources") {
        None | Some(Value::Null) => &[],
        Some(Value::Array(resources)) => resources.as_slice(),
        other => {
            let given = kind_of(other);
            found.at(
                &points::LIST_RESOURCES,
                "Resources",
                format!("{given}; expected a list"),
            );
            &[]
        }
    };
    let listed = resources.len() as u64;
    counts(call, body, total, listed, found);
    for (index, one) in resources.iter().enumerate() {
        let place = format!("Resources[{index}]");
        if !one.is_object() {
            let given = kind_of(Some(one));
            found.at(
                &points::LIST_RESOURCES,
                place,
                format!("{given}; expected an object"),
            );
            continue;
        }
        matches(call, one, &place, found);
        if let Some(kind) = type_of(call, one) {
            resource::element(call, kind, one, &place, judge, found)?;
        }
    }
    Ok(())
}

/// Checks the number of results, and which of them are on this page (RFC 7644 §3.4.2.4).
fn counts(call: &Call<'_>, body: &Value, total: Option<u64>, listed: u64, found: &mut Findings) {
    let number = |name| body.get(name).and_then(Value::as_u64);
    match total {
        None => {
            let given = kind_of(body.get("totalResults"));
            found.at(
                &points::LIST_TOTAL,
                "totalResults",
                format!("{given}; expected a number"),
            );
        }
        Some(total) if total < listed => found.at(
            &points::LIST_TOTAL,
            "totalResults",
            format!("{total}, but {listed} are listed"),
        ),
        Some(_) => {}
    }
    let count = call
        .parameter("count")
        .and_then(|count| count.parse().ok())
        .or_else(|| call.sent_member("count")?.as_u64());
    if count.is_some_and(|count: u64| listed > count) {
        found.at(
            &points::LIST_COUNT,
            "Resources",
            format!("{listed} are listed"),
        );
    }
    let start = number("startIndex");
    let is_part = total.is_some_and(|total| total > listed);
    if is_part && listed == 0 && count != Some(0) && start.is_none_or(|start| Some(start) <= total)
    {
        found.at(
            &points::LIST_RESOURCES,
            "Resources",
            "there are results, but none is listed",
        );
    }
    let by_cursor = cursors(call, body, found);
    for name in ["startIndex", "itemsPerPage"] {
        let given = body.get(name);
        if given.is_none() && (!is_part || by_cursor && name == "startIndex") {
            continue;
        }
        if number(name).is_none() {
            found.at(
                &points::LIST_PAGE,
                name,
                format!("{}; expected a number", kind_of(given)),
            );
        }
    }
    if number("itemsPerPage").is_some_and(|items| items != listed) {
        found.at(
            &points::LIST_PAGE,
            "itemsPerPage",
            format!("{listed} are listed; expected their number"),
        );
    }
}

/// Whether the list is read by cursors, whose pages have no numbers; checks the cursors.
fn cursors(call: &Call<'_>, body: &Value, found: &mut Findings) -> bool {
    let mut by_cursor = call.parameter("cursor").is_some() || call.sent_member("cursor").is_some();
    for name in ["nextCursor", "previousCursor"] {
        let given = body.get(name).filter(|given| !given.is_null());
        by_cursor |= given.is_some();
        match given {
            None => {}
            Some(Value::String(text)) if !text.is_empty() => {}
            Some(Value::String(_)) => {
                found.at(
                    &points::LIST_CURSOR,
                    name,
                    "an empty text; expected a cursor",
                );
            }
            other => found.at(
                &points::LIST_CURSOR,
                name,
                format!("{}; expected a string", kind_of(other)),
            ),
        }
    }
    by_cursor
}

fn type_of(call: &Call<'_>, one: &Value) -> Option<ResourceKind> {
    match call.endpoint {
        Endpoint::Collection(kind) | Endpoint::Search(Some(kind)) => Some(kind),
        _ if names(one, "urn:ietf:params:scim:schemas:core:2.0:User") => Some(ResourceKind::User),
        _ if names(one, "urn:ietf:params:scim:schemas:core:2.0:Group") => Some(ResourceKind::Group),
        _ => None,
    }
}

/// Checks that a resource matches a simple filter. RFC 7643 §3.1, §4.1.1: `userName` and
/// `displayName` are compared without case, `id` and `externalId` exactly.
fn matches(call: &Call<'_>, one: &Value, place: &str, found: &mut Findings) {
    let filter = call
        .parameter("filter")
        .or_else(|| call.sent_member("filter")?.as_str());
    let Some((name, wanted)) = filter.and_then(simple) else {
        return;
    };
    let exact = match name.to_ascii_lowercase().as_str() {
        "username" | "displayname" => false,
        "id" | "externalid" => true,
        _ => return,
    };
    let given = one
        .as_object()
        .into_iter()
        .flatten()
        .find(|(other, _)| other.eq_ignore_ascii_case(name))
        .and_then(|(_, value)| value.as_str());
    let fits = given.is_none_or(|given| match exact {
        true => given == wanted,
        false => fold(given) == fold(&wanted),
    });
    if !fits {
        found.at(
            &points::LIST_FILTER,
            format!("{place}.{name}"),
            "a value that the filter does not match",
        );
    }
}

/// `name eq "value"` and nothing else.
fn simple(filter: &str) -> Option<(&str, String)> {
    let (name, rest) = filter.trim().split_once(char::is_whitespace)?;
    let (operator, value) = rest.trim_start().split_once(char::is_whitespace)?;
    if !operator.eq_ignore_ascii_case("eq") {
        return None;
    }
    Some((name, serde_json::from_str(value).ok()?))
}
