//! Strict reading of a request's query. Refuses anything that another reader could take for a
//! parameter that a rule reads, or for another method.
//!
//! Readers differ in how they split parameters (at `&`; old Java, Python and Perl also at `;`), in
//! how often they decode, and in which names they treat as equal: PHP turns `a.b` and `a b` into
//! `a_b`; Rails, PHP and Node's qs read `a[]` and `a[0]` as `a`; others cut at NUL or ignore case
//! or underscores.

use super::percent::decode;
use crate::fold;
use crate::rules::{Refusal, route};

/// Parameters that some applications accept as the request's method.
const OVERRIDES: &[&str] = &["xhttpmethod", "xhttpmethodoverride", "xmethodoverride"];

/// How often a name may be decoded: by a proxy, the server and the application.
const DECODINGS: usize = 3;

/// The query of a request.
#[derive(Clone, Default)]
pub(crate) struct Query {
    /// The parameters in order, split as RFC 3986 and HTML forms do.
    pub(crate) parameters: Vec<Parameter>,
    /// Every name that some reader could find.
    found: Vec<Found>,
    /// The raw query contains a semicolon or a number sign.
    is_split: bool,
}

/// A parameter of the query.
#[derive(Clone)]
pub(crate) struct Parameter {
    /// Decoded.
    pub(crate) name: String,
    /// Decoded, `+` as space.
    pub(crate) value: String,
    /// The value as sent.
    pub(crate) raw_value: String,
}

/// A name as lenient readers see it: letters and digits only, case-folded.
#[derive(Clone)]
struct Found {
    whole: String,
    /// The part before a bracket or similar separator.
    first: String,
}

/// Parses a query.
pub(super) fn parse(text: &str) -> Result<Query, Refusal> {
    let mut query = Query {
        is_split: text.contains([';', '#']),
        ..Query::default()
    };
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        query.parameters.push(parameter(pair)?);
    }
    for piece in text
        .split(['&', ';', '#'])
        .filter(|piece| !piece.is_empty())
    {
        let name = piece.split('=').next().unwrap_or_default();
        for name in names(name) {
            if is_override(&name) {
                return Err(route::AMBIGUOUS_QUERY.because(
                    "The query has a parameter _method, which some applications use as the method. Send the real method.",
                ));
            }
            query.found.push(Found::new(&name));
        }
    }
    Ok(query)
}

/// Returns what a name could become after further decoding: several names if it contains encoded
/// separators.
fn names(raw: &str) -> Vec<String> {
    let mut name = raw.replace('+', " ");
    for _ in 0..DECODINGS {
        match decode(&name) {
            Some(decoded) if decoded != name => name = decoded,
            _ => break,
        }
    }
    let names = name.split(['&', ';', '=', '?', '#']);
    let names = names.map(|name| name.split('\0').next().unwrap_or_default().to_owned());
    names.filter(|name| !name.is_empty()).collect()
}

fn parameter(pair: &str) -> Result<Parameter, Refusal> {
    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
    let decode = |text: &str| {
        decode(&text.replace('+', "%20")).ok_or_else(|| {
            route::AMBIGUOUS_QUERY
                .because("The query has a percent-encoding that is invalid or not UTF-8. Send each byte of a character in UTF-8 as % and two hexadecimal digits.")
        })
    };
    Ok(Parameter {
        name: decode(name)?,
        value: decode(value)?,
        raw_value: value.to_owned(),
    })
}

/// Whether a reader could take a name for `_method` or for a header that overrides the method.
fn is_override(name: &str) -> bool {
    let name = fold::key(name);
    let is_sign = |c: char| !c.is_alphanumeric();
    let mut parts = name.split(['[', ']']);
    let is_method = parts.any(|part| {
        let part = part.trim_end_matches(is_sign);
        part.strip_suffix("method")
            .is_some_and(|before| !before.is_empty() && before.chars().all(is_sign))
    });
    is_method || OVERRIDES.contains(&letters(&name).as_str())
}

fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).collect()
}

// === impl Found ===

impl Found {
    fn new(name: &str) -> Self {
        let name = fold::key(name);
        let is_separator = |c: char| !c.is_alphanumeric() && !matches!(c, '_' | '-');
        let mut parts = name.split(is_separator).map(letters);
        Self {
            whole: letters(&name),
            first: parts.find(|part| !part.is_empty()).unwrap_or_default(),
        }
    }

    fn may_be(&self, wanted: &str) -> bool {
        self.whole == wanted || self.first == wanted
    }
}

// === impl Query ===

impl Query {
    /// Refuses the query of a write that readers split in different ways.
    pub(crate) fn unambiguous(&self) -> Result<(), Refusal> {
        if self.is_split {
            return Err(route::AMBIGUOUS_QUERY.because(
                "The query contains a semicolon or a number sign, where some applications split it. Separate parameters by &, and send %3B or %23 within a value.",
            ));
        }
        Ok(())
    }

    /// Returns a parameter that a rule reads. It may occur once, in any case, and no other
    /// parameter may resemble it.
    pub(crate) fn parameter(&self, name: &str) -> Result<Option<&Parameter>, Refusal> {
        let wanted = letters(&fold::key(name));
        let found = self.found.iter().filter(|found| found.may_be(&wanted));
        let mut same = self.parameters.iter();
        let same = same.find(|parameter| parameter.name.eq_ignore_ascii_case(name));
        match (found.count(), same) {
            (0, None) => Ok(None),
            (1, Some(parameter)) if parameter.would_split() => {
                Err(route::AMBIGUOUS_QUERY.because(format!(
                    "The value of the query parameter {name} contains one of & ; # ?, where an application that forwards it could split it. Remove the character."
                )))
            }
            (1, Some(parameter)) if parameter.has_one_reading() => Ok(Some(parameter)),
            _ => Err(route::AMBIGUOUS_QUERY.because(format!(
                "The query parameter {name} can be read in two ways. Send it once, as {name}=…"
            ))),
        }
    }
}

// === impl Parameter ===

impl Parameter {
    /// Whether the value would become several parameters if the application copied it into the path
    /// or query of another call.
    fn would_split(&self) -> bool {
        !self.raw_value.contains([';', '#']) && self.value.contains(['&', ';', '#', '?'])
    }

    /// Whether readers that split at semicolons or decode twice see the same value.
    fn has_one_reading(&self) -> bool {
        let again = decode(&self.value);
        !self.raw_value.contains([';', '#']) && again.is_none_or(|again| again == self.value)
    }
}
