//! A resource type as one policy sees it: which of its attributes exist, and which are synced.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Bound;

use super::filter::{Filter, Name};
use super::schema::{Attribute, Mutability, ResourceType, Returned, Schema, Type};
use crate::json::Json;
use crate::policy::Profile;

/// A resource type with the attributes that pass.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    pub(crate) resource: ResourceType,
    /// Canonical names.
    synced: BTreeSet<String>,
    /// Only the primary one of `emails` is kept.
    pub(crate) primary_only: bool,
    /// Attributes that no known schema defines are refused, not dropped.
    pub(crate) reject_unknown: bool,
    /// What messages keep to beside the RFCs.
    pub(crate) profile: Profile,
}

/// What a name of a client's stands for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Resolved<'s> {
    Attribute(Target<'s>),
    /// The URN of an extension alone.
    Extension(&'s Schema),
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
    /// A shape from a list of synced names.
    ///
    /// # Errors
    /// The index of a name that no schema defines, and what is wrong.
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
                // A whole schema, but for secrets.
                _ if name.eq_ignore_ascii_case(&shape.resource.core.id) => {
                    synced.extend(shape.shown(&shape.resource.core, ""));
                }
                Resolved::Extension(extension) => {
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

    /// The writable attributes of a schema that are ever returned.
    fn shown(&self, schema: &Schema, prefix: &str) -> Vec<String> {
        let mut names = schema.writable(prefix);
        names.retain(|name| {
            !matches!(self.resolve(name), Resolved::Attribute(target)
                if target.attribute.returned == Returned::Never)
        });
        names
    }

    /// Whether anything that is never returned passes, such as a password.
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

    /// What a name stands for: plain, with a sub-attribute behind a dot, with a URN in front; in any
    /// case.
    pub(crate) fn resolve(&self, name: &str) -> Resolved<'_> {
        if name.eq_ignore_ascii_case("schemas") {
            return Resolved::Schemas;
        }
        for extension in &self.resource.extensions {
            if name.eq_ignore_ascii_case(&extension.id) {
                return Resolved::Extension(extension);
            }
            if let Some(rest) = behind_urn(name, &extension.id) {
                return find([extension], rest, Some(extension));
            }
        }
        let rest = behind_urn(name, &self.resource.core.id).unwrap_or(name);
        find([&self.resource.common, &self.resource.core], rest, None)
    }

    /// Whether values of this attribute pass: the whole of it, or some of its sub-attributes.
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

    /// Whether a sub-attribute passes.
    pub(crate) fn passes(&self, target: Target<'_>) -> bool {
        if target.attribute.is_reference_list() {
            self.keeps_of_reference(target)
        } else {
            self.is_synced(target)
        }
    }

    /// Whether anything of an extension passes.
    pub(crate) fn syncs_any_of(&self, extension: &Schema) -> bool {
        extension.attributes.iter().any(|attribute| {
            self.is_synced(Target {
                extension: Some(extension),
                attribute,
                sub: None,
            })
        })
    }

    /// Whether a part of a reference beside its id passes: only if it is named itself.
    pub(crate) fn keeps_of_reference(&self, target: Target<'_>) -> bool {
        target.leaf().name == "value" || self.synced.contains(target.name().as_ref())
    }

    /// Top-level attributes in the order in which they are written.
    pub(crate) fn attributes(&self) -> impl Iterator<Item = &Attribute> {
        self.resource
            .common
            .attributes
            .iter()
            .chain(&self.resource.core.attributes)
    }

    /// Writes the names of a filter as the schema does.
    ///
    /// # Errors
    /// What cannot be asked for, and why.
    pub(crate) fn canonical_filter(&self, filter: Filter) -> Result<Filter, String> {
        self.walk(filter, &mut |shape, name| match shape.resolve(&name.0) {
            Resolved::Attribute(target) => shape.askable(target).map(|()| target),
            _ => Err(format!("{} is no attribute", name.0)),
        })
    }

    fn walk<'s>(
        &'s self,
        filter: Filter,
        resolve: &mut impl FnMut(&'s Self, &Name) -> Result<Target<'s>, String>,
    ) -> Result<Filter, String> {
        let mut all = |filters: Vec<Filter>| {
            filters
                .into_iter()
                .map(|inner| self.walk(inner, resolve))
                .collect::<Result<Vec<_>, _>>()
        };
        Ok(match filter {
            Filter::And(filters) => Filter::And(all(filters)?),
            Filter::Or(filters) => Filter::Or(all(filters)?),
            Filter::Not(inner) => Filter::Not(Box::new(self.walk(*inner, resolve)?)),
            Filter::Present(name) => {
                Filter::Present(Name(resolve(self, &name)?.name().into_owned()))
            }
            Filter::Compare(name, operator, value) => {
                let target = resolve(self, &name)?;
                let value = comparable(target, operator.is_ordering(), value)?;
                Filter::Compare(Name(target.name().into_owned()), operator, value)
            }
            Filter::Within(name, inner) => {
                let target = resolve(self, &name)?;
                let inner = canonical_value_filter(target, *inner)?;
                Filter::Within(Name(target.name().into_owned()), Box::new(inner))
            }
        })
    }

    /// Whether a query may depend on this attribute: what is never returned must not be guessed by
    /// asking, and what is not synced is not there.
    pub(crate) fn askable(&self, target: Target<'_>) -> Result<(), String> {
        let leaf = target.leaf();
        if leaf.returned == Returned::Never || target.attribute.returned == Returned::Never {
            return Err(format!("{} is never returned", target.name()));
        }
        let own = self
            .resource
            .common
            .attributes
            .iter()
            .any(|attribute| attribute.name == target.attribute.name);
        if !own && !target.is_read_only() && !self.is_synced(target) {
            return Err(format!("{} is not synced", target.name()));
        }
        Ok(())
    }
}

/// Writes the names of a filter in brackets as the schema does.
pub(crate) fn canonical_value_filter(target: Target<'_>, filter: Filter) -> Result<Filter, String> {
    let attribute = target.attribute;
    if target.sub.is_some() || !attribute.multi_valued {
        return Err(format!(
            "{} has one value and takes no filter",
            target.name()
        ));
    }
    let resolve = |name: &Name| {
        attribute
            .sub(&name.0)
            .map(|sub| Target {
                sub: Some(sub),
                ..target
            })
            .ok_or_else(|| format!("{} has no sub-attribute {}", target.name(), name.0))
    };
    walk_values(filter, &resolve)
}

fn walk_values<'s>(
    filter: Filter,
    resolve: &impl Fn(&Name) -> Result<Target<'s>, String>,
) -> Result<Filter, String> {
    let all = |filters: Vec<Filter>| {
        filters
            .into_iter()
            .map(|inner| walk_values(inner, resolve))
            .collect::<Result<Vec<_>, _>>()
    };
    let sub_name = |target: Target<'_>| Name(target.leaf().name.clone());
    Ok(match filter {
        Filter::And(filters) => Filter::And(all(filters)?),
        Filter::Or(filters) => Filter::Or(all(filters)?),
        Filter::Not(inner) => Filter::Not(Box::new(walk_values(*inner, resolve)?)),
        Filter::Present(name) => Filter::Present(sub_name(resolve(&name)?)),
        Filter::Compare(name, operator, value) => {
            let target = resolve(&name)?;
            let value = comparable(target, operator.is_ordering(), value)?;
            Filter::Compare(sub_name(target), operator, value)
        }
        Filter::Within(name, _) => {
            return Err(format!("{} cannot have a filter inside a filter", name.0));
        }
    })
}

/// A value that an attribute can be compared with (RFC 7644 §3.4.2.2).
fn comparable(target: Target<'_>, ordering: bool, value: Json) -> Result<Json, String> {
    // `emails eq "…"` compares the value sub-attribute.
    let leaf = match target.leaf() {
        attribute if attribute.r#type == Type::Complex => {
            attribute.sub("value").unwrap_or(attribute)
        }
        attribute => attribute,
    };
    let fits = match (&value, leaf.r#type) {
        (Json::Null, _) => !ordering,
        (Json::Bool(_), Type::Boolean) => !ordering,
        (Json::String(text), Type::Boolean) => match text.to_ascii_lowercase().as_str() {
            "true" => return Ok(Json::Bool(true)),
            "false" => return Ok(Json::Bool(false)),
            _ => false,
        },
        (Json::String(text), Type::String) => {
            return Ok(match leaf.canonical_value(text) {
                Some(usual) => Json::string(usual),
                None => value,
            });
        }
        (Json::Number(_), Type::Integer | Type::Decimal) => true,
        (Json::String(_), Type::DateTime | Type::Reference | Type::Binary) => true,
        _ => false,
    };
    if fits {
        Ok(value)
    } else {
        Err(format!(
            "{} is {} and cannot be compared like this with {}",
            target.name(),
            leaf.expected(),
            value.kind()
        ))
    }
}

fn behind_urn<'n>(name: &'n str, urn: &str) -> Option<&'n str> {
    let prefix = name.get(..urn.len())?;
    let rest = name.get(urn.len()..)?.strip_prefix(':')?;
    prefix.eq_ignore_ascii_case(urn).then_some(rest)
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
    /// The canonical name, as a path.
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

    /// The sub-attribute if there is one, else the attribute.
    pub(crate) fn leaf(&self) -> &'s Attribute {
        self.sub.unwrap_or(self.attribute)
    }

    /// The attribute itself.
    pub(crate) fn without_sub(&self) -> Self {
        Self { sub: None, ..*self }
    }

    /// Whether no client may write it.
    pub(crate) fn is_read_only(&self) -> bool {
        self.attribute.mutability == Mutability::ReadOnly
            || self.leaf().mutability == Mutability::ReadOnly
    }
}
