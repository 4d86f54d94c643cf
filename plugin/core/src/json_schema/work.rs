//! Counts the steps of a check against an account's own JSON Schema before running it: each
//! subschema that applies to a value, what it lists, and each text times the states of its pattern.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value};

use super::fault::SchemaFault;
use super::patterns::Patterns;
use crate::budget::{Budget, BudgetExceeded, Work};

/// Maximum schemas that apply to one value; beyond it, a schema refers to itself or branches
/// without limit.
const MAX_ALTERNATIVES: usize = 10_000;

/// Maximum nesting of schemas that apply; beyond it, a schema refers to itself.
const MAX_NESTING: usize = 128;

/// Bytes of text, or of a keyword's list, that count as one step.
const BYTES_OF_A_STEP: u64 = 64;

/// Steps for an element that is compared with all others.
const UNIQUE_ELEMENT: u64 = 8;

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
/// Keywords whose schemas must be assumed to apply to every member of an object.
const TO_MEMBERS: [&str; 3] = [
    "patternProperties",
    "additionalProperties",
    "unevaluatedProperties",
];
/// Keywords whose schemas must be assumed to apply to every element of a list.
const TO_ELEMENTS: [&str; 5] = [
    "prefixItems",
    "items",
    "additionalItems",
    "contains",
    "unevaluatedItems",
];
/// Keywords whose schemas apply to members by their name, and to the names.
const OF_NAMES: [&str; 2] = ["properties", "propertyNames"];
/// Keywords whose schemas apply only through a `$ref`.
const DEFINITIONS: [&str; 2] = ["$defs", "definitions"];
/// Keywords whose meaning depends on the path to a schema, which a count in advance cannot follow.
const UNCOUNTABLE: [&str; 5] = [
    "$dynamicRef",
    "$recursiveRef",
    "$anchor",
    "$dynamicAnchor",
    "$recursiveAnchor",
];

/// The cost of each subschema of a schema.
pub(super) struct SchemaWork {
    /// The first node is the schema itself.
    nodes: Vec<Node>,
}

/// The cost of one subschema, and the indexes of those that it applies.
#[derive(Default)]
struct Node {
    /// Steps for each value.
    steps: u64,
    /// States of the pattern for a text.
    states: u64,
    /// States of the patterns for each member's name.
    name_states: u64,
    unique: bool,
    in_place: Vec<usize>,
    properties: BTreeMap<String, usize>,
    members: Vec<usize>,
    names: Vec<usize>,
    elements: Vec<usize>,
}

// === impl SchemaWork ===

impl SchemaWork {
    /// Reads the cost of a schema.
    ///
    /// # Errors
    /// The work cannot be counted or never ends, or a pattern is too large.
    pub(super) fn of(schema: &Value, patterns: &mut Patterns) -> Result<Self, SchemaFault> {
        let mut reader = Reader {
            root: schema,
            known: BTreeMap::new(),
            nodes: Vec::new(),
            patterns,
        };
        reader.node(schema, "", 0)?;
        let work = Self {
            nodes: reader.nodes,
        };
        for node in &work.nodes {
            work.alternatives(node, 0, &mut 0)?;
        }
        Ok(work)
    }

    /// Counts the work for a value.
    pub(super) fn count(&self, value: &Value, budget: &Budget) -> Result<(), BudgetExceeded> {
        match self.nodes.first() {
            Some(root) => self.visit(root, value, 0, budget),
            None => Ok(()),
        }
    }

    fn visit(
        &self,
        node: &Node,
        value: &Value,
        nesting: usize,
        budget: &Budget,
    ) -> Result<(), BudgetExceeded> {
        if nesting > MAX_NESTING {
            return budget.spend(Work::Schema, u64::MAX);
        }
        budget.spend(Work::Schema, node.steps)?;
        let nesting = nesting + 1;
        let visit = |index: &usize, value: &Value| match self.nodes.get(*index) {
            Some(node) => self.visit(node, value, nesting, budget),
            None => Ok(()),
        };
        for inner in &node.in_place {
            visit(inner, value)?;
        }
        match value {
            Value::String(text) => {
                budget.spend(Work::Schema, length(text) / BYTES_OF_A_STEP)?;
                budget.pattern(node.states, text)
            }
            Value::Object(members) => {
                for (name, member) in members {
                    budget.pattern(node.name_states, name)?;
                    let named = node.properties.get(name).into_iter();
                    for inner in named.chain(&node.members) {
                        visit(inner, member)?;
                    }
                    if !node.names.is_empty() {
                        let name = Value::String(name.clone());
                        node.names
                            .iter()
                            .try_for_each(|inner| visit(inner, &name))?;
                    }
                }
                Ok(())
            }
            Value::Array(elements) => {
                if node.unique {
                    let count = u64::try_from(elements.len()).unwrap_or(u64::MAX);
                    budget.spend(Work::Schema, count.saturating_mul(UNIQUE_ELEMENT))?;
                }
                for element in elements {
                    node.elements
                        .iter()
                        .try_for_each(|inner| visit(inner, element))?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Counts the schemas that apply to one value.
    fn alternatives(
        &self,
        node: &Node,
        nesting: usize,
        count: &mut usize,
    ) -> Result<(), SchemaFault> {
        *count += 1;
        if *count > MAX_ALTERNATIVES || nesting > MAX_NESTING {
            return Err(SchemaFault::whole(format!(
                "a schema in it refers to itself without end, or applies more than {MAX_ALTERNATIVES} schemas to one value"
            )));
        }
        node.in_place
            .iter()
            .filter_map(|index| self.nodes.get(*index))
            .try_for_each(|inner| self.alternatives(inner, nesting + 1, count))
    }
}

/// Reads subschemas, each once.
struct Reader<'s, 'p> {
    root: &'s Value,
    /// Keyed by address, since a `$ref` may lead to a subschema that was already read.
    known: BTreeMap<*const Value, usize>,
    nodes: Vec<Node>,
    patterns: &'p mut Patterns,
}

impl<'s> Reader<'s, '_> {
    /// Reads a subschema and returns its index.
    fn node(
        &mut self,
        schema: &'s Value,
        pointer: &str,
        nesting: usize,
    ) -> Result<usize, SchemaFault> {
        let address = std::ptr::from_ref(schema);
        if let Some(index) = self.known.get(&address) {
            return Ok(*index);
        }
        if nesting > MAX_NESTING {
            return Err(SchemaFault::whole(format!(
                "it nests deeper than {MAX_NESTING} levels"
            )));
        }
        let index = self.nodes.len();
        self.known.insert(address, index);
        self.nodes.push(Node::default());
        let node = match schema {
            Value::Object(keywords) => self.keywords(keywords, pointer, nesting)?,
            _ => Node {
                steps: 1,
                ..Node::default()
            },
        };
        if let Some(slot) = self.nodes.get_mut(index) {
            *slot = node;
        }
        Ok(index)
    }

    fn keywords(
        &mut self,
        keywords: &'s Map<String, Value>,
        pointer: &str,
        nesting: usize,
    ) -> Result<Node, SchemaFault> {
        let target = self.check(keywords, nesting)?;
        let mut node = Node {
            steps: 1 + listed(keywords) / BYTES_OF_A_STEP,
            unique: keywords.get("uniqueItems") == Some(&Value::Bool(true)),
            ..Node::default()
        };
        if let Some(Value::String(pattern)) = keywords.get("pattern") {
            node.states = self
                .patterns
                .states(pattern, || format!("{pointer}/pattern"))?;
        }
        if let Some(Value::Object(by_pattern)) = keywords.get("patternProperties") {
            for pattern in by_pattern.keys() {
                let place = || format!("{pointer}/patternProperties/{}", token(pattern));
                node.name_states += self.patterns.states(pattern, place)?;
            }
        }
        if let Some(target) = target {
            node.in_place.push(self.node(target, pointer, nesting + 1)?);
        }
        for (keyword, inner) in keywords {
            let applies = |list: &[&str]| list.contains(&keyword.as_str());
            let has_schemas = applies(&IN_PLACE)
                || applies(&TO_MEMBERS)
                || applies(&TO_ELEMENTS)
                || applies(&OF_NAMES)
                || applies(&DEFINITIONS);
            if !has_schemas {
                continue;
            }
            for (place, schema) in inside(keyword, inner) {
                let pointer = format!("{pointer}/{keyword}{place}");
                let index = self.node(schema, &pointer, nesting + 1)?;
                match (keyword.as_str(), place) {
                    ("propertyNames", _) => node.names.push(index),
                    ("properties", Place::Name(name)) => {
                        node.properties.insert(name.to_owned(), index);
                    }
                    _ if applies(&IN_PLACE) => node.in_place.push(index),
                    _ if applies(&TO_MEMBERS) => node.members.push(index),
                    _ if applies(&TO_ELEMENTS) => node.elements.push(index),
                    _ => {}
                }
            }
        }
        Ok(node)
    }

    /// Refuses what cannot be counted; returns the target of a `$ref`.
    fn check(
        &self,
        keywords: &Map<String, Value>,
        nesting: usize,
    ) -> Result<Option<&'s Value>, SchemaFault> {
        if let Some(keyword) = UNCOUNTABLE
            .iter()
            .find(|name| keywords.contains_key(**name))
        {
            return Err(SchemaFault::whole(format!(
                "{keyword} is not supported here; use $ref with #/$defs/…"
            )));
        }
        if nesting > 0 && keywords.get("$id").is_some_and(Value::is_string) {
            return Err(SchemaFault::whole("$id is allowed only at the top"));
        }
        // The client chooses what it compiles to.
        if keywords.get("format").and_then(Value::as_str) == Some("regex") {
            return Err(SchemaFault::whole(
                "the format \"regex\" is not supported here; use pattern",
            ));
        }
        let Some(Value::String(reference)) = keywords.get("$ref") else {
            return Ok(None);
        };
        match referred(self.root, reference) {
            Some(target) => Ok(Some(target)),
            None => Err(SchemaFault::whole(format!(
                "$ref {reference:?} does not exist in this document; use #/$defs/…"
            ))),
        }
    }
}

/// Where a schema is placed under its keyword.
enum Place<'s> {
    Itself,
    Element(usize),
    Name(&'s str),
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Itself => Ok(()),
            Self::Element(index) => write!(f, "/{index}"),
            Self::Name(name) => write!(f, "/{}", token(name)),
        }
    }
}

/// Returns the schemas under a keyword: one, a list, or one for each name.
fn inside<'s>(keyword: &str, value: &'s Value) -> Vec<(Place<'s>, &'s Value)> {
    let is_map = matches!(
        keyword,
        "patternProperties"
            | "dependentSchemas"
            | "dependencies"
            | "$defs"
            | "definitions"
            | "properties"
    );
    match value {
        Value::Array(list) => list
            .iter()
            .enumerate()
            .map(|(index, schema)| (Place::Element(index), schema))
            .collect(),
        Value::Object(map) if is_map => map
            .iter()
            .filter(|(_, schema)| !schema.is_array())
            .map(|(name, schema)| (Place::Name(name), schema))
            .collect(),
        one => vec![(Place::Itself, one)],
    }
}

/// Returns the schema that a `$ref` inside the document points to.
fn referred<'s>(root: &'s Value, reference: &str) -> Option<&'s Value> {
    let pointer = reference.strip_prefix('#')?;
    let decoded = percent_encoding::percent_decode_str(pointer)
        .decode_utf8()
        .ok()?;
    root.pointer(&decoded)
}

/// Returns the size of what one subschema's own keywords list, such as the values of `enum`.
fn listed(keywords: &Map<String, Value>) -> u64 {
    let lists = [
        "enum",
        "const",
        "required",
        "dependentRequired",
        "dependencies",
    ];
    lists
        .iter()
        .filter_map(|keyword| keywords.get(*keyword))
        .map(|list| length(&list.to_string()))
        .sum()
}

fn length(text: &str) -> u64 {
    u64::try_from(text.len()).unwrap_or(u64::MAX)
}

/// RFC 6901 §3.
fn token(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
