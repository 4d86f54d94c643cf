//! Strict JSON reader: only RFC 8259, no duplicate keys, limited nesting.

use std::collections::BTreeSet;

use jiter::{Jiter, JiterError, JiterErrorType, Peek};

use super::{Json, Member};
use crate::fold;

/// A parsed JSON text, with its source to locate errors.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a> {
    source: &'a [u8],
}

/// Why a text was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) flaw: Flaw,
    /// A message that includes the place.
    pub(crate) detail: String,
}

/// The kind of fault in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// Not UTF-8, or with a byte order mark.
    Encoding,
    /// An empty text.
    Missing,
    /// Not JSON.
    Syntax,
    /// An object with a duplicate key.
    DuplicateKey,
    /// Nested deeper than the limit.
    TooDeep,
}

/// Line and column (in characters), both from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    line: usize,
    column: usize,
}

/// Reads one JSON value.
pub(crate) fn read(source: &[u8], depth: usize) -> Result<(Json, Source<'_>), Fault> {
    let reading = Source { source };
    if let Err(error) = std::str::from_utf8(source) {
        let place = reading.place(error.valid_up_to());
        return Err(Flaw::Encoding.at(format!(
            "The body is not UTF-8 at {place}. Send UTF-8 without a byte order mark."
        )));
    }
    if source.starts_with("\u{feff}".as_bytes()) {
        return Err(Flaw::Encoding.at(
            "The body begins with a byte order mark at line 1, column 1. Send UTF-8 without one."
                .to_owned(),
        ));
    }
    if source.iter().all(u8::is_ascii_whitespace) {
        return Err(Flaw::Missing
            .at("The request has no body at line 1, column 1. Send a JSON document.".to_owned()));
    }
    let mut reader = Reader {
        jiter: Jiter::new(source),
        reading,
        depth,
    };
    let peek = reader.jiter.peek().map_err(|error| reader.syntax(&error))?;
    let value = reader.value(peek, 0)?;
    reader
        .jiter
        .finish()
        .map_err(|error| reader.syntax(&error))?;
    Ok((value, reading))
}

struct Reader<'a> {
    jiter: Jiter<'a>,
    reading: Source<'a>,
    depth: usize,
}

impl Reader<'_> {
    fn value(&mut self, peek: Peek, depth: usize) -> Result<Json, Fault> {
        if matches!(peek, Peek::Array | Peek::Object) && depth == self.depth {
            let place = self.reading.place(self.jiter.current_index());
            return Err(Flaw::TooDeep.at(format!(
                "The body nests deeper than {} levels at {place}.",
                self.depth
            )));
        }
        let value = match peek {
            Peek::Null => self.jiter.known_null().map(|()| Json::Null),
            Peek::True | Peek::False => self.jiter.known_bool(peek).map(Json::Bool),
            Peek::String => self
                .jiter
                .known_str()
                .map(|text| Json::String(text.to_owned())),
            Peek::Array => return self.array(depth),
            Peek::Object => return self.object(depth),
            _ => return self.number(peek),
        };
        value.map_err(|error| self.syntax(&error))
    }

    /// A number as written, within the range of IEEE 754 doubles (RFC 8259 §6). Beyond it, readers
    /// disagree on the value.
    fn number(&mut self, peek: Peek) -> Result<Json, Fault> {
        let place = self.jiter.current_index();
        let text = self
            .jiter
            .known_number_bytes(peek)
            .map(|text| String::from_utf8_lossy(text).into_owned())
            .map_err(|error| self.syntax(&error))?;
        if text.parse::<f64>().is_ok_and(f64::is_finite) {
            return Ok(Json::Number(text));
        }
        let place = self.reading.place(place);
        Err(Flaw::Syntax.at(format!("The number at {place} is out of range.")))
    }

    fn array(&mut self, depth: usize) -> Result<Json, Fault> {
        let mut elements = Vec::new();
        let mut next = self.jiter.known_array();
        loop {
            match next {
                Ok(Some(peek)) => elements.push(self.value(peek, depth + 1)?),
                Ok(None) => return Ok(Json::Array(elements)),
                Err(error) => return Err(self.syntax(&error)),
            }
            next = self.jiter.array_step();
        }
    }

    fn object(&mut self, depth: usize) -> Result<Json, Fault> {
        let mut members: Vec<Member> = Vec::new();
        let mut seen = Seen::default();
        let mut next = self.jiter.known_object().map(|key| key.map(str::to_owned));
        loop {
            let name = match next {
                Ok(Some(name)) => name,
                Ok(None) => return Ok(Json::Object(members)),
                Err(error) => return Err(self.syntax(&error)),
            };
            let end_of_key = self.jiter.current_index();
            if !seen.first_time(&members, &name) {
                return Err(self.reading.duplicate(&name, end_of_key));
            }
            let peek = self.jiter.peek().map_err(|error| self.syntax(&error))?;
            let value = self.value(peek, depth + 1)?;
            members.push(Member {
                name,
                value,
                end_of_key: u32::try_from(end_of_key).unwrap_or(0),
            });
            next = self.jiter.next_key().map(|key| key.map(str::to_owned));
        }
    }

    fn syntax(&self, error: &JiterError) -> Fault {
        let place = self.reading.place(error.index);
        let reason = match &error.error_type {
            JiterErrorType::JsonError(kind) => kind.to_string(),
            JiterErrorType::WrongType { expected, actual } => {
                format!("expected {expected} but found {actual}")
            }
        };
        Flaw::Syntax.at(format!("The body is not JSON at {place}: {reason}."))
    }
}

/// The keys of one object, compared without case (RFC 7643 §2.1). A few ASCII keys are scanned;
/// more, or others, are folded once each into a set.
#[derive(Default)]
struct Seen(BTreeSet<String>);

impl Seen {
    const SCAN: usize = 16;

    fn first_time(&mut self, members: &[Member], name: &str) -> bool {
        if self.0.is_empty() {
            if members.len() < Self::SCAN && name.is_ascii() {
                return members
                    .iter()
                    .all(|member| !member.name.eq_ignore_ascii_case(name));
            }
            let names = members.iter();
            self.0
                .extend(names.map(|member| fold::key(&member.name).into_owned()));
        }
        self.0.insert(fold::key(name).into_owned())
    }
}

// === impl Flaw ===

impl Flaw {
    fn at(self, detail: impl Into<String>) -> Fault {
        Fault {
            flaw: self,
            detail: detail.into(),
        }
    }
}

// === impl Source ===

impl Source<'_> {
    /// Describes a duplicate key; `end_of_key` is the offset after the second occurrence.
    pub(crate) fn duplicate(&self, name: &str, end_of_key: usize) -> Fault {
        let place = self.place(self.start_of_key(end_of_key));
        Flaw::DuplicateKey.at(format!(
            "The key {name:?} at {place} appears twice in one object. Send each attribute once."
        ))
    }

    /// Returns the line and column of an offset.
    fn place(&self, offset: usize) -> Place {
        let before = self.source.get(..offset).unwrap_or(self.source);
        let line_start = before
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |newline| newline + 1);
        Place {
            line: before.iter().filter(|byte| **byte == b'\n').count() + 1,
            column: String::from_utf8_lossy(before.get(line_start..).unwrap_or_default())
                .chars()
                .count()
                + 1,
        }
    }

    /// Returns the offset of the opening quote of the key that ends before `end_of_key`.
    fn start_of_key(&self, end_of_key: usize) -> usize {
        let before = self.source.get(..end_of_key).unwrap_or_default();
        let Some(closing) = before.iter().rposition(|byte| *byte == b'"') else {
            return end_of_key;
        };
        let mut at = closing;
        while let Some(quote) = before
            .get(..at)
            .and_then(|text| text.iter().rposition(|byte| *byte == b'"'))
        {
            let escapes = before
                .get(..quote)
                .unwrap_or_default()
                .iter()
                .rev()
                .take_while(|byte| **byte == b'\\')
                .count();
            if escapes % 2 == 0 {
                return quote;
            }
            at = quote;
        }
        closing
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// Returns the last place in a detail as line and column. Text quoted from the client comes before
/// it.
pub(crate) fn place_in(detail: &str) -> Option<(usize, usize)> {
    let (before, after) = detail.rsplit_once(", column ")?;
    let (_, line) = before.rsplit_once("line ")?;
    let column = after.split(|c: char| !c.is_ascii_digit()).next()?;
    Some((line.parse().ok()?, column.parse().ok()?))
}
