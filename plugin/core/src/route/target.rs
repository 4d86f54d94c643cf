//! The request target, split without losing the client's spelling, and what makes it ambiguous.

use super::percent::decode;
use super::query::{self, Query};
use crate::fold;
use crate::plain::{hidden, is_bidirectional_override};
use crate::rules::{Refusal, route};

/// A request target.
#[derive(Clone)]
pub(crate) struct Target {
    /// Segments as sent, without a trailing empty one.
    pub(crate) raw: Vec<String>,
    /// The same segments, percent-decoded once.
    pub(crate) segments: Vec<String>,
    /// What makes the target ambiguous.
    pub(crate) ambiguity: Option<&'static str>,
    pub(crate) query: Query,
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
            query: query::parse(query)?,
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
        Ok(target)
    }

    /// Returns the path as a lenient application could read it: decoded twice, `\` as `/`, without
    /// parameters, dot segments and empty segments, case-folded.
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
                    _ => path.push(fold::key(part).into_owned()),
                }
            }
        }
        path
    }

    /// Refuses an ambiguous target.
    pub(crate) fn unambiguous(&self) -> Result<(), Refusal> {
        self.ambiguity.map_or(Ok(()), |why| Err(ambiguous(why)))
    }

    /// Returns the path with case-folded segments.
    pub(crate) fn folded(&self) -> Vec<String> {
        let segments = self.segments.iter();
        segments
            .map(|segment| fold::key(segment).into_owned())
            .collect()
    }
}

/// Refuses an ambiguous path.
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
    if segment.trim() != segment {
        return Some("it has white space around a part of it");
    }
    let known = segment.chars().find_map(|c| match c {
        '/' => Some("it has an encoded slash"),
        '\\' => Some("it has a backslash"),
        ';' => Some("it has a semicolon"),
        '%' => Some("it is encoded twice"),
        c if c.is_control() => Some("it has a control character"),
        c if is_bidirectional_override(c) => Some("it has a bidirectional override"),
        _ => None,
    });
    let is_invisible = || hidden(segment).any(|c| !c.is_whitespace());
    known.or_else(|| is_invisible().then_some("it has an invisible character"))
}
