//! A whole resource: the body of POST and PUT (RFC 7644 §3.3, §3.5.1).

use super::{Normaliser, Place};
use crate::json::{Json, Member};
use crate::rules::{Refusal, normalise, scim};
use crate::scim::schema::Schema;
use crate::scim::shape::{Resolved, Target};
use crate::scim::{CORE_URN_PREFIX, MESSAGE_URN_PREFIX};

/// The resource of a PUT, from its path; `None` for a POST.
pub(crate) type Replaced<'a> = Option<&'a str>;

impl Normaliser<'_> {
    /// Returns the canonical resource.
    pub(crate) fn resource(&mut self, body: Json, id: Replaced<'_>) -> Result<Json, Refusal> {
        let shape = self.shape;
        let Json::Object(members) = body else {
            return Err(scim::SCHEMA_INVALID_TYPE
                .because(format!("The body must be an object, not {}.", body.kind())));
        };
        let mut slots = Slots::default();
        let mut urns = None;
        for member in members {
            match shape.resolve(&member.name) {
                Resolved::Schemas => {
                    self.renamed("schemas", &member.name, "schemas");
                    urns = Some(member.value);
                }
                Resolved::Schema(schema) => self.schema(schema, member, id, &mut slots)?,
                Resolved::Attribute(target) => self.attribute(target, member, id, &mut slots)?,
                Resolved::Unknown => self.unknown(&member.name, &member.name)?,
            }
        }
        let listed = self.schemas(urns)?;
        let mut resource = vec![Member::new("schemas", Json::Null)];
        let mut extensions = listed;
        for attribute in shape.attributes() {
            let target = Target {
                extension: None,
                attribute,
                sub: None,
            };
            match slots.take(&target.name()) {
                Some(value) => resource.push(Member::new(&attribute.name, value)),
                None if attribute.required && shape.is_synced(target) => {
                    return Err(scim::SCHEMA_MISSING_ATTRIBUTE.because(format!(
                        "The attribute {} is required. Map it in the identity provider.",
                        attribute.name
                    )));
                }
                None => {}
            }
        }
        for extension in &shape.resource.extensions {
            let members: Vec<Member> = extension
                .attributes
                .iter()
                .filter_map(|attribute| {
                    let target = Target {
                        extension: Some(extension),
                        attribute,
                        sub: None,
                    };
                    slots
                        .take(&target.name())
                        .map(|value| Member::new(&attribute.name, value))
                })
                .collect();
            if !members.is_empty() {
                if !extensions.contains(&extension.id) {
                    extensions.push(extension.id.clone());
                }
                resource.push(Member::new(&extension.id, Json::Object(members)));
            }
        }
        let mut urns = vec![Json::string(&shape.resource.core.id)];
        urns.extend(
            shape
                .resource
                .extensions
                .iter()
                .filter(|extension| extensions.contains(&extension.id))
                .map(|extension| Json::string(&extension.id)),
        );
        if let Some(first) = resource.first_mut() {
            first.value = Json::Array(urns);
        }
        Ok(Json::Object(resource))
    }

    fn attribute(
        &mut self,
        target: Target<'_>,
        member: Member,
        id: Replaced<'_>,
        slots: &mut Slots,
    ) -> Result<(), Refusal> {
        let name = target.name();
        if target.is_read_only() {
            if target.is_core("id") {
                check_id(&member.value, id)?;
            }
            self.changed(
                &normalise::NOT_SYNCED,
                &member.name,
                format!("{name} is read-only"),
            );
            return Ok(());
        }
        if !self.shape.is_synced(target) {
            self.not_synced(&member.name, &name);
            return Ok(());
        }
        match target.sub {
            None => self.renamed(&member.name, &member.name, &name),
            Some(_) => self.changed(
                &normalise::PATH,
                &member.name,
                format!("the key became {name}"),
            ),
        }
        let end_of_key = member.end_of_key as usize;
        let Some(value) = self.value(target, member.value, &Place::At(&name))? else {
            return Ok(());
        };
        let value = if self.shape.is_primary_only(target) {
            self.primary_only(target.attribute, value, &Place::At(&name))?
        } else {
            value
        };
        if slots.put(target, value) {
            Ok(())
        } else {
            Err(self.reading.duplicate(&member.name, end_of_key).into())
        }
    }

    /// Reads the attributes under a schema's URN. Only extensions belong there; core attributes are
    /// moved out to the top level.
    fn schema(
        &mut self,
        schema: &Schema,
        member: Member,
        id: Replaced<'_>,
        slots: &mut Slots,
    ) -> Result<(), Refusal> {
        if !self.shape.syncs_any_of(schema) {
            self.not_synced(&member.name, &schema.id);
            return Ok(());
        }
        self.renamed(&member.name, &member.name, &schema.id);
        let members = match member.value {
            Json::Null => return Ok(()),
            Json::Object(members) => members,
            other => {
                return Err(scim::SCHEMA_INVALID_TYPE.because(format!(
                    "{} must be an object, not {}.",
                    schema.id,
                    other.kind()
                )));
            }
        };
        for inner in members {
            let name = format!("{}:{}", schema.id, inner.name);
            match self.shape.resolve(&name) {
                Resolved::Attribute(target) => {
                    let given = Member { name, ..inner };
                    self.attribute(target, given, id, slots)?;
                }
                _ => self.unknown(&name, &inner.name)?,
            }
        }
        Ok(())
    }

    /// Returns the extensions that `schemas` lists (RFC 7643 §3).
    fn schemas(&mut self, value: Option<Json>) -> Result<Vec<String>, Refusal> {
        let shape = self.shape;
        let core = &shape.resource.core.id;
        let missing = || {
            scim::SCHEMA_MISSING_URN
                .because(format!("schemas is missing or empty. Send [\"{core}\"]."))
        };
        let mut listed = Vec::new();
        let mut has_core = false;
        for (index, urn) in self.urns(value.ok_or_else(missing)?)?.iter().enumerate() {
            let path = format!("schemas[{index}]");
            if urn.eq_ignore_ascii_case(core) {
                has_core = true;
                self.renamed(&path, urn, core);
                continue;
            }
            let extension = shape
                .resource
                .extensions
                .iter()
                .find(|extension| urn.eq_ignore_ascii_case(&extension.id));
            if let Some(extension) = extension {
                if shape.syncs_any_of(extension) {
                    self.renamed(&path, urn, &extension.id);
                    listed.push(extension.id.clone());
                } else {
                    self.not_synced(&path, &extension.id);
                }
                continue;
            }
            let lower = urn.to_ascii_lowercase();
            if lower.starts_with(CORE_URN_PREFIX) || lower.starts_with(MESSAGE_URN_PREFIX) {
                return Err(scim::SCHEMA_WRONG_URN.because(format!(
                    "{path}: {urn:?} is not the schema of what is sent here. Send {core:?}."
                )));
            }
            self.unknown(&path, urn)?;
        }
        if !has_core {
            self.changed(&normalise::NAME, "schemas", format!("{core} was added"));
        }
        Ok(listed)
    }

    /// Returns the URNs of a `schemas` value; an empty list is an error.
    pub(crate) fn urns(&mut self, value: Json) -> Result<Vec<String>, Refusal> {
        let elements = match value {
            Json::Array(elements) => elements,
            Json::String(urn) => {
                self.changed(
                    &normalise::LIST,
                    "schemas",
                    "a single value became a list of one",
                );
                vec![Json::String(urn)]
            }
            Json::Null => Vec::new(),
            other => {
                return Err(scim::SCHEMA_INVALID_TYPE.because(format!(
                    "schemas must be a list of URNs, not {}.",
                    other.kind()
                )));
            }
        };
        if elements.is_empty() {
            return Err(scim::SCHEMA_MISSING_URN
                .because("schemas is empty. Send the URN of what is sent here."));
        }
        elements
            .into_iter()
            .enumerate()
            .map(|(index, element)| match element {
                Json::String(urn) => Ok(urn),
                other => Err(scim::SCHEMA_INVALID_TYPE.because(format!(
                    "schemas[{index}] must be a string, not {}.",
                    other.kind()
                ))),
            })
            .collect()
    }
}

/// RFC 7643 §3.1: the service provider assigns the id.
fn check_id(value: &Json, id: Replaced<'_>) -> Result<(), Refusal> {
    match (id, value) {
        (None, _) | (_, Json::Null) => Ok(()),
        (Some(id), Json::String(given)) if given == id => Ok(()),
        (Some(id), _) => Err(scim::MUTABILITY_ID.because(format!(
            "The id in the body is not {id:?}, the one in the path. An id does not change."
        ))),
    }
}

/// The values of a resource by canonical attribute name.
#[derive(Default)]
struct Slots(std::collections::BTreeMap<String, Json>);

// === impl Slots ===

impl Slots {
    /// Returns whether the slot was free.
    fn put(&mut self, target: Target<'_>, value: Json) -> bool {
        let name = target.without_sub().name().into_owned();
        let Some(sub) = target.sub else {
            return self.0.insert(name, value).is_none();
        };
        let place = self
            .0
            .entry(name)
            .or_insert_with(|| Json::Object(Vec::new()));
        let Json::Object(members) = place else {
            return false;
        };
        if members.iter().any(|member| member.name == sub.name) {
            return false;
        }
        let order = |name: &str| {
            target
                .attribute
                .sub_attributes
                .iter()
                .position(|sub| sub.name == name)
        };
        let at = members
            .iter()
            .position(|member| order(&member.name) > order(&sub.name))
            .unwrap_or(members.len());
        members.insert(at, Member::new(&sub.name, value));
        true
    }

    fn take(&mut self, name: &str) -> Option<Json> {
        self.0.remove(name)
    }
}
