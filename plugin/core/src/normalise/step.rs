//! Brings one operation on one attribute to the attribute's form; unfolds complex attributes.

use super::{Normaliser, Place};
use crate::json::{Json, Member};
use crate::rules::{Refusal, normalise, scim};
use crate::scim::Profile;
use crate::scim::filter::Filter;
use crate::scim::operation::{Operation, Verb};
use crate::scim::schema::{Mutability, Type};
use crate::scim::shape::Target;

/// An operation as the client sent it, with its target resolved.
pub(super) struct Step<'s> {
    pub(super) verb: Verb,
    pub(super) target: Target<'s>,
    pub(super) filter: Option<Filter>,
    pub(super) value: Option<Json>,
    pub(super) pathless: bool,
    /// For messages, such as `Operations[2]`.
    pub(super) place: String,
}

impl Normaliser<'_> {
    /// Normalises one attribute of one operation.
    pub(super) fn step(
        &mut self,
        mut step: Step<'_>,
        out: &mut Vec<Operation>,
    ) -> Result<(), Refusal> {
        let attribute = step.target.attribute;
        if attribute.is_reference_list() {
            return self.references(step, out);
        }
        if step.filter.is_some() && !attribute.multi_valued {
            return Err(scim::PATCH_INVALID_PATH.because(format!(
                "{}: {} has one value and takes no filter.",
                step.place,
                step.target.name()
            )));
        }
        if step.filter.is_some() || !step.target.leaf().multi_valued {
            step.value = step.value.take().map(|value| self.only(value, &step.place));
        }
        if attribute.r#type == Type::Complex && !attribute.multi_valued {
            let whole = step.target.extension.is_some() && self.shape.profile == Profile::Rfc;
            match (whole, step.target.sub) {
                (false, None) => return self.unfold(step, out),
                (true, Some(sub)) if step.sets() => {
                    self.changed(
                        &normalise::PATH,
                        &step.place,
                        format!("{} was written with {} around it", sub.name, attribute.name),
                    );
                    step = fold(step);
                }
                _ => {}
            }
        }
        if step.filter.is_some()
            && step.target.sub.is_none()
            && self.shape.profile == Profile::Interop
        {
            return self.unfold_element(step, out);
        }
        let value = match step.value.take() {
            // RFC 7643 §2.5: null means no value, like an empty list.
            Some(Json::Null) if step.verb == Verb::Add => None,
            Some(value) if value.is_unassigned() && step.verb == Verb::Replace => {
                step.verb = Verb::Remove;
                None
            }
            _ if step.verb == Verb::Remove => None,
            Some(value) => self.step_value(&step, value)?,
            None => None,
        };
        if value.is_none() && step.verb != Verb::Remove {
            self.changed(
                &normalise::NO_EFFECT,
                &step.place,
                "nothing is left of the value",
            );
            return Ok(());
        }
        check_removal(&step)?;
        out.push(step.operation(value));
        Ok(())
    }

    fn step_value(&mut self, step: &Step<'_>, value: Json) -> Result<Option<Json>, Refusal> {
        let target = step.target;
        let place = format!("{}.value", step.place);
        if step.filter.is_some() && target.sub.is_none() {
            return self.single(target, value, &Place::At(&place));
        }
        let value = self.value(target, value, &Place::At(&place))?;
        match value {
            Some(value) if self.shape.is_primary_only(target) && step.verb == Verb::Replace => self
                .primary_only(target.attribute, value, &Place::At(&place))
                .map(Some),
            value => Ok(value),
        }
    }

    /// The interoperability profile has no operation on a whole element, so each of its parts is
    /// set; the parts that the filter compares come last.
    fn unfold_element(&mut self, step: Step<'_>, out: &mut Vec<Operation>) -> Result<(), Refusal> {
        let target = step.target;
        let (Some(filter), Some(value)) = (&step.filter, step.value.clone()) else {
            return Err(scim::PATCH_INVALID_PATH.because(format!(
                "{}: the application cannot remove single values of {}. Replace the whole list.",
                step.place,
                target.name()
            )));
        };
        let Some(Json::Object(members)) =
            self.single(target, value, &Place::At(&format!("{}.value", step.place)))?
        else {
            return Err(scim::PATCH_INVALID_PATH.because(format!(
                "{}: a value of {} must be an object.",
                step.place,
                target.name()
            )));
        };
        self.changed(
            &normalise::PATH,
            &step.place,
            format!("a value of {} was unfolded into its parts", target.name()),
        );
        let asked = filter.names();
        let (last, first): (Vec<_>, Vec<_>) = target
            .attribute
            .sub_attributes
            .iter()
            .partition(|sub| asked.contains(&sub.name.as_str()));
        for sub in first.into_iter().chain(last) {
            let sub_target = Target {
                sub: Some(sub),
                ..target
            };
            let value = members.iter().find(|member| member.name == sub.name);
            let is_left_out =
                value.is_none() && (step.verb == Verb::Add || asked.contains(&sub.name.as_str()));
            if is_left_out || sub_target.is_read_only() || !self.shape.passes(sub_target) {
                continue;
            }
            out.push(Operation {
                verb: if value.is_some() {
                    step.verb
                } else {
                    Verb::Remove
                },
                sub: Some(sub.name.clone()),
                value: value.map(|member| member.value.clone()),
                ..step.operation(None)
            });
        }
        Ok(())
    }

    /// Turns an operation on a single-valued complex attribute into operations on its
    /// sub-attributes.
    fn unfold(&mut self, step: Step<'_>, out: &mut Vec<Operation>) -> Result<(), Refusal> {
        let target = step.target;
        let removes = step.verb == Verb::Remove
            || (step.verb == Verb::Replace && matches!(step.value, Some(Json::Null)));
        let members = if removes {
            Vec::new()
        } else {
            let value = step.value.clone().unwrap_or(Json::Null);
            match self.single(target, value, &Place::At(&format!("{}.value", step.place)))? {
                Some(Json::Object(members)) => members,
                _ => {
                    self.changed(
                        &normalise::NO_EFFECT,
                        &step.place,
                        "nothing is left of the value",
                    );
                    return Ok(());
                }
            }
        };
        if !step.pathless {
            self.changed(
                &normalise::PATH,
                &step.place,
                format!("{} was unfolded into its sub-attributes", target.name()),
            );
        }
        for sub in &target.attribute.sub_attributes {
            let sub_target = Target {
                sub: Some(sub),
                ..target
            };
            let value = if removes {
                if !self.shape.is_synced(sub_target) || sub_target.is_read_only() {
                    continue;
                }
                None
            } else {
                match members.iter().find(|member| member.name == sub.name) {
                    Some(member) => Some(member.value.clone()),
                    None => continue,
                }
            };
            let part = Step {
                verb: if removes { Verb::Remove } else { step.verb },
                target: sub_target,
                filter: None,
                value: None,
                pathless: step.pathless,
                place: step.place.clone(),
            };
            out.push(part.operation(value));
        }
        Ok(())
    }
}

/// Wraps a sub-attribute of an extension's complex attribute in that attribute, because servers do
/// not resolve a two-part path after a URN. The other sub-attributes stay as they are (RFC 7644
/// §3.5.2.1, §3.5.2.3).
fn fold(step: Step<'_>) -> Step<'_> {
    let Some(sub) = step.target.sub else {
        return step;
    };
    Step {
        target: step.target.without_sub(),
        value: step
            .value
            .map(|value| Json::Object(vec![Member::new(&sub.name, value)])),
        ..step
    }
}

/// RFC 7644 §3.5.2.2: required and immutable attributes cannot be removed.
fn check_removal(step: &Step<'_>) -> Result<(), Refusal> {
    if step.verb != Verb::Remove || step.filter.is_some() {
        return Ok(());
    }
    let leaf = step.target.leaf();
    if leaf.required && step.target.sub.is_none() {
        return Err(scim::MUTABILITY_REQUIRED.because(format!(
            "{}: {} is required and cannot be removed.",
            step.place,
            step.target.name()
        )));
    }
    if leaf.mutability == Mutability::Immutable {
        return Err(scim::MUTABILITY_IMMUTABLE.because(format!(
            "{}: {} is immutable and cannot be removed once it is set.",
            step.place,
            step.target.name()
        )));
    }
    Ok(())
}

// === impl Step ===

impl Step<'_> {
    /// Whether the attribute has a value afterwards.
    fn sets(&self) -> bool {
        self.verb != Verb::Remove && self.value.as_ref().is_some_and(|v| !v.is_unassigned())
    }

    pub(super) fn operation(&self, value: Option<Json>) -> Operation {
        Operation {
            verb: self.verb,
            attribute: self.target.without_sub().name().into_owned(),
            filter: self.filter.clone(),
            sub: self.target.sub.map(|sub| sub.name.clone()),
            value,
            was_pathless: self.pathless,
            origin: 0,
        }
    }
}
