//! Normalises client messages to canonical SCIM and lists the changes.
//!
//! Shapes, names and types come from the schema tables; the result is checked against the JSON
//! Schemas that are derived from them, and against the account's own.

pub(crate) mod coerce;
mod envelope;
pub(crate) mod members;
pub(crate) mod patch;
pub(crate) mod query;
pub(crate) mod replacement;
pub(crate) mod resource;
pub(crate) mod search;
mod step;
pub(crate) mod value_paths;

use std::collections::BTreeSet;
use std::fmt::{self, Display, Formatter};

use crate::json::{Json, Source};
use crate::message::Normalisation;
use crate::rules::{Refusal, Rule, cut, normalise, scim};
use crate::scim::location::Bases;
use crate::scim::shape::Shape;

/// Number of changes listed for one message; beyond it, only new kinds of change are listed.
const MAX_CHANGES: usize = 1000;
/// How many bytes of the message a change may quote.
const MAX_TEXT: usize = 300;

/// Normalises one message.
pub(crate) struct Normaliser<'a> {
    pub(crate) shape: &'a Shape,
    /// Bases under which references to users are accepted.
    pub(crate) bases: &'a Bases,
    pub(crate) reading: Source<'a>,
    pub(crate) changes: Vec<Normalisation>,
    /// The rules of the changes listed so far.
    listed: BTreeSet<&'static str>,
}

/// The place of a value in a message. Formatted only when an error or a change reports it.
#[derive(Clone, Copy)]
pub(crate) enum Place<'a> {
    /// Such as `emails` or `Operations[2].value`.
    At(&'a str),
    /// A member of an object.
    Member(&'a Place<'a>, &'a str),
    /// An element of a list.
    Element(&'a Place<'a>, usize),
}

// === impl Place ===

impl Display for Place<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(place) => f.write_str(place),
            Self::Member(around, name) => write!(f, "{around}.{name}"),
            Self::Element(list, index) => write!(f, "{list}[{index}]"),
        }
    }
}

// === impl Normaliser ===

impl<'a> Normaliser<'a> {
    pub(crate) fn new(shape: &'a Shape, bases: &'a Bases, reading: Source<'a>) -> Self {
        Self {
            shape,
            bases,
            reading,
            changes: Vec::new(),
            listed: BTreeSet::new(),
        }
    }

    /// Records a change.
    pub(crate) fn changed(
        &mut self,
        rule: &'static Rule,
        path: impl Display,
        detail: impl Into<String>,
    ) {
        let is_new = self.listed.insert(rule.id);
        if is_new || self.changes.len() < MAX_CHANGES {
            let change = rule.normalisation(&path.to_string(), &detail.into());
            self.changes.push(Normalisation {
                path: cut(change.path, MAX_TEXT),
                detail: cut(change.detail, MAX_TEXT),
                ..change
            });
        }
    }

    /// Unwraps a list of one value where a single value belongs.
    pub(crate) fn only(&mut self, value: Json, place: &str) -> Json {
        match value {
            Json::Array(mut elements) if elements.len() == 1 => {
                self.changed(
                    &normalise::LIST,
                    format!("{place}.value"),
                    "the only value of a list was taken",
                );
                elements.pop().unwrap_or(Json::Null)
            }
            value => value,
        }
    }

    /// Drops an attribute that a schema defines but the policy does not sync.
    pub(crate) fn not_synced(&mut self, path: impl Display, name: &str) {
        self.changed(
            &normalise::NOT_SYNCED,
            path,
            format!("{name} is not synced"),
        );
    }

    /// Drops, or refuses, an attribute that no schema defines.
    pub(crate) fn unknown(&mut self, path: impl Display, name: &str) -> Result<(), Refusal> {
        if self.shape.reject_unknown {
            return Err(scim::SCHEMA_UNKNOWN_ATTRIBUTE.because(format!(
                "{path}: no schema defines the attribute {name:?}. Correct the mapping in the identity provider."
            )));
        }
        self.changed(&normalise::NOT_SYNCED, path, format!("{name} is not known"));
        Ok(())
    }

    /// Records that a name was written in another case.
    pub(crate) fn renamed(&mut self, path: impl Display, given: &str, canonical: &str) {
        if given != canonical {
            self.changed(
                &normalise::NAME,
                path,
                format!("{given} is written {canonical}"),
            );
        }
    }
}

/// Checks the `schemas` of a message that must name exactly one URN.
pub(crate) fn message_schemas(value: &Json, urn: &str, what: &str) -> Result<(), Refusal> {
    let urns = match value {
        Json::Array(urns) if !urns.is_empty() => urns.as_slice(),
        one @ Json::String(_) => std::slice::from_ref(one),
        _ => {
            return Err(scim::SCHEMA_MISSING_URN
                .because(format!("schemas is missing or empty. Send [\"{urn}\"].")));
        }
    };
    let is_right = |given: &Json| {
        given
            .as_str()
            .is_some_and(|given| given.eq_ignore_ascii_case(urn))
    };
    if urns.iter().all(is_right) {
        return Ok(());
    }
    Err(scim::SCHEMA_WRONG_URN.because(format!("schemas does not name {what}. Send [\"{urn}\"].")))
}

/// Finds the member of an object by name, ignoring case.
pub(crate) fn member<'j>(object: &'j Json, name: &str) -> Option<&'j Json> {
    match object {
        Json::Object(members) => members
            .iter()
            .find(|member| member.name.eq_ignore_ascii_case(name))
            .map(|member| &member.value),
        _ => None,
    }
}
