//! The query of a SCIM call (RFC 7644 §3.4.2, §3.9): known parameters, each once, in canonical form.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::message::Change;
use crate::policy::Profile;
use crate::refusal::Refusal;
use crate::route::ScimCall;
use crate::route::scim::Operation;
use crate::rules::{normalise, route, scim};
use crate::scim::grammar;
use crate::scim::shape::{Resolved, Shape};

/// What has to be encoded in a part of a URL (RFC 3986 §2.3).
pub(crate) const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The parameters that a kind of call knows.
pub(crate) const LIST: &[&str] = &[
    "filter",
    "sortBy",
    "sortOrder",
    "startIndex",
    "count",
    "attributes",
    "excludedAttributes",
];
const RESOURCE: &[&str] = &["attributes", "excludedAttributes"];

/// The canonical query, without `?`; empty if nothing is left.
pub(crate) fn canonical(
    call: &ScimCall,
    shapes: &[&Shape],
    changes: &mut Vec<Change>,
) -> Result<String, Refusal> {
    let known = match call.operation {
        Operation::List(_) | Operation::Discover(_) => LIST,
        Operation::Delete(..) | Operation::Search(_) => &[],
        _ => RESOURCE,
    };
    let mut change = |name: &str, detail: String| {
        changes.push(Change {
            rule: normalise::QUERY.id.to_owned(),
            path: format!("?{name}"),
            detail,
        });
    };
    let mut written: Vec<(&str, String)> = Vec::new();
    for (given, value, raw) in &call.query {
        let Some(name) = known
            .iter()
            .find(|name| name.eq_ignore_ascii_case(given.trim()))
        else {
            change(given, "the parameter is not known here".to_owned());
            continue;
        };
        if written.iter().any(|(other, _)| other == name) {
            return Err(route::AMBIGUOUS_QUERY.because(format!(
                "The query parameter {name} is there twice. Send it once."
            )));
        }
        if name != given {
            change(name, format!("{given} is written {name}"));
        }
        let canonical = parameter(name, value, shapes)?;
        if canonical != *value {
            change(name, format!("written as {canonical}"));
        }
        // What is canonical already stays as the client encoded it, unless `+` leaves doubt.
        let encoded = if canonical == *value && !raw.contains('+') && is_encoded(raw) {
            raw.clone()
        } else {
            utf8_percent_encode(&canonical, RESERVED).to_string()
        };
        written.push((name, encoded));
    }
    Ok(written
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect::<Vec<_>>()
        .join("&"))
}

fn is_encoded(raw: &str) -> bool {
    raw.bytes()
        .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'<' | b'>' | b'#' | b'\\'))
}

/// One parameter in canonical form; without shapes nothing is known of attributes.
pub(super) fn parameter(name: &str, value: &str, shapes: &[&Shape]) -> Result<String, Refusal> {
    let invalid =
        |why: String| scim::FILTER_INVALID.because(format!("The query parameter {name}: {why}."));
    match name {
        "filter" => {
            let filter = grammar::filter(value).map_err(|error| {
                invalid(format!(
                    "at column {}, expected {}",
                    error.column, error.expected
                ))
            })?;
            if !filter.is_of_equalities() && shapes.iter().any(|s| s.profile == Profile::Interop) {
                return Err(invalid(
                    "only eq and `and` are possible in the interoperability profile".to_owned(),
                ));
            }
            let written = first_fitting(shapes, |shape| shape.canonical_filter(filter.clone()));
            Ok(written.map_err(invalid)?.unwrap_or(filter).to_string())
        }
        "sortBy" => Ok(first_fitting(shapes, |shape| asked(shape, value))
            .map_err(invalid)?
            .unwrap_or_else(|| value.to_owned())),
        "sortOrder" => match value.to_ascii_lowercase().as_str() {
            order @ ("ascending" | "descending") => Ok(order.to_owned()),
            _ => Err(invalid("expected ascending or descending".to_owned())),
        },
        // RFC 7644 §3.4.2.4: less than 1 is 1, negative is 0.
        "startIndex" => bounded(value, 1).map_err(invalid),
        "count" => bounded(value, 0).map_err(invalid),
        _ => Ok(value
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .map(|name| attribute_name(name, shapes))
            .collect::<Vec<_>>()
            .join(",")),
    }
}

/// What the first of several resource types makes of it that can; `None` without types.
fn first_fitting<T>(
    shapes: &[&Shape],
    fit: impl Fn(&Shape) -> Result<T, String>,
) -> Result<Option<T>, String> {
    let mut refused = None;
    for shape in shapes {
        match fit(shape) {
            Ok(fitting) => return Ok(Some(fitting)),
            Err(why) => refused = refused.or(Some(why)),
        }
    }
    refused.map_or(Ok(None), Err)
}

fn bounded(value: &str, least: i64) -> Result<String, String> {
    let number: i64 = value
        .parse()
        .map_err(|_| "expected a whole number".to_owned())?;
    Ok(number.max(least).to_string())
}

fn asked(shape: &Shape, name: &str) -> Result<String, String> {
    match shape.resolve(name) {
        Resolved::Attribute(target) => shape.askable(target).map(|()| target.name().into_owned()),
        _ => Err(format!("{name} is no attribute")),
    }
}

/// An attribute name in the schema's case; what is not known stays, the backend ignores it.
pub(super) fn attribute_name(name: &str, shapes: &[&Shape]) -> String {
    shapes
        .iter()
        .find_map(|shape| match shape.resolve(name) {
            Resolved::Attribute(target) => Some(target.name().into_owned()),
            Resolved::Extension(extension) => Some(extension.id.clone()),
            Resolved::Schemas => Some("schemas".to_owned()),
            Resolved::Unknown => None,
        })
        .unwrap_or_else(|| name.to_owned())
}
