//! Operations that add to or remove from lists of references, such as a group's members.

use super::step::Step;
use super::{Normaliser, Place};
use crate::json::{Json, Member};
use crate::plain::{LONGEST_NAME, is_blank, is_plain_name, is_too_long};
use crate::rules::{Refusal, normalise, scim};
use crate::scim::filter::{Filter, Name, Operator};
use crate::scim::operation::{Operation, Verb};
use crate::scim::schema::Attribute;

impl Normaliser<'_> {
    /// Normalises one operation on a reference list.
    pub(super) fn references(
        &mut self,
        mut step: Step<'_>,
        out: &mut Vec<Operation>,
    ) -> Result<(), Refusal> {
        let name = step.target.attribute.name.clone();
        let invalid =
            |why: &str| scim::PATCH_INVALID_PATH.because(format!("{}: {why}", step.place));
        if step.target.sub.is_some() {
            return Err(invalid(&format!(
                "values of {name} can only be added and removed whole. Send the path {name}, or {name}[value eq \"ID\"] with remove."
            )));
        }
        // Each removal gets its own filter, so that none repeats the whole filter.
        if let Some(filter) = step.filter.take() {
            if step.verb != Verb::Remove {
                return Err(invalid(&format!(
                    "a filter on {name} is allowed only with remove."
                )));
            }
            let values = filter.values().ok_or_else(|| {
                invalid(&format!(
                    "{name} are removed by id. Send {name}[value eq \"ID\"], one operation each."
                ))
            })?;
            if let Some(id) = values.iter().find(|id| !is_plain_name(id)) {
                return Err(invalid(&format!(
                    "an id in the filter on {name} is {}. Send {name}[value eq \"ID\"], with the id as the application gives it.",
                    fault_of(id)
                )));
            }
            let ids: Vec<String> = values.into_iter().map(str::to_owned).collect();
            if ids.len() > 1 {
                self.changed(
                    &normalise::PATH,
                    &step.place,
                    "one operation for each value",
                );
            }
            for id in ids {
                out.push(removal(&step, id));
            }
            return Ok(());
        }
        let place = format!("{}.value", step.place);
        match (step.verb, step.value.take()) {
            (Verb::Remove, None | Some(Json::Null)) => out.push(step.operation(None)),
            // Entra lists the members in the value.
            (Verb::Remove, Some(value)) => {
                let ids = self.ids(&step, value, &place)?;
                self.changed(
                    &normalise::PATH,
                    &step.place,
                    format!("the list became {name}[value eq …], one operation each"),
                );
                for id in ids {
                    out.push(removal(&step, id));
                }
            }
            (verb, value) => {
                let value = value.unwrap_or(Json::Null);
                let list = self.value(step.target, value, &Place::At(&place))?;
                match (verb, list) {
                    (Verb::Replace, None) => {
                        out.push(step.operation(Some(Json::Array(Vec::new()))))
                    }
                    (_, None) => self.changed(
                        &normalise::NO_EFFECT,
                        &step.place,
                        "no values to add were named",
                    ),
                    (_, list) => out.push(step.operation(list)),
                }
            }
        }
        Ok(())
    }

    /// Reads one element of a list of references and the id it refers to. An element without an id
    /// is an error, because dropping it would drop a member.
    pub(super) fn reference(
        &mut self,
        attribute: &Attribute,
        element: Json,
        path: &Place<'_>,
    ) -> Result<Json, Refusal> {
        let Json::Object(mut members) = element else {
            // A bare id, or anything else: refused by its type.
            return match element {
                Json::Null => Err(scim::SCHEMA_INVALID_VALUE.because(format!(
                    "{path}: null is not an element. Send {{\"value\": \"ID\"}}, or [] to clear the list of {}.",
                    attribute.name
                ))),
                other => Ok(other),
            };
        };
        let text = |name: &str| {
            let member = members.iter().find(|m| m.name.eq_ignore_ascii_case(name))?;
            (member.value != Json::Null).then_some(&member.value)
        };
        match (text("value"), text("$ref")) {
            (Some(Json::String(id)), _) if !is_plain_name(id) => {
                Err(scim::SCHEMA_INVALID_VALUE.because(format!(
                    "{path}.value: the id is {}. Send the id of what the element refers to, as the application gives it.",
                    fault_of(id)
                )))
            }
            (Some(_), _) => Ok(Json::Object(members)),
            (None, Some(Json::String(reference))) => {
                let id = self.bases.user_at(reference).ok_or_else(|| {
                    scim::SCHEMA_INVALID_VALUE.because(format!(
                        "{path}.$ref: it leads to no user at {}. Send {{\"value\": \"ID\"}}.",
                        self.bases.client
                    ))
                })?;
                self.changed(&normalise::PATH, path, "the id was taken from $ref");
                members.retain(|member| !member.name.eq_ignore_ascii_case("value"));
                members.push(Member::new("value", Json::String(id)));
                Ok(Json::Object(members))
            }
            (None, _) => Err(scim::SCHEMA_MISSING_ATTRIBUTE.because(format!(
                "{path}: an element of {} needs a value, the id of what it refers to.",
                attribute.name
            ))),
        }
    }

    fn ids(&mut self, step: &Step<'_>, value: Json, place: &str) -> Result<Vec<String>, Refusal> {
        let list = self.value(step.target, value, &Place::At(place))?;
        Ok(list.as_ref().map(referenced).unwrap_or_default())
    }
}

/// Describes why a text is not an id.
fn fault_of(id: &str) -> String {
    if is_blank(id) {
        return "empty".to_owned();
    }
    match is_too_long(id) {
        true => format!("longer than {LONGEST_NAME} characters"),
        false => "unclear: it contains white space, a control character or an invisible character"
            .to_owned(),
    }
}

/// Returns the ids in a canonical list of references.
pub(crate) fn referenced(list: &Json) -> Vec<String> {
    list.as_array()
        .unwrap_or_default()
        .iter()
        .filter_map(|element| element.get("value").and_then(Json::as_str))
        .map(str::to_owned)
        .collect()
}

/// `{"op": "remove", "path": "members[value eq \"ID\"]"}`
fn removal(step: &Step<'_>, id: String) -> Operation {
    Operation {
        filter: Some(equals(id)),
        ..step.operation(None)
    }
}

/// `value eq "ID"`
pub(crate) fn equals(id: String) -> Filter {
    Filter::Compare(Name("value".to_owned()), Operator::Equal, Json::String(id))
}
