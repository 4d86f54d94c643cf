//! The query of a SCIM call (RFC 7644 §3.4.2, §3.9, RFC 9865 §2): known parameters, each once, in
//! canonical form.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::json::Json;
use crate::message::Normalisation;
use crate::route::ScimCall;
use crate::route::scim::{LIST_PARAMETERS, Operation};
use crate::rules::{Refusal, normalise, route, scim};
use crate::scim::asked::{Asked, asked, canonical_filter};
use crate::scim::shape::{Resolved, Shape};
use crate::scim::{Profile, grammar};

/// Characters that must be encoded in a part of a URL (RFC 3986 §2.3).
pub(crate) const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The parameters that apply to a call for one resource.
const RESOURCE: &[&str] = &["attributes", "excludedAttributes"];

/// The largest `startIndex` and `count` that are forwarded: every application can read it.
const MOST: u32 = i32::MAX.unsigned_abs();

/// Returns the canonical query without `?`; empty if nothing is left.
pub(crate) fn canonical(
    call: &ScimCall,
    shapes: &[&Shape],
    changes: &mut Vec<Normalisation>,
) -> Result<String, Refusal> {
    let known = match call.operation {
        Operation::List(_) | Operation::Discover(_) => LIST_PARAMETERS,
        Operation::Delete(..) | Operation::Search(_) => &[],
        _ => RESOURCE,
    };
    let mut change = |name: &str, detail: String| {
        changes.push(normalise::QUERY.normalisation(&format!("?{name}"), &detail));
    };
    let mut written: Vec<(&str, String)> = Vec::new();
    let plus = Plus::of(call);
    for (given, value, raw) in &call.query {
        let value = plus.read(value, raw);
        let Some(name) = known
            .iter()
            .find(|name| name.eq_ignore_ascii_case(given.trim()))
        else {
            change(given, "the parameter is unknown".to_owned());
            continue;
        };
        if written.iter().any(|(other, _)| other == name) {
            return Err(route::AMBIGUOUS_QUERY.because(format!(
                "The query parameter {name} appears twice. Send it once."
            )));
        }
        if name != given {
            change(name, format!("{given} is written {name}"));
        }
        let canonical = parameter(name, &value, shapes)?;
        if canonical != value {
            change(name, format!("written as {canonical}"));
        }
        // A canonical value keeps the client's encoding, unless it contains an ambiguous `+`.
        let encoded = if canonical == value && !raw.contains('+') && is_encoded(raw) {
            raw.clone()
        } else {
            utf8_percent_encode(&canonical, RESERVED).to_string()
        };
        written.push((name, encoded));
    }
    one_way_of_paging(written.iter().map(|(name, _)| *name))?;
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

/// The meaning of a bare `+` in a query. In forms it is a space; a client that encodes spaces as
/// `%20` means a literal plus, as in an e-mail address in a filter.
#[derive(Clone, Copy)]
enum Plus {
    Itself,
    Space,
}

impl Plus {
    fn of(call: &ScimCall) -> Self {
        match call.query.iter().any(|(_, _, raw)| raw.contains("%20")) {
            true => Self::Itself,
            false => Self::Space,
        }
    }

    /// Returns the value of a parameter whose decoded form has a space for each `+`.
    fn read<'v>(self, decoded: &'v str, raw: &'v str) -> Cow<'v, str> {
        match self {
            Self::Itself if raw.contains('+') => percent_decode_str(raw).decode_utf8_lossy(),
            Self::Itself | Self::Space => Cow::Borrowed(decoded),
        }
    }
}

/// RFC 9865 §2: `startIndex` and `cursor` select different paging methods and exclude each other.
pub(super) fn one_way_of_paging<'n>(names: impl Iterator<Item = &'n str>) -> Result<(), Refusal> {
    let ways: Vec<&str> = names
        .filter(|name| matches!(*name, "startIndex" | "cursor"))
        .collect();
    match ways.len() {
        0 | 1 => Ok(()),
        _ => Err(scim::SCHEMA_INVALID_VALUE
            .because("startIndex and cursor select two paging methods at once. Send one of them.")),
    }
}

/// Whether a canonical query asks for the first page of results, and not only for their number.
pub(crate) fn is_from_start(query: &str) -> bool {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.into_iter().all(|(name, value)| starts(name, value))
}

pub(super) fn starts(name: &str, value: &str) -> bool {
    match name {
        "startIndex" => value == "1",
        "count" => value != "0",
        "cursor" => value.is_empty(),
        _ => true,
    }
}

/// Brings one parameter to canonical form; without shapes, attributes are unknown.
pub(super) fn parameter(name: &str, value: &str, shapes: &[&Shape]) -> Result<String, Refusal> {
    let invalid =
        |why: String| scim::FILTER_INVALID.because(format!("The query parameter {name}: {why}."));
    let invalid_value = |why: &str| {
        scim::SCHEMA_INVALID_VALUE.because(format!(
            "The query parameter {name} is {}: {why}.",
            Json::string(value)
        ))
    };
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
                    "only eq and `and` are allowed in the interoperability profile".to_owned(),
                ));
            }
            let canonical = match shapes.is_empty() {
                true => filter,
                false => canonical_filter(shapes, filter).map_err(invalid)?,
            };
            Ok(canonical.to_string())
        }
        "sortBy" if shapes.is_empty() => Ok(value.to_owned()),
        "sortBy" => match asked(shapes, value).map_err(invalid)? {
            Asked::Targets(targets) => Ok(targets
                .first()
                .map_or_else(|| value.to_owned(), |target| target.name().into_owned())),
            Asked::Schemas => Err(invalid("schemas has no order".to_owned())),
        },
        "sortOrder" => match value.to_ascii_lowercase().as_str() {
            order @ ("ascending" | "descending") => Ok(order.to_owned()),
            _ => Err(invalid_value("send ascending or descending")),
        },
        // RFC 7644 §3.4.2.4: less than 1 is 1, negative is 0.
        "startIndex" => {
            bounded(value, 1).ok_or_else(|| invalid_value("send a whole number of at least 1"))
        }
        "count" => {
            bounded(value, 0).ok_or_else(|| invalid_value("send a whole number of at least 0"))
        }
        // RFC 9865 §2: a cursor is opaque to everyone except the application.
        "cursor" => Ok(value.to_owned()),
        _ => Ok(value
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .map(|name| attribute_name(name, shapes))
            .collect::<Vec<_>>()
            .join(",")),
    }
}

/// Clamps a whole number of any size to the range.
fn bounded(value: &str, least: u32) -> Option<String> {
    let (is_negative, digits) = match value.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, value.strip_prefix('+').unwrap_or(value)),
    };
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let number = match is_negative {
        true => least,
        // A number that does not fit exceeds the maximum.
        false => digits.parse().unwrap_or(MOST),
    };
    Some(number.clamp(least, MOST).to_string())
}

/// Writes an attribute name in the schema's case; unknown names stay, as the backend ignores them.
pub(super) fn attribute_name(name: &str, shapes: &[&Shape]) -> String {
    shapes
        .iter()
        .find_map(|shape| match shape.resolve(name) {
            Resolved::Attribute(target) => Some(target.name().into_owned()),
            Resolved::Schema(schema) => Some(schema.id.clone()),
            Resolved::Schemas => Some("schemas".to_owned()),
            Resolved::Unknown => None,
        })
        .unwrap_or_else(|| name.to_owned())
}
