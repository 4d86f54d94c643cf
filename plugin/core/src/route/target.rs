//! The request target, split without losing what the client wrote, and what about it could be read
//! in two ways.

use percent_encoding::percent_decode_str;

use crate::refusal::Refusal;
use crate::rules::route;

/// A request target.
#[derive(Clone)]
pub(crate) struct Target {
    /// Segments as sent, without a trailing empty one.
    pub(crate) raw: Vec<String>,
    /// The same, percent-decoded once.
    pub(crate) segments: Vec<String>,
    /// What could be read in two ways.
    pub(crate) ambiguity: Option<&'static str>,
    /// The parameters of the query, in order.
    pub(crate) query: Vec<Parameter>,
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

impl Target {
    /// Splits a path with its query.
    pub(crate) fn parse(path: &str) -> Result<Self, Refusal> {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let Some(rest) = path.strip_prefix('/') else {
            return Err(ambiguous("it does not begin with a slash"));
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let mut target = Self {
            raw: Vec::new(),
            segments: Vec::new(),
            ambiguity: path.contains('#').then_some("it has a fragment"),
            query: Vec::new(),
        };
        if !rest.is_empty() {
            for raw in rest.split('/') {
                let segment = decode(raw).ok_or_else(|| {
                    ambiguous("it has a percent-encoding that is invalid or not UTF-8")
                })?;
                target.ambiguity = target.ambiguity.or_else(|| ambiguity(raw, &segment));
                target.raw.push(raw.to_owned());
                target.segments.push(segment);
            }
        }
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            target.query.push(parameter(pair)?);
        }
        if target
            .query
            .iter()
            .any(|parameter| parameter.name.eq_ignore_ascii_case("_method"))
        {
            return Err(route::AMBIGUOUS_QUERY.because(
                "The query has a parameter _method, which some applications take for the method. Send the method itself.",
            ));
        }
        Ok(target)
    }

    /// The path as a lenient application could read it: decoded twice, `\` as `/`, without
    /// parameters, dot segments and empty segments, in lower case.
    pub(crate) fn lenient(&self) -> Vec<String> {
        let mut path: Vec<String> = Vec::new();
        for segment in &self.segments {
            let twice = decode(segment).unwrap_or_else(|| segment.clone());
            for part in twice.split(['/', '\\']) {
                let part = part.split(';').next().unwrap_or_default();
                match part {
                    "" | "." => {}
                    ".." => {
                        path.pop();
                    }
                    _ => path.push(part.to_lowercase()),
                }
            }
        }
        path
    }

    /// Refuses a target that could be read in two ways.
    pub(crate) fn unambiguous(&self) -> Result<(), Refusal> {
        self.ambiguity.map_or(Ok(()), |why| Err(ambiguous(why)))
    }

    /// The value of a parameter that a rule reads: its name in any case, at most once.
    pub(crate) fn parameter(&self, name: &str) -> Result<Option<&str>, Refusal> {
        let mut found = None;
        for parameter in &self.query {
            let bare = parameter.name.split(['[', ';']).next().unwrap_or_default();
            if !bare.trim().eq_ignore_ascii_case(name) {
                continue;
            }
            // Some applications split a query at semicolons too.
            let is_split = parameter.raw_value.contains(';');
            if found.is_some()
                || bare.len() != parameter.name.len()
                || bare.trim() != bare
                || is_split
            {
                return Err(route::AMBIGUOUS_QUERY.because(format!(
                    "The query parameter {name} can be read in two ways. Send it once, as {name}=…"
                )));
            }
            found = Some(parameter.value.as_str());
        }
        Ok(found)
    }
}

/// Whether a segment names something without doubt: not empty, no white space, no control character.
pub(crate) fn is_plain_name(segment: &str) -> bool {
    !segment.is_empty() && !segment.chars().any(|c| c.is_control() || c.is_whitespace())
}

/// The refusal of a path that could be read in two ways.
pub(crate) fn ambiguous(why: &str) -> Refusal {
    route::AMBIGUOUS_PATH.because(format!(
        "The path can be read in two ways: {why}. Send it in its plain form."
    ))
}

fn ambiguity(raw: &str, segment: &str) -> Option<&'static str> {
    if raw.is_empty() {
        return Some("it has two slashes in a row");
    }
    if segment == "." || segment == ".." {
        return Some("it has a dot segment");
    }
    segment.chars().find_map(|c| match c {
        '/' => Some("it has an encoded slash"),
        '\\' => Some("it has a backslash"),
        ';' => Some("it has a semicolon"),
        '%' => Some("it is encoded twice"),
        c if c.is_control() => Some("it has a control character"),
        c if is_bidirectional_override(c) => Some("it has a bidirectional override"),
        _ => None,
    })
}

/// Unicode TR 36 §2.4: characters that make text look like other text.
pub(crate) fn is_bidirectional_override(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{061c}')
}

fn decode(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%'
            && !(bytes.next().is_some_and(|hex| hex.is_ascii_hexdigit())
                && bytes.next().is_some_and(|hex| hex.is_ascii_hexdigit()))
        {
            return None;
        }
    }
    percent_decode_str(text)
        .decode_utf8()
        .ok()
        .map(std::borrow::Cow::into_owned)
}

fn parameter(pair: &str) -> Result<Parameter, Refusal> {
    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
    let decode = |text: &str| {
        decode(&text.replace('+', "%20")).ok_or_else(|| {
            route::AMBIGUOUS_QUERY
                .because("The query has a percent-encoding that is invalid or not UTF-8.")
        })
    };
    Ok(Parameter {
        name: decode(name)?,
        value: decode(value)?,
        raw_value: value.to_owned(),
    })
}
