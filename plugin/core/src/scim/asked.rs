//! Resolves the names in queries and value paths to the schemas' spelling, and checks that they may
//! be queried (RFC 7644 §3.4.2).

use super::filter::{Filter, Name, Operator};
use super::schema::Type;
use super::shape::{Resolved, Shape, Target};
use crate::json::Json;

/// Writes the names of a filter as the schemas do. In a query over several resource types (RFC 7644
/// §3.4.2.1), each name must exist in at least one of them, and every type that has it must allow
/// queries on it.
///
/// # Errors
/// Describes what cannot be queried, and why.
pub(crate) fn canonical_filter(shapes: &[&Shape], filter: Filter) -> Result<Filter, String> {
    let all = |filters: Vec<Filter>| {
        filters
            .into_iter()
            .map(|inner| canonical_filter(shapes, inner))
            .collect::<Result<Vec<_>, _>>()
    };
    Ok(match filter {
        Filter::And(filters) => Filter::And(all(filters)?),
        Filter::Or(filters) => Filter::Or(all(filters)?),
        Filter::Not(inner) => Filter::Not(Box::new(canonical_filter(shapes, *inner)?)),
        Filter::Present(name) => Filter::Present(match asked(shapes, &name.0)? {
            Asked::Schemas => schemas_name(),
            Asked::Targets(targets) => fitting(&targets, |target| Ok(canonical_name(target)))?,
        }),
        Filter::Compare(name, operator, value) => match asked(shapes, &name.0)? {
            Asked::Schemas => {
                let value = comparable_urn(shapes, operator, value)?;
                Filter::Compare(schemas_name(), operator, value)
            }
            Asked::Targets(targets) => fitting(&targets, |target| {
                let value = comparable(target, operator.is_ordering(), value.clone())?;
                Ok(Filter::Compare(canonical_name(target), operator, value))
            })?,
        },
        Filter::Within(name, inner) => match asked(shapes, &name.0)? {
            Asked::Schemas => return Err("schemas takes no filter in brackets".to_owned()),
            Asked::Targets(targets) => fitting(&targets, |target| {
                let inner = canonical_value_filter(target, (*inner).clone())?;
                Ok(Filter::Within(canonical_name(target), Box::new(inner)))
            })?,
        },
    })
}

/// The meaning of a name in a query.
pub(crate) enum Asked<'s> {
    /// `schemas`, which every resource has (RFC 7643 §3).
    Schemas,
    /// The attribute in each type that has it; never empty.
    Targets(Vec<Target<'s>>),
}

/// Resolves a name in a query over all types.
///
/// # Errors
/// No type has the attribute, or a type that has it does not allow queries on it.
pub(crate) fn asked<'s>(shapes: &[&'s Shape], name: &str) -> Result<Asked<'s>, String> {
    let mut targets = Vec::with_capacity(shapes.len());
    for shape in shapes {
        match shape.resolve(name) {
            Resolved::Schemas => return Ok(Asked::Schemas),
            Resolved::Attribute(target) => {
                shape.askable(target)?;
                targets.push(target);
            }
            Resolved::Schema(_) | Resolved::Unknown => {}
        }
    }
    match targets.is_empty() {
        true => Err(format!("{name} is not an attribute")),
        false => Ok(Asked::Targets(targets)),
    }
}

/// Returns the result for the first type that fits, or the first type's error.
fn fitting<'s, T>(
    targets: &[Target<'s>],
    fit: impl Fn(Target<'s>) -> Result<T, String>,
) -> Result<T, String> {
    let mut refused = None;
    for target in targets {
        match fit(*target) {
            Ok(fits) => return Ok(fits),
            Err(why) => refused = refused.or(Some(why)),
        }
    }
    Err(refused.unwrap_or_default())
}

fn canonical_name(target: Target<'_>) -> Name {
    Name(target.name().into_owned())
}

fn schemas_name() -> Name {
    Name("schemas".to_owned())
}

/// Returns a URN that `schemas` can be compared with, in its canonical case.
fn comparable_urn(shapes: &[&Shape], operator: Operator, value: Json) -> Result<Json, String> {
    let Json::String(text) = value else {
        return Err(format!(
            "schemas is a list of URNs and cannot be compared with {}",
            value.kind()
        ));
    };
    if operator.is_ordering() {
        return Err("schemas has no order".to_owned());
    }
    let known = shapes.iter().find_map(|shape| {
        let core = std::iter::once(&shape.resource.core);
        let mut all = core.chain(&shape.resource.extensions);
        all.find(|schema| schema.id.eq_ignore_ascii_case(&text))
    });
    Ok(Json::String(known.map_or(text, |schema| schema.id.clone())))
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

/// Returns a value that an attribute can be compared with (RFC 7644 §3.4.2.2).
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
