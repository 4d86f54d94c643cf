//! What a check against an account's own JSON Schema takes, counted in steps before it is done. The
//! count is the same on every face, where a clock would not be.

use serde_json::{Map, Value};

/// Steps that the checks of one request may take; some hundred thousand are what a group of 20,000
/// members takes with a pattern for each.
const BUDGET: usize = 1_000_000;

/// Schemas that apply to one value; beyond, one refers to itself or branches without measure.
const MAX_ALTERNATIVES: usize = 10_000;

/// Schemas that apply one inside the other; beyond, one refers to itself.
const MAX_NESTING: usize = 128;

/// Bytes of text that are one step for a pattern.
const TEXT_OF_A_STEP: usize = 64;

/// Keywords whose schemas apply to the same value.
const IN_PLACE: [&str; 9] = [
    "allOf",
    "anyOf",
    "oneOf",
    "not",
    "if",
    "then",
    "else",
    "dependentSchemas",
    "dependencies",
];
/// Keywords whose schemas apply to every member of an object, as far as can be told beforehand.
const TO_MEMBERS: [&str; 3] = [
    "patternProperties",
    "additionalProperties",
    "unevaluatedProperties",
];
/// Keywords whose schemas apply to every element of a list, as far as can be told beforehand.
const TO_ELEMENTS: [&str; 5] = [
    "prefixItems",
    "items",
    "additionalItems",
    "contains",
    "unevaluatedItems",
];
/// Keywords whose meaning the way to a schema decides, which no count beforehand can follow.
const UNCOUNTABLE: [&str; 5] = [
    "$dynamicRef",
    "$recursiveRef",
    "$anchor",
    "$dynamicAnchor",
    "$recursiveAnchor",
];

/// The steps that are left.
pub(super) struct Work {
    left: usize,
}

/// More steps than there are, or schemas that nest without end.
#[derive(Debug)]
pub(super) struct TooMuch;

impl Work {
    /// All steps of a request.
    pub(super) fn of_a_request() -> Self {
        Self { left: BUDGET }
    }

    /// Counts what a value takes.
    pub(super) fn count(&mut self, schema: &Value, value: &Value) -> Result<(), TooMuch> {
        self.visit(schema, schema, value, 0)
    }

    fn visit(
        &mut self,
        root: &Value,
        schema: &Value,
        value: &Value,
        nesting: usize,
    ) -> Result<(), TooMuch> {
        if nesting > MAX_NESTING {
            return Err(TooMuch);
        }
        self.spend(1 + own_size(value))?;
        let Value::Object(keywords) = schema else {
            return Ok(());
        };
        let nesting = nesting + 1;
        if let Some(target) = referred(root, keywords) {
            self.visit(root, target, value, nesting)?;
        }
        for inner in under(keywords, &IN_PLACE) {
            self.visit(root, inner, value, nesting)?;
        }
        match value {
            Value::Object(members) => {
                let properties = keywords.get("properties").and_then(Value::as_object);
                let names = keywords.get("propertyNames");
                for (name, member) in members {
                    if let Some(inner) = properties.and_then(|known| known.get(name)) {
                        self.visit(root, inner, member, nesting)?;
                    }
                    for inner in under(keywords, &TO_MEMBERS) {
                        self.visit(root, inner, member, nesting)?;
                    }
                    if let Some(inner) = names {
                        self.visit(root, inner, &Value::String(name.clone()), nesting)?;
                    }
                }
            }
            Value::Array(elements) => {
                for element in elements {
                    for inner in under(keywords, &TO_ELEMENTS) {
                        self.visit(root, inner, element, nesting)?;
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn spend(&mut self, steps: usize) -> Result<(), TooMuch> {
        self.left = self.left.checked_sub(steps).ok_or(TooMuch)?;
        Ok(())
    }
}

/// Refuses a schema whose work cannot be counted, or never ends.
pub(super) fn countable(schema: &Value) -> Result<(), String> {
    every(schema, schema, 0, true)
}

fn every(root: &Value, schema: &Value, nesting: usize, is_root: bool) -> Result<(), String> {
    let Value::Object(keywords) = schema else {
        return Ok(());
    };
    if nesting > MAX_NESTING {
        return Err(format!("it nests deeper than {MAX_NESTING} levels"));
    }
    if let Some(keyword) = UNCOUNTABLE
        .iter()
        .find(|name| keywords.contains_key(**name))
    {
        return Err(format!(
            "{keyword} is not possible here; use $ref with #/$defs/…"
        ));
    }
    if !is_root && keywords.get("$id").is_some_and(Value::is_string) {
        return Err("$id is possible only at the top".to_owned());
    }
    if let Some(Value::String(reference)) = keywords.get("$ref")
        && referred(root, keywords).is_none()
    {
        return Err(format!(
            "$ref {reference:?} leads nowhere in this document; use #/$defs/…"
        ));
    }
    let mut work = Work {
        left: MAX_ALTERNATIVES,
    };
    if work.visit(root, schema, &Value::Null, 0).is_err() {
        return Err(format!(
            "a schema in it refers to itself without end, or applies more than {MAX_ALTERNATIVES} schemas to one value"
        ));
    }
    let maps = ["$defs", "definitions", "properties"];
    let inner = under(keywords, &IN_PLACE)
        .chain(under(keywords, &TO_MEMBERS))
        .chain(under(keywords, &TO_ELEMENTS))
        .chain(under(keywords, &maps))
        .chain(keywords.get("propertyNames"));
    for schema in inner {
        every(root, schema, nesting + 1, false)?;
    }
    Ok(())
}

/// The schemas under these keywords: one, a list, or one for each name.
fn under<'s, const N: usize>(
    keywords: &'s Map<String, Value>,
    names: &'s [&str; N],
) -> impl Iterator<Item = &'s Value> {
    names.iter().flat_map(move |name| {
        let is_map = matches!(
            *name,
            "patternProperties"
                | "dependentSchemas"
                | "dependencies"
                | "$defs"
                | "definitions"
                | "properties"
        );
        let found: Vec<&Value> = match keywords.get(*name) {
            Some(Value::Array(list)) => list.iter().collect(),
            Some(Value::Object(map)) if is_map => map.values().filter(|s| !s.is_array()).collect(),
            Some(one) => vec![one],
            None => Vec::new(),
        };
        found
    })
}

/// The schema that a `$ref` inside of the document leads to.
fn referred<'s>(root: &'s Value, keywords: &Map<String, Value>) -> Option<&'s Value> {
    let pointer = keywords.get("$ref")?.as_str()?.strip_prefix('#')?;
    let decoded = percent_encoding::percent_decode_str(pointer)
        .decode_utf8()
        .ok()?;
    root.pointer(&decoded)
}

fn own_size(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len() / TEXT_OF_A_STEP,
        _ => 0,
    }
}
