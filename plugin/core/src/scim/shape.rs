//! A resource type under one policy: which attributes exist and which are synced.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Bound;

use super::schema::{Attribute, Mutability, ResourceType, Returned, Schema};
use crate::scim::Profile;

/// A resource type with its synced attributes.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    pub(crate) resource: ResourceType,
    /// Canonical names.
    synced: BTreeSet<String>,
    /// Only the primary value of `emails` is kept.
    primary_only: bool,
    /// Attributes that no known schema defines are refused, not dropped.
    pub(crate) reject_unknown: bool,
    /// The profile that messages follow besides the RFCs.
    pub(crate) profile: Profile,
}

/// What a client's name resolves to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Resolved<'s> {
    Attribute(Target<'s>),
    /// The bare URN of an extension or of the core schema.
    Schema(&'s Schema),
    /// `schemas`, which every resource has.
    Schemas,
    Unknown,
}

/// An attribute, or a sub-attribute of one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target<'s> {
    /// The extension that defines it; `None` for core and common attributes.
    pub(crate) extension: Option<&'s Schema>,
    pub(crate) attribute: &'s Attribute,
    pub(crate) sub: Option<&'s Attribute>,
}

impl Shape {
    /// Builds a shape from a list of synced names.
    ///
    /// # Errors
    /// The index of a name that cannot be synced, and why.
    pub(crate) fn new(
        resource: ResourceType,
        names: &[String],
        primary_only: bool,
        reject_unknown: bool,
        profile: Profile,
    ) -> Result<Self, (usize, String)> {
        let mut shape = Self {
            resource,
            synced: BTreeSet::new(),
            primary_only,
            reject_unknown,
            profile,
        };
        let mut synced = BTreeSet::new();
        for (index, name) in names.iter().enumerate() {
            match shape.resolve(name) {
                // A whole schema, except secrets.
                _ if name.eq_ignore_ascii_case(&shape.resource.core.id) => {
                    synced.extend(shape.shown(&shape.resource.core, ""));
                }
                Resolved::Schema(extension) => {
                    let prefix = format!("{}:", extension.id);
                    synced.extend(shape.shown(extension, &prefix));
                }
                Resolved::Attribute(target) if target.is_read_only() => {
                    return Err((index, format!("{name:?} is read-only and cannot be synced")));
                }
                Resolved::Attribute(target) => {
                    synced.insert(target.name().into_owned());
                }
                _ => {
                    return Err((
                        index,
                        format!("no known schema defines the attribute {name:?}"),
                    ));
                }
            }
        }
        shape.synced = synced;
        Ok(shape)
    }

    /// Returns the writable attributes of a schema, except those that are never returned.
    fn shown(&self, schema: &Schema, prefix: &str) -> Vec<String> {
        let mut names = schema.writable(prefix);
        names.retain(|name| {
            !matches!(self.resolve(name), Resolved::Attribute(target)
                if target.attribute.returned == Returned::Never)
        });
        names
    }

    /// Whether anything that is never returned is synced, such as a password.
    pub(crate) fn syncs_password(&self) -> bool {
        self.resource
            .core
            .attributes
            .iter()
            .filter(|attribute| attribute.returned == Returned::Never)
            .any(|attribute| self.synced.contains(&attribute.name))
    }

    /// Whether a schema defines this name.
    pub(crate) fn defines(&self, name: &str) -> bool {
        matches!(self.resolve(name), Resolved::Attribute(_))
    }

    /// Resolves a name, ignoring case: plain, with a sub-attribute after a dot, or with a URN in
    /// front. A dot after a URN is read as the colon that belongs there.
    pub(crate) fn resolve(&self, name: &str) -> Resolved<'_> {
        let is_core_urn = |name: &str| name.eq_ignore_ascii_case(&self.resource.core.id);
        if name.eq_ignore_ascii_case("schemas") {
            return Resolved::Schemas;
        }
        if let Some(schema) = self
            .schemas()
            .find(|one| name.eq_ignore_ascii_case(&one.id))
        {
            return Resolved::Schema(schema);
        }
        match self.behind_urn(name, ':').or(self.behind_urn(name, '.')) {
            Some((schema, rest)) if is_core_urn(&schema.id) => match rest {
                rest if rest.eq_ignore_ascii_case("schemas") => Resolved::Schemas,
                rest => find([&self.resource.common, schema], rest, None),
            },
            Some((extension, rest)) => find([extension], rest, Some(extension)),
            None => find([&self.resource.common, &self.resource.core], name, None),
        }
    }

    /// Returns the URN in front of a name if a dot follows it where a colon belongs (RFC 7644
    /// §3.10).
    pub(crate) fn dotted_urn(&self, name: &str) -> Option<&str> {
        match self.behind_urn(name, ':') {
            Some(_) => None,
            None => self
                .behind_urn(name, '.')
                .map(|(schema, _)| schema.id.as_str()),
        }
    }

    /// Splits a name into the schema of its URN and the text after the mark that follows it.
    fn behind_urn<'n>(&self, name: &'n str, mark: char) -> Option<(&Schema, &'n str)> {
        self.schemas().find_map(|schema| {
            let prefix = name.get(..schema.id.len())?;
            let rest = name.get(schema.id.len()..)?.strip_prefix(mark)?;
            prefix
                .eq_ignore_ascii_case(&schema.id)
                .then_some((schema, rest))
        })
    }

    /// Iterates over the extensions and the core schema.
    fn schemas(&self) -> impl Iterator<Item = &Schema> {
        let core = std::iter::once(&self.resource.core);
        self.resource.extensions.iter().chain(core)
    }

    /// Whether only the primary value of this attribute is kept.
    pub(crate) fn is_primary_only(&self, target: Target<'_>) -> bool {
        self.primary_only && target.is_core("emails") && target.sub.is_none()
    }

    /// Whether this attribute is synced, whole or in some of its sub-attributes.
    pub(crate) fn is_synced(&self, target: Target<'_>) -> bool {
        let attribute = target.without_sub().name();
        if self.synced.contains(attribute.as_ref()) {
            return true;
        }
        match target.sub {
            Some(_) => self.synced.contains(target.name().as_ref()),
            None => {
                let behind = (Bound::Excluded(attribute.as_ref()), Bound::Unbounded);
                self.synced
                    .range::<str, _>(behind)
                    .map_while(|name| name.strip_prefix(attribute.as_ref()))
                    .any(|rest| rest.starts_with('.'))
            }
        }
    }

    /// Whether a sub-attribute is synced.
    pub(crate) fn passes(&self, target: Target<'_>) -> bool {
        if target.attribute.is_reference_list() {
            self.keeps_of_reference(target)
        } else {
            self.is_synced(target)
        }
    }

    /// Whether anything in a schema is synced.
    pub(crate) fn syncs_any_of(&self, schema: &Schema) -> bool {
        let extension = Some(schema).filter(|schema| schema.id != self.resource.core.id);
        schema.attributes.iter().any(|attribute| {
            self.is_synced(Target {
                extension,
                attribute,
                sub: None,
            })
        })
    }

    /// Whether a part of a reference is synced: its id always, other parts only if named.
    pub(crate) fn keeps_of_reference(&self, target: Target<'_>) -> bool {
        target.leaf().name == "value" || self.synced.contains(target.name().as_ref())
    }

    /// Iterates over top-level attributes in output order.
    pub(crate) fn attributes(&self) -> impl Iterator<Item = &Attribute> {
        self.resource
            .common
            .attributes
            .iter()
            .chain(&self.resource.core.attributes)
    }

    /// Whether a query may depend on this attribute. Queries must not reveal what is never
    /// returned, and attributes that are not synced do not exist.
    pub(crate) fn askable(&self, target: Target<'_>) -> Result<(), String> {
        let leaf = target.leaf();
        if leaf.returned == Returned::Never || target.attribute.returned == Returned::Never {
            return Err(format!("{} is never returned", target.name()));
        }
        let common = &self.resource.common;
        let is_common = target.extension.is_none()
            && common.attribute(target.attribute.name.as_str()).is_some();
        if !is_common && !target.is_read_only() && !self.is_synced(target) {
            return Err(format!("{} is not synced", target.name()));
        }
        Ok(())
    }
}

fn find<'s, const N: usize>(
    schemas: [&'s Schema; N],
    name: &str,
    extension: Option<&'s Schema>,
) -> Resolved<'s> {
    let (name, sub_name) = match name.split_once('.') {
        Some((name, sub)) => (name, Some(sub)),
        None => (name, None),
    };
    let attribute = schemas
        .iter()
        .flat_map(|schema| &schema.attributes)
        .find(|attribute| attribute.name.eq_ignore_ascii_case(name));
    match (attribute, sub_name) {
        (None, _) => Resolved::Unknown,
        (Some(attribute), None) => Resolved::Attribute(Target {
            extension,
            attribute,
            sub: None,
        }),
        (Some(attribute), Some(sub_name)) => match attribute.sub(sub_name) {
            None => Resolved::Unknown,
            sub => Resolved::Attribute(Target {
                extension,
                attribute,
                sub,
            }),
        },
    }
}

// === impl Target ===

impl<'s> Target<'s> {
    /// Returns the canonical name, as a path.
    pub(crate) fn name(&self) -> Cow<'s, str> {
        if self.extension.is_none() && self.sub.is_none() {
            return Cow::Borrowed(&self.attribute.name);
        }
        let mut name = String::new();
        if let Some(extension) = self.extension {
            name.push_str(&extension.id);
            name.push(':');
        }
        name.push_str(&self.attribute.name);
        if let Some(sub) = self.sub {
            name.push('.');
            name.push_str(&sub.name);
        }
        Cow::Owned(name)
    }

    /// Whether it is this attribute of an RFC 7643 core schema, or a part of it. An extension's
    /// attribute of the same name is a different one.
    pub(crate) fn is_core(&self, name: &str) -> bool {
        self.extension.is_none() && self.attribute.name == name
    }

    /// Returns the sub-attribute, or the attribute if there is none.
    pub(crate) fn leaf(&self) -> &'s Attribute {
        self.sub.unwrap_or(self.attribute)
    }

    /// Returns the attribute without its sub-attribute.
    pub(crate) fn without_sub(&self) -> Self {
        Self { sub: None, ..*self }
    }

    /// Whether clients must not write it.
    pub(crate) fn is_read_only(&self) -> bool {
        self.attribute.mutability == Mutability::ReadOnly
            || self.leaf().mutability == Mutability::ReadOnly
    }
}
