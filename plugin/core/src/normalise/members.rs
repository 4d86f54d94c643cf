//! Operations on lists of references, such as a group's members: who is put in, who is taken out.

use super::patch::{Operation, Verb};
use super::step::Step;
use super::{Normaliser, Place};
use crate::json::Json;
use crate::refusal::Refusal;
use crate::rules::{normalise, scim};
use crate::scim::filter::{Filter, Name, Operator};

impl Normaliser<'_> {
    /// One operation on a reference list.
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
                "the values of {name} are added and removed whole. Send the path {name}, or {name}[value eq \"ID\"] with remove."
            )));
        }
        // Each removal has a filter of its own, so that none carries the whole one along.
        if let Some(filter) = step.filter.take() {
            if step.verb != Verb::Remove {
                return Err(invalid(&format!(
                    "a filter on {name} is possible only with remove."
                )));
            }
            let values = filter.values().ok_or_else(|| {
                invalid(&format!(
                    "{name} are taken out by id. Send {name}[value eq \"ID\"], one operation each."
                ))
            })?;
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
            // Entra names the members in a list (facts of the field).
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
                        "nobody is named to be added",
                    ),
                    (_, list) => out.push(step.operation(list)),
                }
            }
        }
        Ok(())
    }

    fn ids(&mut self, step: &Step<'_>, value: Json, place: &str) -> Result<Vec<String>, Refusal> {
        let list = self.value(step.target, value, &Place::At(place))?;
        Ok(list.as_ref().map(referenced).unwrap_or_default())
    }
}

/// The ids in a canonical list of references.
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
