//! The operations of a PATCH (RFC 7644 §3.5.2), one attribute each, in their order.

use std::collections::BTreeSet;

use super::step::Step;
use super::{Normaliser, member};
use crate::json::{Json, Member};
use crate::policy::Limits;
use crate::rules::{Refusal, normalise, scim};
use crate::scim::asked::canonical_value_filter;
use crate::scim::grammar;
use crate::scim::operation::{Operation, Verb};
use crate::scim::schema::Schema;
use crate::scim::shape::{Resolved, Target};

impl Normaliser<'_> {
    /// Returns the canonical operations; a PATCH without effect has none left.
    pub(crate) fn patch(&mut self, body: Json, limits: &Limits) -> Result<Vec<Operation>, Refusal> {
        let operations = self.envelope(body)?;
        if operations.len() > limits.operations {
            return Err(scim::PATCH_TOO_MANY.because(format!(
                "The PATCH has {} operations; at most {} are possible in one request.",
                operations.len(),
                limits.operations
            )));
        }
        let mut out = Vec::with_capacity(operations.len());
        for (index, operation) in operations.into_iter().enumerate() {
            let before = out.len();
            self.operation(operation, &format!("Operations[{index}]"), &mut out)?;
            for written in out.iter_mut().skip(before) {
                written.origin = index;
            }
        }
        Ok(out)
    }

    fn operation(
        &mut self,
        operation: Json,
        place: &str,
        out: &mut Vec<Operation>,
    ) -> Result<(), Refusal> {
        if !matches!(operation, Json::Object(_)) {
            return Err(scim::SCHEMA_INVALID_TYPE.because(format!(
                "{place} must be an object, not {}.",
                operation.kind()
            )));
        }
        let verb = self.verb(&operation, place)?;
        let path = match member(&operation, "path") {
            None | Some(Json::Null) => None,
            Some(Json::String(path)) => Some(path.clone()),
            Some(other) => {
                return Err(scim::PATCH_INVALID_PATH.because(format!(
                    "{place}.path must be a string, not {}.",
                    other.kind()
                )));
            }
        };
        let value = take_value(operation);
        if value.is_none() && verb != Verb::Remove {
            return Err(scim::PATCH_MISSING_VALUE.because(format!(
                "{place} has no value. An {} needs one.",
                verb.text()
            )));
        }
        match path {
            Some(path) => self.with_path(verb, &path, value, place, out),
            None if verb == Verb::Remove => Err(scim::PATCH_NO_TARGET
                .because(format!("{place} does not say what to remove. Send a path."))),
            None => self.without_path(verb, value.unwrap_or(Json::Null), place, out),
        }
    }

    fn verb(&mut self, operation: &Json, place: &str) -> Result<Verb, Refusal> {
        let given = member(operation, "op");
        let verb = given
            .and_then(Json::as_str)
            .and_then(|text| match text.to_ascii_lowercase().as_str() {
                "add" => Some(Verb::Add),
                "remove" => Some(Verb::Remove),
                "replace" => Some(Verb::Replace),
                _ => None,
            })
            .ok_or_else(|| {
                scim::PATCH_INVALID_OP.because(format!(
                    "{place}.op must be one of add, remove and replace{}.",
                    given.map_or_else(String::new, |given| format!(", not {given}"))
                ))
            })?;
        if let Some(text) = given.and_then(Json::as_str)
            && text != verb.text()
        {
            self.changed(
                &normalise::OP,
                place,
                format!("{text} is written {}", verb.text()),
            );
        }
        Ok(verb)
    }

    fn with_path(
        &mut self,
        verb: Verb,
        text: &str,
        value: Option<Json>,
        place: &str,
        out: &mut Vec<Operation>,
    ) -> Result<(), Refusal> {
        let invalid = |why: String| {
            scim::PATCH_INVALID_PATH.because(format!("{place}.path {text:?}: {why}."))
        };
        let path = grammar::path(text).map_err(|error| {
            invalid(format!(
                "at column {}, expected {}",
                error.column, error.expected
            ))
        })?;
        let shape = self.shape;
        let target = match shape.resolve(&path.name.0) {
            Resolved::Attribute(target) => target,
            Resolved::Schema(schema) => {
                if path.filter.is_some() {
                    return Err(invalid("a schema takes no filter".to_owned()));
                }
                if verb == Verb::Remove && schema.id == shape.resource.core.id {
                    return Err(scim::PATCH_NO_TARGET.because(format!(
                        "{place} names a whole schema, not an attribute. Name what to remove."
                    )));
                }
                if verb == Verb::Remove {
                    return self.remove_extension(schema, place, out);
                }
                let value = prefixed(value.unwrap_or(Json::Null), &schema.id);
                return self.without_path(verb, value, place, out);
            }
            Resolved::Schemas => {
                self.changed(
                    &normalise::NOT_SYNCED,
                    place,
                    "schemas follows from the attributes",
                );
                return Ok(());
            }
            Resolved::Unknown => match shape.dotted_urn(&path.name.0) {
                Some(urn) => return Err(invalid(behind_a_dot(urn))),
                None => return self.unknown(place, text),
            },
        };
        if path.filter.is_some() && target.sub.is_some() {
            return Err(invalid("a sub-attribute takes no filter".to_owned()));
        }
        let target = match (&path.sub, target.sub) {
            (None, _) => target,
            (Some(_), Some(_)) => {
                return Err(invalid("a sub-attribute has no sub-attribute".to_owned()));
            }
            (Some(sub), None) => match target.attribute.sub(sub) {
                Some(sub) => Target {
                    sub: Some(sub),
                    ..target
                },
                None => return self.unknown(place, text),
            },
        };
        if target.is_read_only() {
            return Err(scim::MUTABILITY_READ_ONLY.because(format!(
                "{place}: {} is read-only. Leave it out.",
                target.name()
            )));
        }
        if !shape.is_synced(target) {
            self.not_synced(place, &target.name());
            return Ok(());
        }
        let given_name = path.name.0.clone();
        let filter = path
            .filter
            .map(|filter| canonical_value_filter(target.without_sub(), filter))
            .transpose()
            .map_err(invalid)?;
        if let Some(filter) = &filter {
            let written = format!("[{filter}]");
            if !text.contains(&written) {
                self.changed(
                    &normalise::PATH,
                    place,
                    format!("the filter is written {written}"),
                );
            }
        }
        let step = Step {
            verb,
            target,
            filter,
            value,
            pathless: false,
            place: place.to_owned(),
        };
        let name = match &path.sub {
            Some(_) => target.without_sub().name(),
            None => target.name(),
        };
        if !name.eq_ignore_ascii_case(&given_name) {
            self.changed(
                &normalise::PATH,
                place,
                format!("{given_name} is written {name}"),
            );
        } else {
            self.renamed(place, &given_name, &name);
        }
        self.step(step, out)
    }

    /// RFC 7644 §3.5.2.1: without a path, the value holds attributes.
    fn without_path(
        &mut self,
        verb: Verb,
        value: Json,
        place: &str,
        out: &mut Vec<Operation>,
    ) -> Result<(), Refusal> {
        self.attributes(verb, value, place, &mut BTreeSet::new(), out)
    }

    /// `seen`: the attributes that the operation has already named.
    fn attributes(
        &mut self,
        verb: Verb,
        value: Json,
        place: &str,
        seen: &mut BTreeSet<String>,
        out: &mut Vec<Operation>,
    ) -> Result<(), Refusal> {
        let value = self.only(value, place);
        let kind = value.kind();
        let Json::Object(members) = value else {
            return Err(scim::SCHEMA_INVALID_TYPE.because(format!(
                "{place}.value must be an object of attributes where there is no path, not {kind}."
            )));
        };
        let shape = self.shape;
        for given in members {
            let place = format!("{place}.value.{}", given.name);
            let target = match shape.resolve(&given.name) {
                Resolved::Attribute(target) => target,
                Resolved::Schema(schema) => {
                    let value = prefixed(given.value, &schema.id);
                    self.attributes(verb, value, &place, seen, out)?;
                    continue;
                }
                Resolved::Schemas => {
                    self.changed(
                        &normalise::NOT_SYNCED,
                        &place,
                        "schemas follows from the attributes",
                    );
                    continue;
                }
                Resolved::Unknown => {
                    // Entra writes whole paths as keys, such as `emails[type eq "work"].value`.
                    if given.name.contains('[') && grammar::path(&given.name).is_ok() {
                        self.with_path(verb, &given.name, Some(given.value), &place, out)?;
                    } else if let Some(urn) = shape.dotted_urn(&given.name) {
                        return Err(scim::PATCH_INVALID_PATH
                            .because(format!("{place}: {}.", behind_a_dot(urn))));
                    } else {
                        self.unknown(&place, &given.name)?;
                    }
                    continue;
                }
            };
            if target.is_read_only() {
                self.changed(
                    &normalise::NOT_SYNCED,
                    &place,
                    format!("{} is read-only", target.name()),
                );
                continue;
            }
            if !shape.is_synced(target) {
                self.not_synced(&place, &target.name());
                continue;
            }
            if !seen.insert(target.name().into_owned()) {
                return Err(self
                    .reading
                    .duplicate(&given.name, given.end_of_key as usize)
                    .into());
            }
            let name = target.name();
            if name.eq_ignore_ascii_case(&given.name) {
                self.renamed(&place, &given.name, &name);
            }
            let step = Step {
                verb,
                target,
                filter: None,
                value: Some(given.value),
                pathless: true,
                place,
            };
            self.step(step, out)?;
        }
        Ok(())
    }

    fn remove_extension(
        &mut self,
        extension: &Schema,
        place: &str,
        out: &mut Vec<Operation>,
    ) -> Result<(), Refusal> {
        let shape = self.shape;
        for attribute in &extension.attributes {
            let target = Target {
                extension: Some(extension),
                attribute,
                sub: None,
            };
            if shape.is_synced(target) && !target.is_read_only() {
                let step = Step {
                    verb: Verb::Remove,
                    target,
                    filter: None,
                    value: None,
                    pathless: false,
                    place: place.to_owned(),
                };
                self.step(step, out)?;
            }
        }
        self.changed(
            &normalise::PATH,
            place,
            format!("{} was unfolded into its attributes", extension.id),
        );
        Ok(())
    }
}

/// RFC 7644 §3.10: a colon separates a schema's URN from its attribute.
fn behind_a_dot(urn: &str) -> String {
    format!("{urn} has no such attribute; write a colon after it, not a dot")
}

/// Prefixes the keys of a schema with its URN.
fn prefixed(value: Json, urn: &str) -> Json {
    match value {
        Json::Object(members) => Json::Object(
            members
                .into_iter()
                .map(|member| Member {
                    name: format!("{urn}:{}", member.name),
                    ..member
                })
                .collect(),
        ),
        other => other,
    }
}

fn take_value(operation: Json) -> Option<Json> {
    match operation {
        Json::Object(members) => members
            .into_iter()
            .find(|member| member.name.eq_ignore_ascii_case("value"))
            .map(|member| member.value),
        _ => None,
    }
}
