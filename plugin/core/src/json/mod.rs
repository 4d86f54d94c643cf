//! Lossless JSON: numbers keep their text, objects keep their order.
//!
//! Bodies are never written from `serde_json::Value`, because its features, and so its output,
//! depend on the other crates in the build. Every face must write the same bytes.

mod pretty;
mod read;
mod write;

pub use pretty::pretty;
pub(crate) use read::{Fault, Flaw, Source, place_in, read};

/// Maximum nesting of a text if no policy limits it.
const DEEPEST: usize = 64;

/// A JSON value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Json {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// The number as written.
    Number(String),
    /// Unescaped.
    String(String),
    /// In order.
    Array(Vec<Json>),
    /// In order.
    Object(Vec<Member>),
}

/// A name and its value in an object.
#[derive(Clone, Debug)]
pub struct Member {
    /// The key, unescaped.
    pub name: String,
    /// The value.
    pub value: Json,
    /// Byte offset just after the key in the source text; 0 for a member that the guard made.
    pub(crate) end_of_key: u32,
}

/// Returns the tokens of a JSON Pointer (RFC 6901 §4).
pub(crate) fn pointer_tokens(pointer: &str) -> impl Iterator<Item = String> + '_ {
    let tokens = pointer.split('/').skip(1);
    tokens.map(|token| token.replace("~1", "/").replace("~0", "~"))
}

// === impl Member ===

impl PartialEq for Member {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.value == other.value
    }
}

impl Eq for Member {}

impl Member {
    /// Creates a member that is not in the source.
    pub(crate) fn new(name: impl Into<String>, value: Json) -> Self {
        Self {
            name: name.into(),
            value,
            end_of_key: 0,
        }
    }
}

// === impl Json ===

impl Json {
    /// Creates a string.
    pub(crate) fn string(text: impl Into<String>) -> Self {
        Self::String(text.into())
    }

    /// Creates an object from these members.
    pub(crate) fn object<const N: usize>(members: [(&str, Json); N]) -> Self {
        Self::Object(
            members
                .into_iter()
                .map(|(name, value)| Member::new(name, value))
                .collect(),
        )
    }

    /// Parses a JSON text as strictly as a body; `None` if it is invalid.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        read(text, DEEPEST).ok().map(|(value, _)| value)
    }

    /// Returns the value of the member with this exact name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Json> {
        match self {
            Self::Object(members) => members
                .iter()
                .find(|member| member.name == name)
                .map(|member| &member.value),
            _ => None,
        }
    }

    /// Returns the value at these tokens of a JSON Pointer.
    pub(crate) fn at(&self, pointer: &[String]) -> Option<&Json> {
        pointer.iter().try_fold(self, |at, token| match at {
            Self::Array(elements) => elements.get(token.parse::<usize>().ok()?),
            other => other.get(token),
        })
    }

    /// Returns the text of a string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the value of a boolean.
    pub(crate) fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// Returns the elements of a list.
    pub(crate) fn as_array(&self) -> Option<&[Json]> {
        match self {
            Self::Array(elements) => Some(elements),
            _ => None,
        }
    }

    /// Visits every member with a text value, at any depth, with its name.
    pub(crate) fn each_text(&mut self, visit: &mut impl FnMut(&str, &mut String)) {
        match self {
            Self::Array(elements) => elements.iter_mut().for_each(|inner| inner.each_text(visit)),
            Self::Object(members) => {
                for Member { name, value, .. } in members {
                    match value {
                        Self::String(text) => visit(name, text),
                        inner => inner.each_text(visit),
                    }
                }
            }
            _ => {}
        }
    }

    /// Whether the value is unassigned by RFC 7643 §2.5: `null` or an empty list.
    pub(crate) fn is_unassigned(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Array(elements) => elements.is_empty(),
            _ => false,
        }
    }

    /// Describes the kind of value, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::String(_) => "a string",
            Self::Array(_) => "a list",
            Self::Object(_) => "an object",
        }
    }

    /// Converts for `jsonschema`, where the exact bytes do not matter.
    pub(crate) fn to_serde(&self) -> serde_json::Value {
        use serde_json::Value;
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(*value),
            Self::Number(text) => serde_json::from_str(text)
                .map_or_else(|_| Value::String(text.clone()), Value::Number),
            Self::String(text) => Value::String(text.clone()),
            Self::Array(elements) => elements.iter().map(Self::to_serde).collect(),
            Self::Object(members) => members
                .iter()
                .map(|member| (member.name.clone(), member.value.to_serde()))
                .collect::<serde_json::Map<_, _>>()
                .into(),
        }
    }
}

impl From<&serde_json::Value> for Json {
    fn from(value: &serde_json::Value) -> Self {
        use serde_json::Value;
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(number) => Self::Number(number.to_string()),
            Value::String(text) => Self::String(text.clone()),
            Value::Array(elements) => Self::Array(elements.iter().map(Self::from).collect()),
            Value::Object(members) => Self::Object(
                members
                    .iter()
                    .map(|(name, value)| Member::new(name, Self::from(value)))
                    .collect(),
            ),
        }
    }
}
