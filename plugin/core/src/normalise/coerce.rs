//! Brings one value to its attribute's type, or refuses it and names the attribute and place.

use super::{Normaliser, Place};
use crate::json::{Json, Member};
use crate::plain::{
    LONGEST_NAME, hidden, is_bidirectional_override, is_blank, is_direction_mark, is_too_long,
};
use crate::rules::{Refusal, normalise, scim};
use crate::scim::date_time::is_date_time;
use crate::scim::schema::{Attribute, Mutability, Type, Uniqueness};
use crate::scim::shape::Target;

impl Normaliser<'_> {
    /// Returns the canonical value; `None` if it is unassigned or nothing is left of it.
    pub(crate) fn value(
        &mut self,
        target: Target<'_>,
        value: Json,
        path: &Place<'_>,
    ) -> Result<Option<Json>, Refusal> {
        if target.leaf().multi_valued {
            self.list(target, value, path)
        } else {
            self.single(target, value, path)
        }
    }

    /// Coerces the values of a multi-valued attribute.
    fn list(
        &mut self,
        target: Target<'_>,
        value: Json,
        path: &Place<'_>,
    ) -> Result<Option<Json>, Refusal> {
        let elements = match value {
            Json::Null => return Ok(None),
            Json::Array(elements) => elements,
            single => {
                self.changed(
                    &normalise::LIST,
                    path,
                    "a single value became a list of one",
                );
                vec![single]
            }
        };
        let mut kept = Vec::with_capacity(elements.len());
        for (index, element) in elements.into_iter().enumerate() {
            let place = Place::Element(path, index);
            let element = match target.attribute.is_reference_list() {
                true => self.reference(target.attribute, element, &place)?,
                false => understood(target.leaf(), element, &place)?,
            };
            kept.extend(self.single(target, element, &place)?);
        }
        if target.attribute.is_reference_list() {
            self.without_repeats(&mut kept, path);
        }
        check_primary(&kept, path)?;
        Ok((!kept.is_empty()).then_some(Json::Array(kept)))
    }

    /// Coerces one value.
    pub(crate) fn single(
        &mut self,
        target: Target<'_>,
        value: Json,
        path: &Place<'_>,
    ) -> Result<Option<Json>, Refusal> {
        let attribute = target.leaf();
        let value = match (attribute.r#type, value) {
            (_, Json::Null) => return Ok(None),
            (Type::Complex, Json::Object(members)) => {
                return self.complex(target, members, path);
            }
            // Entra sends a manager as a bare id.
            (Type::Complex, Json::String(text))
                if !attribute.multi_valued && attribute.sub("value").is_some() =>
            {
                self.changed(
                    &normalise::PATH,
                    path,
                    format!("the text became {}.value", attribute.name),
                );
                return Ok(Some(Json::object([("value", Json::String(text))])));
            }
            (Type::Boolean, Json::String(text)) if text.eq_ignore_ascii_case("true") => {
                self.boolean(path, &text, true)?
            }
            (Type::Boolean, Json::String(text)) if text.eq_ignore_ascii_case("false") => {
                self.boolean(path, &text, false)?
            }
            (Type::Boolean, value @ Json::Bool(_)) => value,
            (Type::Decimal, value @ Json::Number(_)) => value,
            (Type::Integer, Json::Number(text)) if text.parse::<i64>().is_ok() => {
                Json::Number(text)
            }
            (
                Type::String | Type::Reference | Type::Binary | Type::DateTime,
                Json::String(text),
            ) => {
                check_text(target, &text, path)?;
                match attribute.canonical_value(&text) {
                    Some(usual) => {
                        self.renamed(path, &text, usual);
                        Json::string(usual)
                    }
                    None => Json::String(text),
                }
            }
            (_, value) => {
                return Err(scim::SCHEMA_INVALID_TYPE.because(format!(
                    "{path}: {} must be {}{}, not {}.",
                    target.name(),
                    attribute.expected(),
                    if attribute.multi_valued {
                        " in a list"
                    } else {
                        ""
                    },
                    value.kind()
                )));
            }
        };
        Ok(Some(value))
    }

    /// Only spellings that real clients send are accepted as booleans.
    fn boolean(&mut self, path: &Place<'_>, text: &str, value: bool) -> Result<Json, Refusal> {
        if !matches!(text, "True" | "False" | "true" | "false") {
            return Err(scim::SCHEMA_INVALID_TYPE
                .because(format!("{path} must be a boolean, not the text {text:?}.")));
        }
        self.changed(
            &normalise::BOOLEAN,
            path,
            format!("the text {text:?} became {value}"),
        );
        Ok(Json::Bool(value))
    }

    /// Coerces the sub-attributes of a complex value, in schema order.
    fn complex(
        &mut self,
        target: Target<'_>,
        members: Vec<Member>,
        path: &Place<'_>,
    ) -> Result<Option<Json>, Refusal> {
        let attribute = target.leaf();
        let mut slots: Vec<Option<Json>> = vec![None; attribute.sub_attributes.len()];
        for member in members {
            let name = member.name;
            let place = Place::Member(path, &name);
            let found = attribute
                .sub_attributes
                .iter()
                .position(|sub| sub.name.eq_ignore_ascii_case(&name));
            let Some(index) = found else {
                self.unknown(place, &name)?;
                continue;
            };
            let Some(sub) = attribute.sub_attributes.get(index) else {
                continue;
            };
            let sub_target = Target {
                sub: Some(sub),
                ..target
            };
            if !self.keeps(sub_target) {
                self.not_synced(place, &sub_target.name());
                continue;
            }
            self.renamed(place, &name, &sub.name);
            let value = self.value(sub_target, member.value, &place)?;
            let Some(slot) = slots.get_mut(index) else {
                continue;
            };
            if slot.is_some() {
                return Err(self
                    .reading
                    .duplicate(&name, member.end_of_key as usize)
                    .into());
            }
            *slot = value;
        }
        let kept: Vec<Member> = attribute
            .sub_attributes
            .iter()
            .zip(slots)
            .filter_map(|(sub, value)| value.map(|value| Member::new(&sub.name, value)))
            .collect();
        if kept.is_empty() {
            return Ok(None);
        }
        Ok(Some(Json::Object(kept)))
    }

    /// Whether a sub-attribute passes.
    fn keeps(&self, target: Target<'_>) -> bool {
        let is_writable = target.leaf().mutability != Mutability::ReadOnly;
        is_writable && self.shape.passes(target)
    }

    /// Removes duplicate references.
    fn without_repeats(&mut self, elements: &mut Vec<Json>, path: &Place<'_>) {
        let mut seen = std::collections::BTreeSet::new();
        let before = elements.len();
        elements.retain(|element| {
            element
                .get("value")
                .and_then(Json::as_str)
                .is_none_or(|value| seen.insert(value.to_owned()))
        });
        if elements.len() < before {
            self.changed(
                &normalise::LIST,
                path,
                format!("{} repeated values were removed", before - elements.len()),
            );
        }
    }

    /// Reduces a list to its primary value if the policy keeps no others.
    pub(crate) fn primary_only(
        &mut self,
        attribute: &Attribute,
        value: Json,
        path: &Place<'_>,
    ) -> Result<Json, Refusal> {
        let Json::Array(elements) = value else {
            return Ok(value);
        };
        let is_primary =
            |element: &Json| element.get("primary").and_then(Json::as_bool) == Some(true);
        let chosen = elements.iter().position(is_primary).unwrap_or(0);
        let count = elements.len();
        let Some(element) = elements.into_iter().nth(chosen) else {
            return Ok(Json::Array(Vec::new()));
        };
        if count > 1 {
            self.changed(
                &normalise::PRIMARY,
                path,
                format!("only the primary of {count} values is kept"),
            );
        }
        let marked = is_primary(&element);
        if !marked {
            self.changed(
                &normalise::PRIMARY,
                path,
                "the first value was marked as primary",
            );
        }
        let Json::Object(members) = element else {
            return Ok(Json::Array(vec![element]));
        };
        if members.iter().all(|member| member.name != "value") {
            return Err(scim::SCHEMA_MISSING_ATTRIBUTE.because(format!(
                "{path}: the primary one of {} needs a value.",
                attribute.name
            )));
        }
        let mut kept = Vec::with_capacity(3);
        for member in members {
            match member.name.as_str() {
                "value" | "type" => kept.push(member),
                "primary" => {}
                other => self.not_synced(path, &format!("{}.{other}", attribute.name)),
            }
        }
        kept.push(Member::new("primary", Json::Bool(true)));
        Ok(Json::Array(vec![Json::Object(kept)]))
    }
}

/// Requires that an element of a list has content. An element without known content is an error and
/// is not dropped: a list that is not understood must not become an empty one.
fn understood(attribute: &Attribute, element: Json, path: &Place<'_>) -> Result<Json, Refusal> {
    let says = match &element {
        Json::Null => false,
        Json::Object(members) if attribute.r#type == Type::Complex => members
            .iter()
            .any(|member| attribute.sub(&member.name).is_some()),
        _ => true,
    };
    if says {
        return Ok(element);
    }
    let subs: Vec<&str> = attribute
        .sub_attributes
        .iter()
        .map(|sub| sub.name.as_str())
        .collect();
    let what = match subs.as_slice() {
        [] => attribute.expected().to_owned(),
        subs => format!("an object with {}", subs.join(", ")),
    };
    Err(scim::SCHEMA_INVALID_VALUE.because(format!(
        "{path}: an element of {} is {what}, but this one has no known content. To clear the list, send [].",
        attribute.name
    )))
}

/// RFC 7643 §2.4: at most one value is primary.
fn check_primary(elements: &[Json], path: &Place<'_>) -> Result<(), Refusal> {
    let primaries = elements
        .iter()
        .filter(|element| element.get("primary").and_then(Json::as_bool) == Some(true))
        .count();
    if primaries > 1 {
        return Err(scim::SCHEMA_MULTIPLE_PRIMARY.because(format!(
            "{path}: {primaries} values are marked as primary. Mark one."
        )));
    }
    Ok(())
}

/// Refuses names and ids with characters that disguise what they are.
pub(crate) fn check_text(target: Target<'_>, text: &str, path: &Place<'_>) -> Result<(), Refusal> {
    let attribute = target.leaf();
    let refuse = |why: &str| {
        Err(scim::SCHEMA_INVALID_VALUE.because(format!("{path}: {} {why}.", target.name())))
    };
    match attribute.r#type {
        Type::DateTime if !is_date_time(text) => {
            return refuse("must be a date and time such as 2026-06-01T00:00:00Z");
        }
        Type::String => {}
        _ => return Ok(()),
    }
    if text
        .chars()
        .any(|c| c.is_control() && !(attribute.multi_line && matches!(c, '\n' | '\r' | '\t')))
    {
        return refuse("contains a control character. Remove it");
    }
    // Hebrew and Arabic names may contain directional marks, which do not reorder text. An
    // identifier must not contain any invisible character.
    let all_shows = attribute.case_exact || target.attribute.is_reference_list();
    let is_refused = |c| is_bidirectional_override(c) && (all_shows || !is_direction_mark(c));
    if text.chars().any(is_refused) {
        return refuse("contains a character that changes the direction of text. Remove it");
    }
    if is_identifier(target) && is_too_long(text) {
        return refuse(&format!(
            "is longer than {LONGEST_NAME} characters. Send a shorter one"
        ));
    }
    if attribute.required && text.trim().is_empty() {
        return refuse("is empty. Send a value");
    }
    // Some applications trim it, so that two different names would become one.
    if attribute.uniqueness != Uniqueness::None && text.trim() != text {
        return refuse("has white space around it. Remove it");
    }
    let is_reference = attribute.name == "value" && target.attribute.is_reference();
    if is_reference && hidden(text).next().is_some() {
        return refuse(
            "contains white space, a control character or an invisible character. Send the id as the application gives it",
        );
    }
    // A blank id, or one that looks like another's, would still be an identity.
    let is_doubtful = || is_blank(text) || text.trim() != text || hidden(text).any(|c| c != ' ');
    if target.is_core("externalId") && !text.is_empty() && is_doubtful() {
        return refuse(
            "is blank, or has white space around it or an invisible character in it. Send the id as the identity provider has it, or leave the attribute out",
        );
    }
    Ok(())
}

/// Whether a text identifies a user or group: a user name, an e-mail, an id.
fn is_identifier(target: Target<'_>) -> bool {
    let leaf = target.leaf();
    leaf.uniqueness != Uniqueness::None
        || target.is_core("externalId")
        || (leaf.name == "value" && (target.is_core("emails") || target.attribute.is_reference()))
}
